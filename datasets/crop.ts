import { type Box, cutBox } from '../src/signal/box.ts';
import { wholeToUnit } from '../src/signal/signal.ts';
import type { Dataset } from './dataset.ts';

/** Shape of item `i` of any data set; reads the item only where nothing cheaper says it. */
export async function shapeOfItem(dataset: Dataset, i: number): Promise<readonly number[]> {
  return dataset.shape ?? (await dataset.shapeAt?.(i)) ?? (await dataset.get(i)).shape;
}

/**
 * Writes the values of a box of item `i` into `target`, [points of the box, channels], by the cheapest way the data
 * set has. Synchronous where the data set is. Throws BadInputError `bad-region` when the box leaves the item.
 */
export function readBox(dataset: Dataset, i: number, box: Box, target: Float32Array): Promise<void> | void {
  const { channels, shape } = dataset;
  if (dataset.bytesAt !== undefined && shape !== undefined) {
    const bytes = dataset.bytesAt(i);
    return wholeToUnit(isWhole(box, shape) ? bytes : cutBox(bytes, shape, channels, box), target);
  }
  const crop = dataset.cropAt?.(i, box);
  if (crop instanceof Uint8Array) return wholeToUnit(crop, target);
  if (crop !== undefined) return crop.then((bytes) => wholeToUnit(bytes, target));
  const item = dataset.get(i);
  const put = (signal: Awaited<typeof item>) =>
    target.set(cutBox(signal.values, signal.shape, channels, box));
  return item instanceof Promise ? item.then(put) : put(item);
}

function isWhole(box: Box, shape: readonly number[]): boolean {
  return shape.every((n, axis) => box.start[axis] === 0 && box.count[axis] === n);
}
