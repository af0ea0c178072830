/** Boxes of arrays, from one place to another. */

/** Where the first number of a box stands, and how far apart its neighbours along each axis are. */
export interface Strided {
  readonly at: number;
  readonly strides: readonly number[];
}

/** How far apart neighbours along each axis are where the last axis is the fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((n, size) => n * size, 1));
}

/** Copies a box of `count` numbers along each axis. */
export function copyBox(
  count: readonly number[],
  from: Strided & { numberAt(index: number): number },
  to: Strided & { readonly values: Float64Array },
): void {
  const total = count.reduce((n, size) => n * size, 1);
  const index = count.map(() => 0);
  let [source, target] = [from.at, to.at];
  for (let i = 0; i < total; i++) {
    to.values[target] = from.numberAt(source);
    for (let axis = count.length - 1; axis >= 0; axis--) {
      source += from.strides[axis]!;
      target += to.strides[axis]!;
      if (++index[axis]! < count[axis]!) break;
      source -= count[axis]! * from.strides[axis]!;
      target -= count[axis]! * to.strides[axis]!;
      index[axis] = 0;
    }
  }
}

/** The sum of places along each axis, as far as each goes. */
export function placeOf(index: readonly number[], strides: readonly number[]): number {
  return index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
}
