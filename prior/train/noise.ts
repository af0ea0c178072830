/** Random numbers for training, by the million: drawn once, and then taken from random places. */
import { Rng } from '../../src/core/rng.ts';

const size = 2 ** 21;

export class NoiseBank {
  readonly #values: Float32Array;

  constructor(seed: number, stream: number, draw: (rng: Rng) => number) {
    const rng = new Rng(seed, stream);
    this.#values = Float32Array.from({ length: size }, () => draw(rng));
  }

  /** Fills `out` with neighbours in the bank, from a place that `rng` chooses. */
  fill(out: Float32Array, rng: Rng): void {
    const start = rng.below(size);
    const first = Math.min(out.length, size - start);
    out.set(this.#values.subarray(start, start + first));
    for (let at = first; at < out.length; at += size) {
      out.set(this.#values.subarray(0, Math.min(size, out.length - at)), at);
    }
  }
}
