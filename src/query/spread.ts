/**
 * Mean, variance and extremes of vectors, from exact sums: they are the same to the last bit in whatever order the vectors come, and however
 * they were spread over parts that are put together later.
 */
import { ExactSums, exactProduct } from '../core/exact-sums.ts';

export class Spread {
  count = 0;
  readonly length: number;
  readonly #sums: ExactSums;
  readonly #squares: ExactSums;
  readonly #min: Float64Array;
  readonly #max: Float64Array;

  constructor(length: number) {
    this.length = length;
    this.#sums = new ExactSums(length);
    this.#squares = new ExactSums(length);
    this.#min = new Float64Array(length).fill(Infinity);
    this.#max = new Float64Array(length).fill(-Infinity);
  }

  add(values: ArrayLike<number>): void {
    this.count++;
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      this.#sums.add(i, v);
      this.#squares.addProduct(i, v, v);
      this.#min[i] = Math.min(this.#min[i]!, v);
      this.#max[i] = Math.max(this.#max[i]!, v);
    }
  }

  /** By statistic, each [length]. The variance is the mean square of what is left of the values without their mean. */
  statistics(): Readonly<Record<'mean' | 'variance' | 'min' | 'max', number[]>> {
    const mean = Array.from({ length: this.length }, (_, i) => this.#sums.valueAt(i) / this.count);
    // sum (v - m)^2 = sum v^2 - 2 m sum v + n m^2, without rounding on the way
    const left = new ExactSums(this.length);
    const variance = mean.map((m, i) => {
      for (const part of this.#squares.partsOf(i)) left.add(i, part);
      for (const part of this.#sums.partsOf(i)) left.addProduct(i, -2 * m, part);
      for (const part of exactProduct(m, m)) left.addProduct(i, this.count, part);
      return Math.max(0, left.valueAt(i) / this.count);
    });
    return { mean, variance, min: [...this.#min], max: [...this.#max] };
  }

  /** For `addBytes` elsewhere. */
  toBytes(): Uint8Array {
    const [sums, squares] = [this.#sums.toBytes(), this.#squares.toBytes()];
    const head = Float64Array.of(this.count, this.length, sums.length, squares.length);
    return Buffer.concat([head, this.#min, this.#max].map(bytesOf).concat([sums, squares]));
  }

  /** Adds all vectors of another of this length. */
  addBytes(bytes: Uint8Array): void {
    const head = numbersOf(bytes, 0, 4);
    const [count, length, sums, squares] = head as unknown as [number, number, number, number];
    const [min, max] = [numbersOf(bytes, 4, length), numbersOf(bytes, 4 + length, length)];
    const at = 8 * (4 + 2 * length);
    this.count += count;
    for (let i = 0; i < this.length; i++) {
      this.#min[i] = Math.min(this.#min[i]!, min[i]!);
      this.#max[i] = Math.max(this.#max[i]!, max[i]!);
    }
    this.#sums.addBytes(bytes.subarray(at, at + sums));
    this.#squares.addBytes(bytes.subarray(at + sums, at + sums + squares));
  }

  /** Of what `toBytes` gave. */
  static fromBytes(bytes: Uint8Array): Spread {
    const spread = new Spread(numbersOf(bytes, 1, 1)[0]!);
    spread.addBytes(bytes);
    return spread;
  }
}

function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function numbersOf(bytes: Uint8Array, at: number, length: number): Float64Array {
  // a copy: a view may begin where no double does
  return new Float64Array(new Uint8Array(bytes.subarray(8 * at, 8 * (at + length))).buffer);
}
