/** Which cells a cell of a grid looks at: tables of indices that turn convolutions into a gather and a matrix product. */
import { pointCount } from '../field/spec.ts';

export interface Stencil {
  /** Cells along each axis of the grid that is read, and of the one that is made. */
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** Cells that are looked at from each. */
  readonly taps: number;
  /** [cells of `to`, taps]: a cell of `from`; the number of its cells stands for what lies outside, which reads as zero. */
  readonly table: Int32Array;
}

/** Each cell and those around it, 3 along each axis, row-major: tap t of one is tap taps - 1 - t of the other. */
export function neighbours(cells: readonly number[]): Stencil {
  return stencil(cells, cells, 3, (index, offset) => index + offset - 1);
}

/** Blocks of 2 cells along each axis become one; the last is filled up with zeros where a number is odd. */
export function merging(cells: readonly number[]): Stencil {
  const to = cells.map((n) => Math.ceil(n / 2));
  return stencil(cells, to, 2, (index, offset) => 2 * index + offset);
}

/** The table that undoes a merging: [cells of `from`], the place of each in the table. */
export function placesIn({ from, table }: Stencil): Int32Array {
  const places = new Int32Array(pointCount(from));
  table.forEach((cell, place) => {
    if (cell < places.length) places[cell] = place;
  });
  return places;
}

function stencil(
  from: readonly number[],
  to: readonly number[],
  side: number,
  source: (index: number, offset: number) => number,
): Stencil {
  const axes = from.length;
  const taps = side ** axes;
  const outside = pointCount(from);
  const table = new Int32Array(pointCount(to) * taps);
  for (let at = 0; at < table.length; at++) {
    let [cell, tap] = [Math.floor(at / taps), at % taps];
    let [found, stride, inside] = [0, 1, true];
    for (let axis = axes - 1; axis >= 0; axis--) {
      const index = source(cell % to[axis]!, tap % side);
      inside &&= index >= 0 && index < from[axis]!;
      found += index * stride;
      stride *= from[axis]!;
      cell = Math.floor(cell / to[axis]!);
      tap = Math.floor(tap / side);
    }
    table[at] = inside ? found : outside;
  }
  return { from, to, taps, table };
}
