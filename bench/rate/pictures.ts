/** The pictures of a benchmark, as signals for us and as 8-bit samples for everybody else. */
import { createHash } from 'node:crypto';
import { openDataset } from '../../datasets/registry.ts';
import { type Signal, signalToBytes } from '../../datasets/signal.ts';
import { BadInputError } from '../../src/core/errors.ts';

/** [height, width, channels], 8 bits: 1 grey, 3 sRGB, 4 sRGB and alpha. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

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

export function pictureOf(signal: Signal): Picture {
  const [height, width, ...more] = signal.shape;
  const { channels } = signal;
  if (height === undefined || width === undefined || more.length > 0 || ![1, 3, 4].includes(channels)) {
    throw new BadInputError(
      'not-pictures',
      `${signal.id} is of shape [${signal.shape}] x ${channels}; the benchmark codes pictures of 1, 3 or 4 channels`,
    );
  }
  return { bytes: signalToBytes(signal), height, width, channels: channels as Picture['channels'] };
}

/** Mean squared error, peak 1. */
export function errorOf({ bytes }: Picture, decoded: Uint8Array): number {
  if (decoded.length !== bytes.length) {
    throw new BadInputError(
      'other-size',
      `${decoded.length} samples were decoded where ${bytes.length} were coded`,
    );
  }
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) {
    const d = bytes[i]! - decoded[i]!;
    sum += d * d;
  }
  return sum / bytes.length / 255 ** 2;
}

function digestOf(pictures: readonly Picture[]): string {
  const hash = createHash('sha256');
  for (const { width, height, channels, bytes } of pictures) {
    hash.update(`${width}x${height}x${channels};`).update(bytes);
  }
  return hash.digest('hex').slice(0, 24);
}
