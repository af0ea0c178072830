/** A signal from the bytes of a file in any of the formats, with the samples that are wanted. */
import { BadInputError, BadStreamError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Channels } from '../field/card.ts';
import { meaningOf } from '../signal/meaning.ts';
import type { Signal } from '../signal/signal.ts';
import { pictureFormats, signalFormats, sniffFormat, titlesOf } from './formats.ts';
import { type ImageChannels, readImage, readImageSize } from './image.ts';
import { readNpyShape, signalFromNpy } from './npy.ts';

export interface ReadSignalOptions {
  readonly id: string;
  /** Of a model's card; `mask`: one value for each sample, 1 where it is known. */
  readonly channels: Channels | 'mask';
  readonly axes: number;
  readonly limits?: Limits | undefined;
  /** Called with the shape that the header says, before a sample is decoded; what it throws ends the reading. */
  readonly onShape?: ((shape: readonly number[]) => void) | undefined;
}

/** The shape of a signal of `axes` axes, from the header of its file alone. Throws as `readSignalAs`. */
export async function readSignalShape(
  bytes: Uint8Array,
  axes: number,
  limits: Limits,
): Promise<readonly number[]> {
  if (sniffFormat(bytes)?.holds === 'array') return readNpyShape(bytes).slice(0, axes);
  return readImageSize(bytes, limits);
}

/** What pictures are read as where samples of a picture are wanted. */
const imageChannels: Readonly<Record<Channels | 'mask', ImageChannels | undefined>> = {
  grey: 'grey',
  rgb: 'rgb',
  rgba: 'rgba',
  mask: 'grey',
  mono: undefined,
  stereo: undefined,
  values: undefined,
};

/**
 * Reads PNG, JPEG, WebP, AVIF or npy, whichever the bytes begin like. Throws BadStreamError `unknown-image`, BadInputError
 * `not-a-picture-model` for a picture where other samples are wanted, and what `readImage` and `signalFromNpy` throw.
 */
export async function readSignalAs(bytes: Uint8Array, options: ReadSignalOptions): Promise<Signal> {
  const { id, channels, axes, limits, onShape } = options;
  const given = limits === undefined ? {} : { limits };
  const format = sniffFormat(bytes);
  if (format === undefined && bytes.length > 0) {
    throw new BadStreamError(
      'unknown-image',
      0,
      `${id} is none of ${titlesOf(signalFormats, 'and')}; convert it to one of them`,
    );
  }
  if (format?.holds === 'array') {
    const meaning = channels === 'mask' ? 'mask' : meaningOf[channels];
    return signalFromNpy(bytes, { id, axes, meaning, onShape, ...given });
  }
  const samples = imageChannels[channels];
  if (samples === undefined) {
    throw new BadInputError(
      'not-a-picture-model',
      `${id} is a picture (${titlesOf(pictureFormats)}) and this model takes ${channels}; give an npy array`,
    );
  }
  return readImage(bytes, { id, channels: samples, onShape, ...given });
}
