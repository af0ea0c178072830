import type { Metadata, Sharp } from 'sharp';
import { aSignal, aText, byteArray, check, optionsOf } from '../core/check.ts';
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { pointCount } from '../field/spec.ts';
import { type Signal, signalKeeping, signalToBytes } from '../signal/signal.ts';
import { type PictureName, pictureFormats, titlesOf } from './formats.ts';
import { imageLibrary } from './image-library.ts';
import { notesOfFile, notesOfSamples } from './image-notes.ts';
import { openPlainPng, type PlainPng } from './png-read.ts';

export type ImageChannels = 'grey' | 'rgb' | 'rgba';
export type ImageFormat = PictureName;

const channelCounts: Readonly<Record<ImageChannels, 1 | 3 | 4>> = { grey: 1, rgb: 3, rgba: 4 };

/** 8-bit samples of a picture, [height * width, channels]. */
export interface Pixels {
  readonly bytes: Uint8Array;
  readonly shape: readonly [height: number, width: number];
  readonly channels: 1 | 3 | 4;
  /** What the file holds beside them, one line each: frames, depth, a colour profile, transparency, colour. */
  readonly notes: readonly string[];
}

export interface ReadImageOptions {
  /** Default rgb. Transparent pictures are laid on white for grey and rgb; grey is Rec. 709 luma of the sRGB values. */
  readonly channels?: ImageChannels | 1 | 3 | 4;
  /** `maxFileBytes`, `maxSamples` (pixels) and `maxAxis` are checked before a pixel is decoded. */
  readonly limits?: Limits;
  readonly id?: string;
  readonly label?: string | number;
  /** Called with the size that the header says, before a pixel is decoded; what it throws ends the reading. */
  readonly onShape?: ((shape: readonly number[]) => void) | undefined;
}

/**
 * Decodes PNG, JPEG, WebP or AVIF to values in [0, 1]: sRGB, 8 bits, turned upright, the first frame of several.
 * What else the file holds is told in `notes` of the signal. Throws BadStreamError `empty-image`, `unknown-image` or
 * `bad-image`; LimitError `limit-file-bytes`, `limit-samples` or `limit-axis`.
 *
 * @example
 * const picture = await readImage(await readFile(png), { id: 'moon', channels: 'rgb' });
 */
export async function readImage(bytes: Uint8Array, options: ReadImageOptions = {}): Promise<Signal> {
  check('readImage', byteArray(bytes, 'bytes'), optionsOf()(options, 'options'));
  const pixels = await readPixels(bytes, options);
  const { bytes: samples, shape, channels, notes } = pixels;
  return signalKeeping(samples, {
    ...{ id: options.id ?? 'image', shape, channels },
    ...(options.label === undefined ? {} : { label: options.label }),
    ...(notes.length === 0 ? {} : { notes }),
  });
}

/** Size of a picture as it stands upright, from its header alone. Throws as `readImage`. */
export async function readImageSize(
  bytes: Uint8Array,
  limits: Limits = defaultLimits,
): Promise<readonly [height: number, width: number]> {
  return (openPlain(bytes, limits) ?? (await openImage(bytes, limits))).shape;
}

/** `readImage` before the division by 255. */
export async function readPixels(
  bytes: Uint8Array,
  options: Pick<ReadImageOptions, 'channels' | 'limits' | 'onShape'> = {},
): Promise<Pixels> {
  const channels = countOf(options.channels ?? 'rgb');
  const limits = options.limits ?? defaultLimits;
  const plain = openPlain(bytes, limits);
  if (plain !== undefined) options.onShape?.(plain.shape);
  const samples = plain?.samples();
  const { raw, shape, told } =
    plain === undefined || samples === undefined
      ? await decoded(bytes, limits, { ...options, withAlpha: channels === 4 })
      : { raw: samples, shape: plain.shape, told: [] };
  const stored = raw.length / pointCount(shape);
  const notes = [...told, ...notesOfSamples(raw, stored, channels)];
  if (channels === 4) return { bytes: stored === 4 ? raw : opaque(raw), shape, channels, notes };
  const colour = stored === 4 ? compositeOnWhite(raw) : raw;
  return { bytes: channels === 1 ? lumaOf(colour) : colour, shape, channels, notes };
}

