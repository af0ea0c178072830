/**
 * An index as a file beside the store, little-endian:
 *
 *   8 bytes `functaNX`; u32 bytes of the head; the head, JSON, padded with spaces to a multiple of 4
 *   u32 [count + 1]: where each id ends and the next begins; ids in UTF-8, zeros up to a multiple of 4
 *   f32 mean [inputs]; projection [dimensions - 1, inputs]; vectors [count, dimensions]
 *
 * The head holds the SHA-256 of its own other members and of all that follows it, and is written in one way alone. A file that is
 * cut off, damaged or of another format is no file.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { replaceWhole } from '../disk/whole.ts';
import type { Fault } from '../functaset/index.ts';
import type { Embedding, Metric } from './embedding.ts';
import { Vectors } from './vectors.ts';

const magic = 'functaNX';
/** 4: values of functions of samples are those of the samples. 5: sounds are drawn from their samples. 6: functions over ranges of their own are on the scale of the card. */
const format = 6;

/** Which function each vector is of, in order of ids (bytes of UTF-8); rows of no function have an empty one, and come last. */
export class IdTable {
  readonly #ends: Uint32Array;
  readonly #bytes: Uint8Array;
  #named: number | undefined;

  /** `ends` [count + 1] begins with 0. */
  constructor(ends: Uint32Array, bytes: Uint8Array) {
    this.#ends = ends;
    this.#bytes = bytes;
  }

  static of(ids: readonly string[]): IdTable {
    const encoded = ids.map((id) => Buffer.from(id));
    const ends = new Uint32Array(ids.length + 1);
    encoded.forEach((bytes, i) => {
      ends[i + 1] = ends[i]! + bytes.length;
    });
    return new IdTable(ends, Buffer.concat(encoded));
  }

  get count(): number {
    return this.#ends.length - 1;
  }

