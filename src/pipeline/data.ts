/** Data sets as the layers below take them. */
import { readBox, shapeOfItem } from '../../datasets/crop.ts';
import type { Dataset, OpenOptions } from '../../datasets/dataset.ts';
import type { SignalSource } from '../learn/index.ts';

/** A data set as the learner reads it. */
export function sourceOf(dataset: Dataset, limit?: number): SignalSource {
  return {
    name: `${dataset.name}/${dataset.split}`,
    length: Math.min(limit ?? dataset.length, dataset.length),
    channels: dataset.channels,
    shapeOf: (index) => dataset.shape ?? shapeOfItem(dataset, index),
    fill: (index, crop, target) => readBox(dataset, index, crop, target),
  };
}

/** Where and how to open a data set for fields of so many outputs; absent members stay absent. */
export function openingFor(
  outputs: number,
  { cacheDir, path }: { readonly cacheDir?: string | undefined; readonly path?: string | undefined },
): OpenOptions {
  return {
    ...(outputs === 4 ? { alpha: true } : {}),
    ...(outputs === 1 ? { grey: true } : {}),
    ...(cacheDir === undefined ? {} : { cacheDir }),
    ...(path === undefined ? {} : { path }),
  };
}