export interface WriteImageOptions {
  /** 1..100, of the format's own scale; png has none. Default: the format's. */
  readonly quality?: number;
  /** webp and avif only. */
  readonly lossless?: boolean;
}

/**
 * Encodes a signal of two axes and 1, 3 or 4 channels, values in [0, 1] rounded to 8 bits (NaN: 0; outside: clamped).
 * jpeg has no transparency: it is laid on white. Throws BadInputError `not-an-image` or `image-too-large-for-format`.
 *
 * @example
 * const png = await writeImage(signal, 'png');
 */
export async function writeImage(
  signal: Signal,
  format: ImageFormat,
  options: WriteImageOptions = {},
): Promise<Uint8Array> {
  check('writeImage', aSignal(signal, 'signal'), aText(format, 'format'), optionsOf()(options, 'options'));
  const [height, width] = signal.shape;
  if (signal.shape.length !== 2 || ![1, 3, 4].includes(signal.channels)) {
    const is = `shape [${signal.shape}] with ${signal.channels} channels`;
    throw new BadInputError('not-an-image', `${signal.id}: ${is} is no picture; write it as npy`);
  }
  let bytes = signalToBytes(signal);
  let channels = signal.channels as 1 | 3 | 4;
  if (format === 'jpeg' && channels === 4) {
    bytes = compositeOnWhite(bytes);
    channels = 3;
  }
  const raw = { width: width!, height: height!, channels };
  const sharp = await imageLibrary();
  const image = sharp(bytes, { raw, limitInputPixels: false }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  try {
    return own(await encode(image, format, options).toBuffer());
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new BadInputError('image-too-large-for-format', `${width} x ${height} as ${format}: ${why}`, {
      cause: error,
    });
  }
}

/** Which format the bytes begin like; undefined for all that is not read here. */
export function sniffImage(bytes: Uint8Array): ImageFormat | undefined {
  return pictureFormats.find((format) => format.sniff(bytes))?.name;
}

/** RGBA, [points, 4], laid on white: [points, 3], rounded half up. */
export function compositeOnWhite(rgba: Uint8Array): Uint8Array {
  const points = rgba.length / 4;
  const rgb = new Uint8Array(points * 3);
  for (let p = 0; p < points; p++) {
    const alpha = rgba[4 * p + 3]!;
    const white = (255 - alpha) * 255;
    for (let c = 0; c < 3; c++) rgb[3 * p + c] = Math.floor((rgba[4 * p + c]! * alpha + white) / 255 + 0.5);
  }
  return rgb;
}

/** Luma by Rec. 709 in 16-bit fixed point, [points, 3] to [points, 1]; exact for greys. */
function lumaOf(rgb: Uint8Array): Uint8Array {
  const luma = new Uint8Array(rgb.length / 3);
  for (let p = 0; p < luma.length; p++) {
    luma[p] = (13933 * rgb[3 * p]! + 46871 * rgb[3 * p + 1]! + 4732 * rgb[3 * p + 2]! + 32768) >> 16;
  }
  return luma;
}

/** By the image library: RGB, or RGBA where there is alpha or it is wanted. */
async function decoded(
  bytes: Uint8Array,
  limits: Limits,
  { withAlpha, onShape }: Pick<ReadImageOptions, 'onShape'> & { readonly withAlpha: boolean },
): Promise<{
  readonly raw: Uint8Array;
  readonly shape: readonly [number, number];
  readonly told: readonly string[];
}> {
  const { image, metadata, shape } = await openImage(bytes, limits);
  onShape?.(shape);
  const upright = image.autoOrient().toColourspace('srgb');
  const wanted = metadata.hasAlpha || withAlpha ? upright.ensureAlpha() : upright.removeAlpha();
  const { data, info } = await decoding(wanted.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }));
  const raw = toColour(data, info.channels);
  if (raw.length % pointCount(shape) !== 0 || info.width !== shape[1] || info.height !== shape[0]) {
    throw new BadStreamError(
      'bad-image',
      0,
      `${info.width} x ${info.height} decoded, the header said otherwise`,
    );
  }
  return { raw, shape, told: notesOfFile(metadata, bytes) };
}

