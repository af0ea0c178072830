/** The pictures of a benchmark, as signals for us and as 8-bit samples for everybody else. */
import { createHash } from 'node:crypto';
import { openDataset } from '../../datasets/registry.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { type Picture, pictureOf } from '../../src/jobs/peer-codecs.ts';
import type { Signal } from '../../src/signal/signal.ts';

export interface Pictures {
  readonly signals: readonly Signal[];
  readonly pictures: readonly Picture[];
  /** Of all samples and sizes: what results of peers are kept under. */
  readonly digest: string;
}

export interface PicturesRequest {
  readonly dataset: string;
  readonly split: 'train' | 'validation' | 'test';
  readonly limit?: number | undefined;
  /** Index of the first. */
  readonly from?: number | undefined;
  readonly alpha?: boolean | undefined;
  readonly cacheDir?: string | undefined;
}

/** Throws BadInputError `empty-dataset` or `not-pictures`, and what `openDataset` throws. */
export async function readPictures(request: PicturesRequest): Promise<Pictures> {
  const { dataset: name, split, limit, from = 0, alpha = false, cacheDir } = request;
  const dataset = await openDataset(name, split, { alpha, ...(cacheDir === undefined ? {} : { cacheDir }) });
  try {
    const end = Math.min(dataset.length, from + (limit ?? dataset.length));
    const signals: Signal[] = [];
    for (let i = from; i < end; i++) signals.push(await dataset.get(i));
    if (signals.length === 0)
      throw new BadInputError('empty-dataset', `${name} ${split} has no pictures from ${from} on`);
    const pictures = signals.map(pictureOf);
    return { signals, pictures, digest: digestOf(pictures) };
  } finally {
    dataset.close();
  }
}

function digestOf(pictures: readonly Picture[]): string {
  const hash = createHash('sha256');
  for (const { width, height, channels, bytes } of pictures) {
    hash.update(`${width}x${height}x${channels};`).update(bytes);
  }
  return hash.digest('hex').slice(0, 24);
}
