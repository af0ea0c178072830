/** Where the modulation of a part of a signal stands in that of the whole. Parts start where cells of every level do. */
import { modulationLayout } from './layout.ts';
import { type FieldSpec, gridCells, pointCount } from './spec.ts';

/** Samples of a signal: the first and how many, along each axis. */
interface Samples {
  readonly start: readonly number[];
  readonly count: readonly number[];
}

/** Numbers that stand one after the other both in the modulation of the whole and in that of the part. */
export interface PartRun {
  readonly whole: number;
  readonly at: number;
  readonly length: number;
}

/** The cells of `part` in a signal of `shape`; with `own`, which lies in it, the cells of that alone. */
export function* runsOfPart(
  spec: FieldSpec,
  shape: readonly number[],
  part: Samples,
  own: Samples = part,
): Generator<PartRun> {
  const [all, some] = [modulationLayout(spec, shape).levels, modulationLayout(spec, part.count).levels];
  for (const [k, level] of spec.levels.entries()) {
    const { cell, channels } = level;
    const cellsAt = (start: readonly number[]) =>
      start.map((n, axis) => (cell === null ? 0 : n / cell[axis]!));
    const [start, before] = [cellsAt(own.start), cellsAt(part.start)];
    const inPart = start.map((n, axis) => n - before[axis]!);
    const count = gridCells(level, own.count);
    const line = count.at(-1)!;
    const index = count.map(() => 0);
    for (let left = pointCount(count); left > 0; left -= line) {
      yield {
        whole: all[k]!.at + placeOf(all[k]!.cells, start, index) * channels,
        at: some[k]!.at + placeOf(some[k]!.cells, inPart, index) * channels,
        length: line * channels,
      };
      for (let axis = index.length - 2; axis >= 0 && ++index[axis]! === count[axis]; axis--) index[axis] = 0;
    }
  }
}

/** Of cell start + index in row-major order. */
function placeOf(cells: readonly number[], start: readonly number[], index: readonly number[]): number {
  return cells.reduce((sum, n, axis) => sum * n + start[axis]! + index[axis]!, 0);
}