  /** Rows of functions. */
  get named(): number {
    if (this.#named === undefined) {
      let named = this.count;
      while (named > 0 && this.#ends[named] === this.#ends[named - 1]) named--;
      this.#named = named;
    }
    return this.#named;
  }

  /** The row of a function, from `first` on: by halving, without a text for each row. Undefined: there is none. */
  rowOf(id: string, first = 0): number | undefined {
    const wanted = Buffer.from(id);
    let [low, high] = [first, this.named];
    while (low < high) {
      const row = (low + high) >>> 1;
      const order = wanted.compare(this.#bytes, this.#ends[row]!, this.#ends[row + 1]!);
      if (order === 0) return row;
      if (order > 0) low = row + 1;
      else high = row;
    }
    return undefined;
  }

  at(row: number): string {
    return Buffer.from(this.#bytes.subarray(this.#ends[row]!, this.#ends[row + 1]!)).toString();
  }

  get parts(): readonly [ends: Uint32Array, bytes: Uint8Array] {
    return [this.#ends, this.#bytes];
  }
}

/** What an index is of and holds. */
export interface IndexParts {
  /** Of the store: see `stampOf`. */
  readonly stamp: string;
  readonly embedding: Embedding;
  readonly ids: IdTable;
  readonly vectors: Vectors;
  /** Functions that could not be read when it was made. */
  readonly damaged: readonly Fault[];
}

interface Head {
  readonly format: number;
  readonly stamp: string;
  readonly metric: Metric;
  readonly inputs: number;
  readonly dimensions: number;
  readonly terms: number;
  readonly quality: number;
  readonly damaged: readonly Fault[];
  readonly count: number;
  readonly idBytes: number;
  readonly sha256: string;
}

/** Writes beside the name and renames: whoever reads finds the old index, the new one or none. Returns its SHA-256. */
export function writeIndex(path: string, { stamp, embedding, ids, vectors, damaged }: IndexParts): string {
  const { metric, inputs, dimensions, terms, quality, mean, projection } = embedding;
  const [ends, idBytes] = ids.parts;
  const padding = new Uint8Array(align(idBytes.length) - idBytes.length);
  const parts = [ends, idBytes, padding, mean, projection, ...vectors.blocks].map(bytesOf);
  const described = {
    ...{ format, stamp, metric, inputs, dimensions, terms, quality, damaged },
    ...{ count: ids.count, idBytes: idBytes.length },
  };
  const hash = createHash('sha256').update(JSON.stringify(described));
  for (const part of parts) hash.update(part);
  const sha256 = hash.digest('hex');
  const text = textOf({ ...described, sha256 });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  replaceWhole(path, (fresh) => {
    const file = openSync(fresh, 'wx');
    try {
      for (const part of [Buffer.from(magic), length, text, ...parts]) writeAll(file, part);
    } finally {
      closeSync(file);
    }
  });
  return sha256;
}

/** The index of a file, where it is there, whole, and of the store with this stamp. */
export function readIndex(
  path: string,
  stamp: string,
): (IndexParts & { readonly sha256: string }) | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const found = readHead(file, statSync(path).size);
    return found?.head.stamp === stamp ? readParts(file, found.head, found.at) : undefined;
  } catch {
    // Whatever is wrong with it, it is made again.
    return undefined;
  } finally {
    closeSync(file);
  }
}

function readHead(file: number, size: number): { head: Head; at: number } | undefined {
  const start = new Uint8Array(12);
  readWhole(file, start, 0);
  if (Buffer.from(start.subarray(0, 8)).toString('latin1') !== magic) return undefined;
  const length = Buffer.from(start).readUInt32LE(8);
  if (12 + length > size) return undefined;
  const text = new Uint8Array(length);
  readWhole(file, text, 12);
  const head = JSON.parse(Buffer.from(text).toString()) as Head;
  if (!textOf(head).equals(text)) return undefined;
  const { count, idBytes, inputs, dimensions } = head;
  const counts = [count, idBytes, inputs, dimensions];
  if (head.format !== format || !counts.every((n) => Number.isSafeInteger(n) && n >= 0)) return undefined;
  const numbers = count + 1 + inputs + (dimensions - 1) * inputs + count * dimensions;
  // Checked before anything is sized by it.
  return 12 + length + 4 * numbers + align(idBytes) === size ? { head, at: 12 + length } : undefined;
}

function readParts(
  file: number,
  head: Head,
  start: number,
): (IndexParts & { readonly sha256: string }) | undefined {
  const { stamp, metric, inputs, dimensions, terms, quality, damaged, count, idBytes, sha256 } = head;
  const ends = new Uint32Array(count + 1);
  const ids = new Uint8Array(align(idBytes));
  const mean = new Float32Array(inputs);
  const projection = new Float32Array((dimensions - 1) * inputs);
  const vectors = new Vectors(count, dimensions);
  const { sha256: _, ...described } = head;
  const hash = createHash('sha256').update(JSON.stringify(described));
  let at = start;
  for (const part of [ends, ids, mean, projection, ...vectors.blocks].map(bytesOf)) {
    readWhole(file, part, at);
    at += part.length;
    hash.update(part);
  }
  if (hash.digest('hex') !== sha256) return undefined;
  if (![mean, projection, ...vectors.blocks].every(areFinite)) return undefined;
  const embedding = { metric, inputs, dimensions, terms, quality, mean, projection };
  return { stamp, embedding, ids: new IdTable(ends, ids.subarray(0, idBytes)), vectors, damaged, sha256 };
}

/** An index of numbers that are none finds the wrong functions; one was written when axes of equal functions were not finite. */
function areFinite(numbers: Float32Array): boolean {
  return numbers.every(Number.isFinite);
}

/** The head as it stands in the file; `sha256` comes last. */
function textOf(head: Head): Buffer {
  const json = JSON.stringify(head);
  return Buffer.concat([
    Buffer.from(json),
    Buffer.alloc(align(Buffer.byteLength(json)) - Buffer.byteLength(json), ' '),
  ]);
}

function bytesOf(array: Uint8Array | Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function readWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, position + at);
    if (read === 0) throw new RangeError('the file ends early');
    at += read;
  }
}

function align(at: number): number {
  return Math.ceil(at / 4) * 4;
}
