/** Helpers of the codec's tests. */

import type { FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { pointCount } from '../src/field/spec.ts';

/** The code of what `act` throws, or `none`. */
export function codeThrown(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as FunctaError).code;
  }
  return 'none';
}

/** A hill and a plane, moved from one channel to the next, and noise of a step or two. */
export function relief(shape: readonly number[], channels: number, noise = 3): Int16Array {
  const rng = new Rng(5);
  return Int16Array.from({ length: pointCount(shape) * channels }, (_, i) => {
    let left = Math.floor(i / channels);
    let height = 40 * (i % channels);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = left % shape[axis]!;
      left = Math.floor(left / shape[axis]!);
      height += 300 * Math.sin(at / (5 + axis)) + 3 * at;
    }
    return Math.round(height) + rng.below(noise);
  });
}
