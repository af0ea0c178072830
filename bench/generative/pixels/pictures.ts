/** Labelled pictures of a data set in memory, and as examples for the networks of src/classify. */
import type { Split } from '../../../datasets/dataset.ts';
import { openDataset } from '../../../datasets/registry.ts';
import type { Examples } from '../../../src/classify/learn.ts';
import { BadInputError } from '../../../src/core/errors.ts';
import { checkLimit, defaultLimits } from '../../../src/core/limits.ts';
import { pointCount } from '../../../src/field/spec.ts';
import { type BlockMaps, blockMaps } from './blocks.ts';

export interface LabelledPictures {
  readonly count: number;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly classes: readonly string[];
  /** [count, points * channels] in [0, 255]: bytes / 255 are signal values. */
  readonly bytes: Uint8Array;
  /** [count]: from 0. */
  readonly labels: Uint8Array;
}

/** Reads a split of a data set of 8-bit pictures of one shape with classes. Throws BadInputError `no-labels`. */
export async function loadPictures(
  name: string,
  split: Split,
  options: { readonly limit?: number | undefined; readonly cacheDir?: string | undefined } = {},
): Promise<LabelledPictures> {
  const { limit, cacheDir } = options;
  const dataset = await openDataset(name, split, cacheDir === undefined ? {} : { cacheDir });
  try {
    const { shape, channels, labels: classes } = dataset;
    if (shape === undefined || classes === undefined || dataset.bytesAt === undefined) {
      throw new BadInputError('no-labels', `${name} has no classes, or pictures of several sizes`);
    }
    const count = Math.min(limit ?? dataset.length, dataset.length);
    const length = pointCount(shape) * channels;
    checkLimit('file-bytes', count * length, 8 * defaultLimits.maxFileBytes, 'read fewer pictures');
    const bytes = new Uint8Array(count * length);
    const labels = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      bytes.set(dataset.bytesAt(i), i * length);
      labels[i] = Number((await dataset.get(i)).label);
    }
    return { count, shape, channels, classes, bytes, labels };
  } finally {
    dataset.close();
  }
}

/** Mean and spread of bytes that networks read as about 0 and 1: near those of photographs, the same for every set. */
const centre = 0.4 * 255;
const spread = 0.3 * 255;

/** How a network reads pictures: blocks of `side` points. */
export function pictureMaps(
  shape: readonly number[],
  channels: number,
  side: number,
  { mirrored = false, unit = 255 }: { readonly mirrored?: boolean; readonly unit?: number } = {},
): BlockMaps {
  return blockMaps(shape, channels, side, {
    mean: (centre * unit) / 255,
    scale: 255 / (spread * unit),
    mirrored,
  });
}

/** View 0 is the picture, view 1, unless `mirrored` is off, its mirror image. */
export function pictureExamples(
  { count, shape, channels, bytes, labels }: LabelledPictures,
  side: number,
  { mirrored }: { readonly mirrored: boolean },
): Examples {
  const views = (mirrored ? [false, true] : [false]).map((flip) =>
    pictureMaps(shape, channels, side, { mirrored: flip }),
  );
  const length = bytes.length / count;
  return {
    count,
    views: views.length,
    classOf: (i) => labels[i]!,
    fill: (i, view, target) => views[view]!.fill(bytes.subarray(i * length, (i + 1) * length), target),
  };
}
