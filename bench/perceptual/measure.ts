/** The figures of pictures: coded at a quality, and enlarged. */

import { psnrDb } from '../../src/core/units.ts';
import {
  decodeFormat,
  errorOf,
  type FormatVariant,
  type Picture,
  pictureOf,
} from '../../src/jobs/peer-codecs.ts';
import type { Session } from '../../src/session/index.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { borderRmse, dotsPerThousand, weave, whiteError } from './artefacts.ts';
import { halved } from './pictures.ts';
import type { Measure } from './tools.ts';

/** Figures of one picture at one setting, by name. NaN: not to be measured on this picture. */
export type Figures = Readonly<Record<string, number>>;

/** A picture of ours at a quality, decoded at its size. */
export async function figuresOfOurs(
  session: Session,
  signal: Signal,
  setting: { readonly quality: number; readonly effort: number },
  measures: readonly Measure[],
): Promise<Figures> {
  const { bytes } = await session.encode(signal, setting);
  const original = pictureOf(signal);
  const decoded = pictureOf(await session.decode(bytes));
  const { border, inside } = borderRmse(original, decoded);
  return {
    ...(await figuresOf(original, decoded, bytes.length, measures)),
    dots: dotsPerThousand(decoded),
    'dots of the original': dotsPerThousand(original),
    white: whiteError(original, decoded),
    border,
    inside,
  };
}

/** A picture in another format. */
export async function figuresOfPeer(
  variant: FormatVariant,
  setting: number,
  signal: Signal,
  measures: readonly Measure[],
): Promise<Figures> {
  const original = pictureOf(signal);
  const file = await variant.encode(original, setting);
  const decoded = { ...original, bytes: await decodeFormat(file, original) };
  const figures = await figuresOf(original, decoded, file.length, measures);
  return { ...figures, dots: dotsPerThousand(decoded), white: whiteError(original, decoded) };
}

/**
 * A picture halved, coded and decoded at twice its size, against the picture; beside it the field itself between the samples. And the
 * weave at four times its size, in steps of 1/255: the waves of one sample and of two.
 */
export async function figuresEnlarged(
  session: Session,
  signal: Signal,
  setting: { readonly quality: number; readonly effort: number },
  measures: readonly Measure[],
): Promise<Figures> {
  const original = pictureOf(evenPart(signal));
  const { bytes } = await session.encode(halved(signal), setting);
  const drawn = async (size: string) => pictureOf(await session.decode(bytes, { size }));
  const field = async (size: string) => rounded(await session.decode(bytes, { size, raw: true }));
  const figures: Record<string, number> = await figuresOf(
    original,
    await drawn('2x'),
    bytes.length,
    measures,
  );
  const between = await figuresOf(original, await field('2x'), bytes.length, measures);
  for (const key of Object.keys(between))
    if (key !== 'bitsPerPixel') figures[`${key} of the field`] = between[key]!;
  const [fourTimes, fieldFourTimes] = [await drawn('4x'), await field('4x')];
  return {
    ...figures,
    'weave 1': weave(fourTimes, 4),
    'weave 1 of the field': weave(fieldFourTimes, 4),
    'weave 2': weave(fourTimes, 8),
    'weave 2 of the field': weave(fieldFourTimes, 8),
  };
}

async function figuresOf(
  original: Picture,
  decoded: Picture,
  bytes: number,
  measures: readonly Measure[],
): Promise<Figures> {
  const figures: Record<string, number> = {
    bitsPerPixel: (8 * bytes) / (original.width * original.height),
    psnr: psnrDb(errorOf(original, decoded.bytes)),
  };
  for (const { key, score } of measures) figures[key] = await score(original, decoded);
  return figures;
}

function rounded(signal: Signal): Picture {
  const values = signal.values.map((v) => Math.min(1, Math.max(0, Math.round(255 * v) / 255)));
  return pictureOf({ ...signal, values });
}

/** Without an odd last row or column. */
function evenPart(signal: Signal): Signal {
  const [height, width] = signal.shape as [number, number];
  if (height % 2 === 0 && width % 2 === 0) return signal;
  const { channels } = signal;
  const [h, w] = [height & ~1, width & ~1];
  const values = new Float32Array(h * w * channels);
  for (let y = 0; y < h; y++)
    values.set(signal.values.subarray(y * width * channels, (y * width + w) * channels), y * w * channels);
  return { ...signal, shape: [h, w], values };
}
