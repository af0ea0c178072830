/**
 * What modulations cost under a Gaussian prior. Symbols with uniform noise of a step have, to second order, the covariance of
 * the prior and a twelfth of a step squared on its diagonal; the density of that bounds what a code of the symbols takes (L.
 * Theis et al., arXiv 1511.01844, section 3.1).
 *
 * Its inverse and determinant are those of V + W W' with V diagonal, by a matrix of the rank alone (Woodbury):
 *
 *   r' (V + W W')^-1 r = r' V^-1 r - |L^-1 W' V^-1 r|^2,   L L' = I + W' V^-1 W,   det = det V det(L)^2
 */
import { choleskyFactor } from '../../src/core/cholesky.ts';
import { look } from '../../src/core/look.ts';
import { Rng } from '../../src/core/rng.ts';
import type { GaussianFactors } from './index.ts';

/** Bits of each of modulations [count, m], rounded to steps, with uniform noise from `seed`. */
export type GaussianScore = (modulations: Float32Array, seed: number) => Float64Array;

/** `steps` [m]: of the quantiser, of every number. */
export function gaussianScore(factors: GaussianFactors, steps: ArrayLike<number>): GaussianScore {
  const { mean, loadings, deviations } = factors;
  const m = mean.length;
  const rank = loadings.length / m;
  const variance = Float64Array.from(deviations, (d, i) => d * d + steps[i]! ** 2 / 12);
  const inner = new Float64Array(rank * rank);
  for (let a = 0; a < rank; a++) {
    look();
    for (let b = 0; b <= a; b++) {
      let sum = Number(a === b);
      for (let i = 0; i < m; i++) sum += (loadings[a * m + i]! * loadings[b * m + i]!) / variance[i]!;
      inner[a * rank + b] = sum;
    }
  }
  const lower = choleskyFactor(inner, rank, 1);
  let constant = m * Math.log(2 * Math.PI);
  for (let i = 0; i < m; i++) constant += Math.log(variance[i]!) - 2 * Math.log(steps[i]!);
  for (let k = 0; k < rank; k++) constant += 2 * Math.log(lower[k * rank + k]!);

  const away = new Float64Array(m);
  const solved = new Float64Array(rank);
  return (modulations, seed) => {
    const rng = new Rng(seed);
    return Float64Array.from({ length: modulations.length / m }, (_, item) => {
      look();
      let square = 0;
      for (let i = 0; i < m; i++) {
        const step = steps[i]!;
        const noisy = step * (Math.floor(modulations[item * m + i]! / step + 0.5) + rng.uniform() - 0.5);
        const r = noisy - mean[i]!;
        away[i] = r / variance[i]!;
        square += r * away[i]!;
      }
      for (let k = 0; k < rank; k++) {
        let sum = 0;
        for (let i = 0; i < m; i++) sum += loadings[k * m + i]! * away[i]!;
        for (let j = 0; j < k; j++) sum -= lower[k * rank + j]! * solved[j]!;
        solved[k] = sum / lower[k * rank + k]!;
        square -= solved[k]! ** 2;
      }
      return (0.5 * (constant + square)) / Math.LN2;
    });
  };
}
