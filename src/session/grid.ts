/** From what a caller asks for (`4x`, a size, a cut) to the points where a field is evaluated. */
import { BugError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { Points } from '../engine/engine.ts';
import type { Axis } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { axesOfGrid } from '../signal/axes.ts';
import { type Box, wholeOf } from '../signal/box.ts';
import { type BoxOptions, boxOf, parseSize, type Size, shapeAt } from '../signal/region.ts';

/** A regular grid of output samples over a signal; sample j of an axis stands at (j + 0.5) * samples / size. */
export interface OutputGrid {
  /** Samples of the output along each axis. */
  readonly shape: readonly number[];
  /**
   * The points of rows `first` .. `first + rows` (slices of the first axis); of each all, or a `part` of its second axis alone. A point
   * has the same coordinates in all of them.
   */
  points(first: number, rows: number, part?: { readonly first: number; readonly count: number }): Points;
}

/** Resolves size and region against a signal's shape. Throws BadInputError `bad-size`, `bad-region`; LimitError. */
export function outputGrid(
  shape: readonly number[],
  request: {
    readonly size?: Size | string | undefined;
    readonly region?: Box | string | undefined;
  } & Pick<BoxOptions, 'axes' | 'told'>,
  limits: Limits,
): OutputGrid {
  const size = typeof request.size === 'string' ? parseSize(request.size) : request.size;
  const whole = size === undefined ? shape : shapeAt(shape, size, request.axes);
  for (const n of whole) checkLimit('axis', n, limits.maxAxis, 'ask for a smaller size');
  const cut = request.region === undefined ? wholeOf(whole) : boxOf(request.region, whole, request);
  checkLimit('samples', pointCount(cut.count), limits.maxSamples, 'ask for a smaller size or a region of it');
  const step = whole.map((n, axis) => shape[axis]! / n);
  return {
    shape: cut.count,
    points: (first, rows, part) => ({
      kind: 'grid',
      start: cut.start.map((at, axis) => (at + ([first, part?.first ?? 0][axis] ?? 0) + 0.5) * step[axis]!),
      step,
      count: cut.count.map((n, axis) => [rows, part?.count ?? n][axis] ?? n),
    }),
  };
}

/** Where the samples of a grid over a signal of `shape` and these axes stand. */
export function axesOfOutput(axes: readonly Axis[], shape: readonly number[], grid: OutputGrid): Axis[] {
  const points = grid.points(0, grid.shape[0]!);
  if (points.kind !== 'grid') throw new BugError('an output is a grid of points');
  return axesOfGrid(axes, shape, points);
}
