/**
 * Every figure the project reports goes through these: one PSNR, one rate. Two conventions for a set of items are
 * in use in the literature and differ by up to a decibel, so both have a name.
 */
import { aNumber, check, maybe, numbers } from './check.ts';
import { BadInputError } from './errors.ts';

/**
 * Mean squared error of `a` against `b`, both [points, channels]. `weights` is [points]; a point of weight 0 drops
 * out whatever its values, NaN too. Throws BadInputError `mse-length` when lengths do not agree, `mse-empty` when
 * nothing has weight.
 *
 * @example
 * const error = mse(signal.values, signal.values); // 0
 */
export function mse(a: ArrayLike<number>, b: ArrayLike<number>, weights?: ArrayLike<number>): number {
  check('mse', numbers(a, 'a'), numbers(b, 'b'), maybe(numbers)(weights, 'weights'));
  const points = weights?.length ?? a.length;
  const channels = points === 0 ? 0 : a.length / points;
  if (a.length !== b.length || !Number.isInteger(channels)) {
    throw new BadInputError(
      'mse-length',
      `lengths ${a.length}, ${b.length} and ${points} points do not agree`,
    );
  }
  let sum = 0;
  let mass = 0;
  for (let p = 0, i = 0; p < points; p++) {
    const weight = weights === undefined ? 1 : weights[p]!;
    if (weight === 0) {
      i += channels;
      continue;
    }
    for (let c = 0; c < channels; c++, i++) {
      const d = a[i]! - b[i]!;
      sum += weight * d * d;
    }
    mass += weight * channels;
  }
  if (mass === 0)
    throw new BadInputError('mse-empty', 'no point has weight, so there is no error to measure');
  return sum / mass;
}

/**
 * Peak signal-to-noise ratio in decibels; Infinity when the error is 0. `peak` is the range of the signal.
 *
 * @example
 * psnrDb(0.0001); // 40
 */
export function psnrDb(mse: number, peak = 1): number {
  check('psnrDb', aNumber(mse, 'mse'), aNumber(peak, 'peak'));
  return 10 * Math.log10((peak * peak) / mse);
}

/**
 * Bits of a file for each point of its signal: bits per pixel of an image.
 *
 * @example
 * bitsPerPoint(130, 32 * 32); // 1.015625
 */
export function bitsPerPoint(bytes: number, points: number): number {
  check('bitsPerPoint', aNumber(bytes, 'bytes'), aNumber(points, 'points'));
  return (8 * bytes) / points;
}

/**
 * The PSNR of every item, then their mean: the convention of image-compression papers. Infinity when one item is exact.
 *
 * @example
 * meanPsnrOfItems([0.01, 0.0001]); // 30: of items of 20 and 40 dB
 */
export function meanPsnrOfItems(mses: ArrayLike<number>, peak = 1): number {
  check('meanPsnrOfItems', numbers(mses, 'mses'), aNumber(peak, 'peak'));
  return mean(mses, (error) => psnrDb(error, peak));
}

/**
 * The PSNR of the mean error: the convention of Functa's and COIN++'s tables. Never above `meanPsnrOfItems`.
 *
 * @example
 * psnrOfMeanMse([0.01, 0.0001]);
 */
export function psnrOfMeanMse(mses: ArrayLike<number>, peak = 1): number {
  check('psnrOfMeanMse', numbers(mses, 'mses'), aNumber(peak, 'peak'));
  return psnrDb(
    mean(mses, (error) => error),
    peak,
  );
}

function mean(values: ArrayLike<number>, of: (value: number) => number): number {
  if (values.length === 0)
    throw new BadInputError('mean-empty', 'no items, so there is no mean; give at least one');
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += of(values[i]!);
  return sum / values.length;
}
