/**
 * A normal distribution over the modulations of signals of one shape, its covariance of low rank and a diagonal
 * (probabilistic principal components, M. Tipping and C. Bishop 1999, with a diagonal remainder):
 *
 *   phi = mean + F x,   x ~ N(0, I),   F = [W, diag(d)],   covariance W W' + diag(d^2)
 *
 * x has `rank` + m numbers. It is the prior with which a modulation is found from part of a signal: see src/complete.
 *
 * Indices of hot loops are below the lengths that reading checked.
 */
import { BadInputError, BadStreamError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import {
  checkModulationNumbers,
  type GenerativeCard,
  layoutOf,
  readPriorFile,
  takeFloats,
  takeHalves,
  wholeOf,
} from '../train/prior-file.ts';
import { type GaussianScore, gaussianScore } from './score.ts';

export type { GaussianScore } from './score.ts';
export { type GaussianTraining, trainGaussian } from './train.ts';

export interface Gaussian {
  readonly card: GenerativeCard;
  /** [m]. */
  readonly mean: Float32Array;
  /** Numbers in x. */
  readonly length: number;
  /** Into `out` [m]: F x. */
  spread(x: Float64Array, out: Float64Array): void;
  /** Into `out` [length]: F' v, for v [m]. */
  gather(v: Float64Array, out: Float64Array): void;
  /** What modulations cost whose symbols have these steps, [m]; see `score.ts`. */
  scoreAt(steps: ArrayLike<number>): GaussianScore;
  /** New modulations, [m] each; the first n of a larger sample are the sample of n. Throws BadInputError `bad-count`. */
  sample(options: { readonly count: number; readonly seed: number }): Float32Array[];
}

export interface GaussianFactors {
  /** [m]. */
  readonly mean: Float32Array;
  /** W', [rank, m]: a row for each direction, by falling variance. */
  readonly loadings: Float32Array;
  /** d, [m], above 0. */
  readonly deviations: Float32Array;
}

/** Opens the bytes of a `gaussian.safetensors`. Throws what `readPriorFile` throws. */
export function openGaussian(
  bytes: Uint8Array,
  options: { readonly networkId?: string | undefined; readonly limits?: Limits | undefined } = {},
): Gaussian {
  const file = readPriorFile(bytes, 'gaussian', options);
  const { card } = file;
  const { length: m } = layoutOf(card);
  const rank = wholeOf(card, 'rank', 0, m);
  const [loadings] = takeHalves(file, new Map([['loadings', rank * m]]));
  const mean = takeFloats(file, 'mean', m);
  const deviations = takeFloats(file, 'deviations', m);
  const scales = takeFloats(file, 'scales', rank);
  if (!deviations.every((d) => d > 0)) {
    throw new BadStreamError('prior-format', 8, 'a deviation is not above 0');
  }
  const scaled = loadings!.map((w, i) => w * scales[Math.floor(i / m)]!);
  return gaussianOf(card, { mean, deviations, loadings: scaled });
}

export function gaussianOf(card: GenerativeCard, factors: GaussianFactors): Gaussian {
  const { mean, loadings, deviations } = factors;
  const m = mean.length;
  const rank = loadings.length / m;
  const length = rank + m;
  const spread = (x: Float64Array, out: Float64Array) => {
    for (let i = 0; i < m; i++) out[i] = deviations[i]! * x[rank + i]!;
    for (let k = 0, at = 0; k < rank; k++, at += m) {
      const share = x[k]!;
      for (let i = 0; i < m; i++) out[i]! += share * loadings[at + i]!;
    }
  };
  return {
    card,
    mean,
    length,
    spread,
    gather(v, out) {
      for (let k = 0, at = 0; k < rank; k++, at += m) {
        let sum = 0;
        for (let i = 0; i < m; i++) sum += v[i]! * loadings[at + i]!;
        out[k] = sum;
      }
      for (let i = 0; i < m; i++) out[rank + i] = deviations[i]! * v[i]!;
    },
    scoreAt(steps) {
      const score = gaussianScore(factors, steps);
      return (modulations, seed) => {
        checkModulationNumbers(modulations, m);
        return score(modulations, seed);
      };
    },
    sample({ count, seed }) {
      if (!Number.isSafeInteger(count) || count < 1) {
        throw new BadInputError('bad-count', `count is a whole number from 1, not ${count}`);
      }
      const away = new Float64Array(m);
      return Array.from({ length: count }, (_, i) => {
        const rng = new Rng(seed, i);
        spread(
          Float64Array.from({ length }, () => rng.normal()),
          away,
        );
        return mean.map((value, d) => value + away[d]!);
      });
    },
  };
}
