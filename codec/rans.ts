/**
 * rANS (Duda, arXiv 1311.2540) with a 32-bit state, renormalised by bytes, over tables that sum to 2^16. The state
 * does not start in its interval but from a 16-bit check of what is coded: those two bytes have to be stored
 * anyway, and as the starting state they also pay for the warm-up (from zero the first symbols would cost as much), so
 * nothing is spent on a flush.
 *
 * Encoding s = [start, start + f) of 2^16 takes state x to  C(x) = floor(x / f) 2^16 + x mod f + start, after bytes
 * were moved out until x < 2^15 f. Symbols go in last to first; what is written is the final state in its fewest bytes,
 * high byte first, and then the bytes moved out, last first. Decoding reads a byte whenever the state is below 2^23
 * and bytes are left.
 *
 * Invariant, between symbols: either the state is in [2^23, 2^31), or it is below 2^23 and no byte was moved out
 * yet. Why: from x < 2^15 f, C(x) < 2^31. Moving out leaves x >= 2^7 f, hence C(x) >= 2^23. And x >= 2^23 with nothing to
 * move out is above 2^7 f too, since f < 2^16.
 * So a decoder that finds the state below 2^23 while bytes are left has undone a step that moved them out, and reads
 * exactly those: with one fewer the state would be below 2^23 still, and with all it is where it was; if it was below
 * 2^23 (only the first step to move any), those bytes were the last of the stream. Once none are left it reads none, as
 * none were moved out. It ends at the check with no byte left: anything else is a damaged stream. Decoder and
 * encoder are inverse to each other on all streams that do not begin with a zero byte, so symbols and check have one
 * encoding.
 *
 * Hot loops read local typed arrays behind `!`: every index is below the length.
 */

import { TableCoder } from '../prior/coder.ts';
import { bitsOfIntervals } from '../prior/cost.ts';
import type { StreamPlace } from '../prior/prior.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { look } from '../src/core/look.ts';

const lowest = 1 << 23;

/** Symbols between two looks at whether to stop, as a mask: a millisecond. */
const lookMask = 0xffff;

/** Room that is not given back. */
const keptIntervals = 1 << 16;

/** Collects symbols; `finish` writes them. */
export class RansEncoder extends TableCoder {
  /** start + 2^16 frequency of every symbol; frequencies are below 2^16, since a table has two symbols or more. */
  #intervals = new Uint32Array(0);
  #count = 0;
  #mostBits: number | undefined;
  /** Of the first `#counted` intervals. */
  #bits = 0;
  #counted = 0;

