/** Boxes of samples, and cutting them out of arrays. */
import { BadInputError } from '../core/errors.ts';
import { pointCount } from '../field/spec.ts';

/** A box of samples; axes in array order. */
export interface Box {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/** The box of an array [points, channels], row-major; a fresh array. Throws BadInputError `bad-box`. */
export function cutBox<T extends Uint8Array | Float32Array>(
  values: T,
  shape: readonly number[],
  channels: number,
  box: Box,
): T {
  checkBox(box, shape);
  const out = new (values.constructor as new (length: number) => T)(pointCount(box.shape) * channels);
  const last = shape.length - 1;
  const run = box.shape[last]! * channels;
  for (let row = 0, at = 0; at < out.length; row++, at += run) {
    const from = rowStart(row, shape, box) * channels;
    out.set(values.subarray(from, from + run) as never, at);
  }
  return out;
}

/** First point of the `row`th run (along the last axis) of a box, as an index into the points of the whole. */
export function rowStart(row: number, shape: readonly number[], box: Box): number {
  let point = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    let within = 0;
    if (axis < shape.length - 1) {
      within = row % box.shape[axis]!;
      row = Math.floor(row / box.shape[axis]!);
    }
    point += (box.start[axis]! + within) * stride;
    stride *= shape[axis]!;
  }
  return point;
}

/** Throws BadInputError `bad-box` unless the box has as many axes as `shape`, is not empty, and lies within. */
export function checkBox(box: Box, shape: readonly number[]): void {
  const fits =
    box.start.length === shape.length &&
    box.shape.length === shape.length &&
    shape.every((n, axis) => {
      const [start, size] = [box.start[axis]!, box.shape[axis]!];
      return (
        Number.isInteger(start) && Number.isInteger(size) && start >= 0 && size >= 1 && start + size <= n
      );
    });
  if (!fits) {
    throw new BadInputError('bad-box', `box [${box.shape}] at [${box.start}] does not lie within [${shape}]`);
  }
}
