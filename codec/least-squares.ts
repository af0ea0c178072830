/**
 * Weights of neighbours that are learnt while samples are coded: recursive least squares that forget (Haykin, Adaptive Filter Theory,
 * chapter 10), as lossless coders of pictures have it (Meyer and Tischer, TMW, 1997). Doubles, by + - * / in a fixed order alone: every
 * engine finds the same weights. FORMAT.md, "Foretold by least squares".
 *
 * Indices of hot loops are below the number of weights.
 */

/** What an item counts after the next one. */
const memory = 0.997;
/** Of the inverse covariance along its diagonal: beyond it, directions that nothing was seen of have drowned the others. */
const mostSpread = 1e6;

export class LeastSquares {
  readonly #weights: Float64Array;
  /** [n, n]: the inverse of what neighbours had in common, symmetric. */
  readonly #inverse: Float64Array;
  readonly #gain: Float64Array;

  constructor(n: number) {
    this.#weights = new Float64Array(n);
    this.#inverse = new Float64Array(n * n);
    this.#gain = new Float64Array(n);
    this.#spread();
  }

  guess(x: Float64Array): number {
    const weights = this.#weights;
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += weights[i]! * x[i]!;
    return sum;
  }

  /** `off`: what was found, less the guess. */
  learn(x: Float64Array, off: number): void {
    const inverse = this.#inverse;
    const gain = this.#gain;
    const weights = this.#weights;
    const n = weights.length;
    let size = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += inverse[i * n + j]! * x[j]!;
      gain[i] = sum;
      size += sum * x[i]!;
    }
    // Neighbours that are alike say nothing of their weights.
    if (size === 0) return;
    const share = 1 / (memory + size);
    for (let i = 0; i < n; i++) weights[i] = weights[i]! + gain[i]! * share * off;
    let isSound = true;
    for (let i = 0; i < n; i++) {
      for (let j = i; j < n; j++) {
        const own = (inverse[i * n + j]! - gain[i]! * gain[j]! * share) / memory;
        inverse[i * n + j] = own;
        inverse[j * n + i] = own;
      }
      const spread = inverse[i * n + i]!;
      isSound &&= spread > 0 && Math.max(spread, Math.abs(weights[i]!)) < mostSpread;
    }
    if (!isSound) this.#spread();
  }

  #spread(): void {
    const n = this.#weights.length;
    this.#inverse.fill(0);
    for (let i = 0; i < n; i++) {
      this.#inverse[i * n + i] = 1;
      if (!(Math.abs(this.#weights[i]!) < mostSpread)) this.#weights.fill(0);
    }
  }
}
