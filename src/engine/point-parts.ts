/** Many points as several calls of fewer: what a kernel holds beside a signal grows with the points of one call. */
import { pointCount } from '../field/spec.ts';
import type { Points } from './engine.ts';
import { pointsIn } from './points.ts';

export interface PointPart {
  readonly points: Points;
  /** Its first point, in the order of all. */
  readonly first: number;
  readonly count: number;
}

/** All points in order, at most `most` at a time: a grid in bands of its first axis, or of the next where a step along one has more. */
export function* pointParts(points: Points, axes: number, most: number): Generator<PointPart> {
  const all = pointsIn(points, axes);
  if (all <= most) yield { points, first: 0, count: all };
  else if (points.kind === 'grid') yield* partsOfGrid(points, 0, 0, most);
  else {
    for (let first = 0; first < all; first += most) {
      const count = Math.min(most, all - first);
      const coordinates = points.coordinates.subarray(first * axes, (first + count) * axes);
      yield { points: { kind: 'list', coordinates }, first, count };
    }
  }
}

type GridPoints = Extract<Points, { kind: 'grid' }>;

function* partsOfGrid(grid: GridPoints, axis: number, first: number, most: number): Generator<PointPart> {
  const { start, step, count } = grid;
  const inner = pointCount(count.slice(axis + 1));
  const along = count[axis]!;
  const band = Math.max(1, Math.floor(most / inner));
  for (let from = 0; from < along; from += band) {
    const own = Math.min(band, along - from);
    const part: GridPoints = {
      kind: 'grid',
      start: start.map((at, a) => (a === axis ? at + from * step[axis]! : at)),
      step,
      count: count.map((n, a) => (a === axis ? own : n)),
    };
    const at = first + from * inner;
    if (inner > most) yield* partsOfGrid(part, axis + 1, at, most);
    else yield { points: part, first: at, count: own * inner };
  }
}