/** A plain PNG within the limits; undefined for what `openImage` is to read or to refuse. */
function openPlain(bytes: Uint8Array, limits: Limits): PlainPng | undefined {
  if (bytes.length > limits.maxFileBytes || sniffImage(bytes) !== 'png') return undefined;
  const plain = openPlainPng(bytes);
  if (plain === undefined) return undefined;
  checkSize(plain.shape, limits);
  return plain;
}

async function openImage(
  bytes: Uint8Array,
  limits: Limits,
): Promise<{ image: Sharp; metadata: Metadata; shape: readonly [number, number] }> {
  if (bytes.length === 0) throw new BadStreamError('empty-image', 0, 'no bytes, so no picture');
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  // Only formats known here reach the decoder library: it reads many more, SVG and its links among them.
  if (sniffImage(bytes) === undefined) {
    throw new BadStreamError(
      'unknown-image',
      0,
      `none of ${titlesOf(pictureFormats, 'and')}; convert it to one of them`,
    );
  }
  const sharp = await imageLibrary();
  const image = sharp(bytes, { limitInputPixels: false, failOn: 'error', pages: 1 });
  const metadata = await decoding(image.metadata());
  const { width, height } = metadata.autoOrient;
  checkSize([height, width], limits);
  return { image, metadata, shape: [height, width] };
}

function checkSize([height, width]: readonly [number, number], limits: Limits): void {
  checkLimit('axis', Math.max(width, height), limits.maxAxis, 'scale the picture down, or raise maxAxis');
  checkLimit('samples', width * height, limits.maxSamples, 'scale the picture down, or raise maxSamples');
}

async function decoding<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const why = (error as Error).message.replace(/\s*\n\s*/g, '; ');
    throw new BadStreamError('bad-image', 0, `the picture cannot be decoded: ${why}`);
  }
}

/** RGB to RGBA. */
function opaque(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let p = 0; p < rgb.length / 3; p++) rgba.set(rgb.subarray(3 * p, 3 * p + 3), 4 * p);
  return rgba;
}

/** Grey with or without alpha, as libvips may leave it, to colour. */
function toColour(data: Uint8Array, channels: number): Uint8Array {
  if (channels >= 3) return own(data);
  const points = data.length / channels;
  const to = channels + 2;
  const out = new Uint8Array(points * to);
  for (let p = 0; p < points; p++) {
    out.fill(data[p * channels]!, p * to, p * to + 3);
    if (channels === 2) out[p * to + 3] = data[p * channels + 1]!;
  }
  return out;
}

function encode(image: Sharp, format: ImageFormat, options: WriteImageOptions): Sharp {
  const quality = options.quality === undefined ? {} : { quality: options.quality };
  const lossless = options.lossless === undefined ? {} : { lossless: options.lossless };
  switch (format) {
    case 'png':
      return image.png({ compressionLevel: 9 });
    case 'jpeg':
      return image.jpeg(quality);
    case 'webp':
      return image.webp({ ...quality, ...lossless });
    case 'avif':
      return image.avif({ ...quality, ...lossless });
    default:
      return format satisfies never;
  }
}

function countOf(channels: ImageChannels | 1 | 3 | 4): 1 | 3 | 4 {
  return typeof channels === 'string' ? channelCounts[channels] : channels;
}

/** Out of Node's shared pool, so that nobody else writes into it. */
function own(buffer: Uint8Array): Uint8Array {
  return buffer.byteLength === buffer.buffer.byteLength
    ? new Uint8Array(buffer.buffer)
    : new Uint8Array(buffer);
}
