/** Which samples of a signal are known: those that a mask shows, and that are there. */

import { BadInputError } from '../core/errors.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import { pointCount } from '../field/spec.ts';
import type { Box } from './box.ts';
import { type AxisNames, boxOf } from './region.ts';
import type { Signal } from './signal.ts';

/** Places that are known: 1 is observed, 0 is hidden. */
export interface Mask {
  readonly shape: readonly number[];
  /** [points]. */
  readonly observed: Uint8Array;
}

/** A mask that shows a region alone, or with `outside` everything but it. Throws BadInputError `bad-region`. */
export function regionMask(
  shape: readonly number[],
  region: Box | string,
  outside = false,
  named: AxisNames = {},
): Mask {
  const { start, count } = boxOf(region, shape, { ...named, owner: 'a signal' });
  const axes = shape.length;
  const positions = gridPositions(coveringGrid(shape));
  const inside = (p: number) =>
    shape.every((_, axis) => {
      const at = positions[p * axes + axis]!;
      return at > start[axis]! && at < start[axis]! + count[axis]!;
    });
  const observed = Uint8Array.from({ length: pointCount(shape) }, (_, p) => Number(inside(p) !== outside));
  return { shape, observed };
}

/**
 * Samples that all masks show and whose every channel is a number, ascending. Throws BadInputError `mask-shape`,
 * `no-observed-points`.
 */
export function knownSamples({ shape, channels, values }: Signal, masks: readonly Mask[]): number[] {
  for (const mask of masks) {
    if (mask.shape.join() === shape.join() && mask.observed.length === pointCount(shape)) continue;
    throw new BadInputError(
      'mask-shape',
      `the mask is of shape [${mask.shape}] and the signal of [${shape}]; give a mask with one value for each sample`,
    );
  }
  const known: number[] = [];
  for (let p = 0; p < pointCount(shape); p++) {
    if (masks.some(({ observed }) => observed[p] === 0)) continue;
    if (!values.subarray(p * channels, (p + 1) * channels).some(Number.isNaN)) known.push(p);
  }
  if (known.length > 0) return known;
  throw new BadInputError(
    'no-observed-points',
    'nothing of the signal is observed; show at least one sample',
  );
}
