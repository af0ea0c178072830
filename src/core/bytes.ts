/**
 * Little-endian reading and writing of bytes. The reader never looks past its end: every short read is a
 * BadStreamError 'truncated' that says where.
 */
import { BadInputError, BadStreamError } from './errors.ts';

const maxVarintBytes = 5;

/** Reads a byte array from front to back. Keeps a view of `bytes`; what it returns is fresh. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** LEB128 of a number below 2^32, in the fewest bytes: a longer spelling is a BadStreamError 'varint'. */
  varint(): number {
    const start = this.#at;
    let value = 0;
    let unit = 1;
    for (let n = 1; n <= maxVarintBytes; n++, unit *= 128) {
      const byte = this.u8();
      value += (byte & 127) * unit;
      if (byte > 127) continue;
      if (value > 0xffffffff) throw new BadStreamError('varint', start, 'a varint stands for 2^32 or more');
      if (byte === 0 && n > 1)
        throw new BadStreamError('varint', start, 'a varint is longer than it need be');
      return value;
    }
    throw new BadStreamError('varint', start, `a varint is longer than ${maxVarintBytes} bytes`);
  }

  /** A copy of the next `n` bytes. */
  bytes(n: number): Uint8Array {
    const at = this.#take(n);
    return this.#bytes.slice(at, at + n);
  }

  /** The next `n` bytes as UTF-8; malformed text is a BadStreamError 'utf8'. */
  utf8(n: number): string {
    const at = this.#take(n);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        this.#bytes.subarray(at, at + n),
      );
    } catch {
      throw new BadStreamError('utf8', at, 'text is not UTF-8');
    }
  }

  /** Throws BadStreamError 'trailing' if bytes are left. */
  expectEnd(): void {
    if (this.remaining > 0)
      throw new BadStreamError('trailing', this.#at, `${this.remaining} bytes after the end`);
  }

  #take(n: number): number {
    if (!Number.isInteger(n) || n < 0) throw new BadInputError('length', `cannot read ${n} bytes`);
    const at = this.#at;
    if (n > this.#bytes.length - at) {
      const short = `${n} bytes wanted, ${this.#bytes.length - at} left`;
      throw new BadStreamError('truncated', at, `the bytes end early: ${short}`);
    }
    this.#at = at + n;
    return at;
  }
}

/** Grows as it is written to; integers out of range are a BadInputError 'range'. */
export class ByteWriter {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    checkUnsigned(value, 0xff);
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    checkUnsigned(value, 0xffff);
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    checkUnsigned(value, 0xffffffff);
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  f32(value: number): this {
    const at = this.#grow(4);
    this.#view.setFloat32(at, value, true);
    return this;
  }

  f64(value: number): this {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value, true);
    return this;
  }

  varint(value: number): this {
    checkUnsigned(value, 0xffffffff);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.u8((rest % 128) + 128);
    return this.u8(rest);
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** UTF-8, without a length. */
  utf8(text: string): this {
    return this.bytes(new TextEncoder().encode(text));
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(n: number): number {
    const at = this.#length;
    this.#length = at + n;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

function checkUnsigned(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new BadInputError('range', `${value} is not an integer from 0 to ${max}`);
  }
}

/** The first `n` bytes (all by default) in lower-case hexadecimal. */
export function hex(bytes: Uint8Array, n = bytes.length): string {
  let text = '';
  for (const byte of bytes.subarray(0, n)) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of a hexadecimal string; white space is ignored. Throws BadInputError 'hex'. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new BadInputError('hex', 'not an even number of hexadecimal digits');
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
