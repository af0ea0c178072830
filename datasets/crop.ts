import { BadInputError } from '../src/core/errors.ts';
import { pointCount } from '../src/field/spec.ts';
import type { Box, Dataset } from './dataset.ts';
import { bytesToUnit } from './signal.ts';

/** Shape of item `i` of any data set; reads the item only where nothing cheaper says it. */
export async function shapeOfItem(dataset: Dataset, i: number): Promise<readonly number[]> {
  return dataset.shape ?? (await dataset.shapeAt?.(i)) ?? (await dataset.get(i)).shape;
}

/**
 * Writes the values of a box of item `i` into `target`, [points of the box, channels], by the cheapest way the data
 * set has. Synchronous where the data set is. Throws BadInputError `bad-box` when the box leaves the item.
 */
export function readBox(dataset: Dataset, i: number, box: Box, target: Float32Array): Promise<void> | void {
  const { channels, shape } = dataset;
  if (dataset.bytesAt !== undefined && shape !== undefined) {
    const bytes = dataset.bytesAt(i);
    return bytesToUnit(isWhole(box, shape) ? bytes : cutBox(bytes, shape, channels, box), target);
  }
  const crop = dataset.cropAt?.(i, box);
  if (crop instanceof Uint8Array) return bytesToUnit(crop, target);
  if (crop !== undefined) return crop.then((bytes) => bytesToUnit(bytes, target));
  const item = dataset.get(i);
  const put = (signal: Awaited<typeof item>) =>
    target.set(cutBox(signal.values, signal.shape, channels, box));
  return item instanceof Promise ? item.then(put) : put(item);
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

function isWhole(box: Box, shape: readonly number[]): boolean {
  return shape.every((n, axis) => box.start[axis] === 0 && box.shape[axis] === n);
}