  /** As made anew, in the room that is there; the stream is not wanted where symbols take more than `mostBits`. */
  restart(mostBits?: number): void {
    if (this.#intervals.length > keptIntervals) this.#intervals = new Uint32Array(0);
    this.#forget();
    this.#mostBits = mostBits;
  }

  get mostBits(): number | undefined {
    return this.#mostBits;
  }

  /** Whether the symbols so far cost more than is wanted. */
  get isOver(): boolean {
    return this.#mostBits !== undefined && this.bitCount > this.#mostBits;
  }

  /** What the tables say that the symbols so far cost: what a `CostMeter` would have counted. */
  get bitCount(): number {
    this.#bits = bitsOfIntervals(this.#intervals.subarray(this.#counted, this.#count), this.#bits);
    this.#counted = this.#count;
    return this.#bits;
  }

  protected symbol(cdf: Uint32Array, index: number): number {
    const start = cdf[index]!;
    this.#push(start, cdf[index + 1]! - start);
    return index;
  }

  bits(count: number, value: number): number {
    const frequency = 1 << (16 - count);
    this.#push(value * frequency, frequency);
    return value;
  }

  take(intervals: Uint32Array): void {
    this.#makeRoom(intervals.length);
    this.#intervals.set(intervals, this.#count);
    this.#count += intervals.length;
  }

  /** The stream of all symbols, and of a check in [0, 2^16) that the decoder finds at the end. */
  finish(check: number): Uint8Array {
    const end = new RansEnd(check, this.#count >> 1);
    end.put(this.#intervals, this.#count);
    return end.stream();
  }

  /** Puts the symbols so far before those that `end` has, and forgets them. */
  flush(end: RansEnd): void {
    end.put(this.#intervals, this.#count);
    this.#forget();
  }

  #forget(): void {
    this.#count = 0;
    this.#bits = 0;
    this.#counted = 0;
  }

  #push(start: number, frequency: number): void {
    if (this.#count === this.#intervals.length) this.#makeRoom(1024);
    this.#intervals[this.#count++] = start + frequency * 65536;
  }

  #makeRoom(more: number): void {
    if (this.#count + more <= this.#intervals.length) return;
    const larger = new Uint32Array(Math.max(2 * this.#intervals.length, this.#count + more));
    larger.set(this.#intervals.subarray(0, this.#count));
    this.#intervals = larger;
  }
}

/** The end of a stream, which grows towards its beginning: symbols go in last to first, and need not all be there at once. */
export class RansEnd {
  #out: Uint8Array;
  #length = 0;
  #x: number;

  /** `check`: in [0, 2^16), what the decoder finds at the end. `bytes`: about how many there will be. */
  constructor(check: number, bytes = 0) {
    this.#x = check;
    this.#out = new Uint8Array(Math.max(16, bytes));
  }

  /** The first `count` of `intervals` (start + 2^16 frequency) before what there is. */
  put(intervals: Uint32Array, count: number): void {
    let out = this.#out;
    let length = this.#length;
    let x = this.#x;
    for (let i = count - 1; i >= 0; i--) {
      if ((i & lookMask) === 0) look();
      const interval = intervals[i]!;
      const frequency = interval >>> 16;
      const bound = frequency * 32768;
      if (x >= bound) {
        if (length + 4 > out.length) {
          const larger = new Uint8Array(2 * out.length);
          larger.set(out);
          out = larger;
        }
        do {
          out[length++] = x & 0xff;
          x >>>= 8;
        } while (x >= bound);
      }
      const quotient = (x / frequency) | 0;
      x = (quotient << 16) + (x - quotient * frequency) + (interval & 0xffff);
    }
    this.#out = out;
    this.#length = length;
    this.#x = x;
  }

  /** The whole, after its first symbols. */
  stream(): Uint8Array {
    const state: number[] = [];
    for (let x = this.#x; x > 0; x >>>= 8) state.unshift(x & 0xff);
    const stream = new Uint8Array(state.length + this.#length);
    stream.set(state);
    stream.set(this.#out.subarray(0, this.#length).reverse(), state.length);
    return stream;
  }
}

/** Reads symbols from a stream, of which it keeps a view. `end` says whether it was whole. */
export class RansDecoder extends TableCoder {
  readonly #bytes: Uint8Array;
  readonly #origin: number;
  #next = 0;
  #x = 0;

  /** `origin`: offset of the stream in its file, for messages. Throws BadStreamError `payload` on a leading zero byte. */
  constructor(bytes: Uint8Array, origin = 0) {
    super();
    this.#bytes = bytes;
    this.#origin = origin;
    if (bytes[0] === 0)
      throw new BadStreamError('payload', origin, 'a stream does not begin with a zero byte');
    this.#refill(0);
  }

  /** The encoder's check, after the last symbol. Throws BadStreamError `payload` if bytes are left or lacking. */
  end(): number {
    if (this.#x > 0xffff || this.#next !== this.#bytes.length) {
      throw new BadStreamError(
        'payload',
        this.at,
        'the symbols do not end where the bytes do: the stream is damaged',
      );
    }
    return this.#x;
  }

  get place(): StreamPlace {
    return { bytes: this.#bytes, next: this.#next, state: this.#x };
  }

  set place({ next, state }: StreamPlace) {
    this.#next = next;
    this.#x = state;
  }

  protected override get at(): number {
    return this.#origin + this.#next;
  }

  /** `guess` is tried first: symbols begin as zeros, and most are. */
  protected symbol(cdf: Uint32Array, guess: number): number {
    const slot = this.#x & 0xffff;
    let low = guess;
    if (slot < cdf[guess]! || slot >= cdf[guess + 1]!) {
      low = 0;
      let high = cdf.length - 1;
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (cdf[middle]! <= slot) low = middle;
        else high = middle;
      }
    }
    const start = cdf[low]!;
    this.#refill((cdf[low + 1]! - start) * (this.#x >>> 16) + slot - start);
    return low;
  }

  bits(count: number, _value: number): number {
    const shift = 16 - count;
    const slot = this.#x & 0xffff;
    this.#refill(((this.#x >>> 16) << shift) + (slot & ((1 << shift) - 1)));
    return slot >>> shift;
  }

  #refill(state: number): void {
    let x = state;
    while (x < lowest && this.#next < this.#bytes.length) x = (x << 8) | this.#bytes[this.#next++]!;
    this.#x = x;
  }
}
