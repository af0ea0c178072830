/**
 * JPEG, WebP and AVIF in this process, by sharp, given what serves PSNR best: MozJPEG's trellis with its own and with flat
 * quantisation tables, chroma subsampled and not; WebP's slowest mode with sharp chroma; AVIF tuned for PSNR.
 */
import sharp, { type Sharp } from 'sharp';
import { BadInputError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { type Signal, signalToBytes } from '../signal/signal.ts';
import type { PeerName } from './peer-names.ts';

/** [height, width, channels], 8 bits: 1 grey, 3 sRGB, 4 sRGB and alpha. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

export interface Format {
  readonly name: string;
  /** Program, version and what is the same at all settings. */
  readonly version: string;
  readonly variants: readonly FormatVariant[];
}

/** One way to run a format; its settings are the qualities 1 to 100. */
export interface FormatVariant {
  /** Chroma subsampling, table. */
  readonly label: string;
  /** Channels that a picture may have. */
  readonly channels: readonly number[];
  /** A whole file. */
  encode(picture: Picture, quality: number): Promise<Uint8Array>;
}

const { versions } = sharp;
const by = (library: string, version: string | undefined) => `${library} ${version}, sharp ${versions.sharp}`;

export const formats: Readonly<Record<PeerName, Format>> = {
  jpeg: {
    name: 'JPEG',
    version: `${by('MozJPEG', versions.mozjpeg)}, trellis, optimised scans`,
    variants: (['4:2:0', '4:4:4'] as const).flatMap((chromaSubsampling) =>
      [3, 1].map((quantisationTable) =>
        variant(
          `${chromaSubsampling} table ${quantisationTable}`,
          // a grey picture has no chroma to subsample
          chromaSubsampling === '4:2:0' ? [1, 3] : [3],
          (image, quality) => image.jpeg({ quality, mozjpeg: true, chromaSubsampling, quantisationTable }),
        ),
      ),
    ),
  },
  webp: {
    name: 'WebP',
    version: `${by('libwebp', versions.webp)}, effort 6, smart subsampling`,
    variants: [
      variant('', [1, 3, 4], (image, quality) => image.webp({ quality, effort: 6, smartSubsample: true })),
    ],
  },
  avif: {
    name: 'AVIF',
    version: `${by('libaom', versions.aom)}, effort 6, tuned for PSNR`,
    variants: (['4:2:0', '4:4:4'] as const).map((chromaSubsampling) =>
      variant(chromaSubsampling, chromaSubsampling === '4:2:0' ? [1, 3, 4] : [3, 4], (image, quality) =>
        image.avif({ quality, effort: 6, chromaSubsampling, tune: 'psnr' }),
      ),
    ),
  },
};

function variant(
  label: string,
  channels: readonly number[],
  write: (image: Sharp, quality: number) => Sharp,
): FormatVariant {
  return { label, channels, encode: (picture, quality) => write(imageOf(picture), quality).toBuffer() };
}

/** Samples of a file of any of these formats, [height, width, channels]. */
export function decodeFormat(file: Uint8Array, { channels }: Pick<Picture, 'channels'>): Promise<Uint8Array> {
  return samplesOf(sharp(file), channels);
}

/** Whether signals of a model are pictures, which other formats can code. */
function peersTake({ outputs, spec }: ModelCard): boolean {
  return spec.axes === 2 && sampleTypeOf(outputs) === 'uint8';
}

/** Throws BadInputError `unknown-peer` where a model is of other signals. */
export function checkCompared(card: ModelCard, names: readonly PeerName[]): void {
  if (peersTake(card)) return;
  throw new BadInputError(
    'unknown-peer',
    `${names.join(', ')} ${names.length === 1 ? 'codes' : 'code'} 8-bit pictures, and model ${card.name} is of other signals; leave peers out`,
  );
}

/** Throws BadInputError `not-pictures`. */
export function pictureOf(signal: Signal): Picture {
  const [height, width, ...more] = signal.shape;
  const { channels } = signal;
  if (height === undefined || width === undefined || more.length > 0 || ![1, 3, 4].includes(channels)) {
    throw new BadInputError(
      'not-pictures',
      `${signal.id} is of shape [${signal.shape}] x ${channels}; pictures have 1, 3 or 4 channels`,
    );
  }
  return { bytes: signalToBytes(signal), height, width, channels: channels as Picture['channels'] };
}

/**
 * A uniformly grey picture of the same size. Its file is what the container costs whatever is in the picture; that counts the
 * few bytes that grey itself takes as container, in the format's favour.
 */
export function greyLike(picture: Picture): Picture {
  const bytes = new Uint8Array(picture.bytes.length).fill(128);
  if (picture.channels === 4) for (let i = 3; i < bytes.length; i += 4) bytes[i] = 255;
  return { ...picture, bytes };
}

/** Mean squared error, peak 1. Throws BadInputError `other-size`. */
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

export function imageOf({ bytes, width, height, channels }: Picture): Sharp {
  const image = sharp(bytes, { raw: { width, height, channels } });
  return channels === 1 ? image.toColourspace('b-w') : image;
}

/** [height, width, channels], 8 bits. */
export async function samplesOf(image: Sharp, channels: number): Promise<Uint8Array> {
  if (channels === 1) return image.toColourspace('b-w').raw().toBuffer();
  return (channels === 4 ? image.ensureAlpha() : image.removeAlpha()).toColourspace('srgb').raw().toBuffer();
}
