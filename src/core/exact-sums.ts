/**
 * Sums without rounding, many side by side: each is kept as a few doubles that do not overlap and whose sum is exact (J. Shewchuk, Discrete &
 * Computational Geometry 18, 1997). What a sum rounds to does not depend on the order in which its terms came, nor on how they were spread over
 * machines.
 */

/** Doubles of a sum at first; where one needs more, all get room for more. */
const usualRoom = 4;
/** 2^27 + 1 cuts a double in two halves whose products are exact (T. Dekker, Numerische Mathematik 18, 1971). */
const splitter = 134_217_729;

export class ExactSums {
  readonly length: number;
  #room = usualRoom;
  /** [length, room]: smallest first. */
  #parts: Float64Array;
  /** [length]: how many of them are in use. */
  readonly #used: Uint8Array;

  constructor(length: number) {
    this.length = length;
    this.#parts = new Float64Array(length * usualRoom);
    this.#used = new Uint8Array(length);
  }

  /** A sum that something was added to which is not finite is NaN. */
  add(at: number, term: number): void {
    const used = this.#used[at]!;
    const from = at * this.#room;
    if (!Number.isFinite(term) || (used > 0 && Number.isNaN(this.#parts[from]!))) {
      this.#parts[from] = Number.NaN;
      this.#used[at] = 1;
      return;
    }
    let x = term;
    let kept = 0;
    for (let i = 0; i < used; i++) {
      const y = this.#parts[from + i]!;
      const sum = x + y;
      const low = Math.abs(x) < Math.abs(y) ? x - (sum - y) : y - (sum - x);
      if (low !== 0) this.#parts[from + kept++] = low;
      x = sum;
    }
    if (!Number.isFinite(x)) {
      this.add(at, x);
      return;
    }
    if (kept === this.#room) this.#grow();
    this.#parts[at * this.#room + kept] = x;
    this.#used[at] = kept + 1;
  }

  /** Adds a * b. */
  addProduct(at: number, a: number, b: number): void {
    for (const part of exactProduct(a, b)) this.add(at, part);
  }

  /** Adds all that was added to others. */
  addAll(other: ExactSums): void {
    for (let at = 0; at < this.length; at++) for (const part of other.partsOf(at)) this.add(at, part);
  }

  /** Doubles whose sum is exact, smallest first. */
  partsOf(at: number): Float64Array {
    const from = at * this.#room;
    return this.#parts.subarray(from, from + this.#used[at]!);
  }

  /** The double that is nearest to a sum; of two as near, the even one. */
  valueAt(at: number): number {
    const parts = this.partsOf(at);
    let i = parts.length - 1;
    if (i < 0) return 0;
    let sum = parts[i]!;
    let low = 0;
    while (i > 0 && low === 0) {
      const x = sum;
      const y = parts[--i]!;
      sum = x + y;
      low = y - (sum - x);
    }
    // half way between two doubles: what is still left says which one is nearer
    if (i > 0 && low < 0 === parts[i - 1]! < 0) {
      const twice = 2 * low;
      const other = sum + twice;
      if (twice === other - sum) return other;
    }
    return sum;
  }

  /** All of it: how many doubles each sum has, then those. */
  toBytes(): Uint8Array {
    const parts = Array.from({ length: this.length }, (_, at) => this.partsOf(at));
    const count = parts.reduce((sum, { length }) => sum + length, 0);
    const bytes = new Uint8Array(this.length + 8 * count);
    bytes.set(this.#used);
    const view = new DataView(bytes.buffer);
    let offset = this.length;
    for (const some of parts) {
      for (const part of some) {
        view.setFloat64(offset, part, true);
        offset += 8;
      }
    }
    return bytes;
  }

  /** Adds what `toBytes` of as many sums gave. */
  addBytes(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let offset = this.length;
    for (let at = 0; at < this.length; at++) {
      for (let i = 0; i < bytes[at]!; i++) {
        this.add(at, view.getFloat64(offset, true));
        offset += 8;
      }
    }
  }

  #grow(): void {
    const room = 2 * this.#room;
    const parts = new Float64Array(this.length * room);
    for (let i = 0; i < this.length; i++)
      parts.set(this.#parts.subarray(i * this.#room, (i + 1) * this.#room), i * room);
    this.#room = room;
    this.#parts = parts;
  }
}

/** Two doubles whose sum is a * b, exactly, where neither is near the ends of the range. */
export function exactProduct(a: number, b: number): readonly [product: number, low: number] {
  const product = a * b;
  const [ca, cb] = [splitter * a, splitter * b];
  const highA = ca - (ca - a);
  const highB = cb - (cb - b);
  const lowA = a - highA;
  const lowB = b - highB;
  return [product, lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB)];
}
