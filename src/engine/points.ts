/** Counting the points of a call. */
import { pointCount } from '../field/spec.ts';
import type { Points } from './engine.ts';

/** Points of a grid, or of a list of so many axes. */
export function pointsIn(points: Points, axes: number): number {
  return points.kind === 'grid' ? pointCount(points.count) : points.coordinates.length / axes;
}
