/**
 * Pictures: 8-bit samples of two axes. What decodes and codes them is loaded when it is first needed: much that asks for names alone does
 * without.
 */
import { BadInputError } from '../core/errors.ts';
import { stoppable } from '../core/look.ts';
import { type Output, sampleTypeOf } from '../field/outputs.ts';
import { collectRows, type RowStream, signalRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import type { ReadOptions, SignalFormat, SignalKind, Wanted, WriteAllOptions } from './format.ts';
import { mediaTypes } from './media-types.ts';

/** A picture's channels, by their number. */
const channelNames: Readonly<Record<number, 'grey' | 'rgb' | 'rgba'>> = { 1: 'grey', 3: 'rgb', 4: 'rgba' };

/** How pictures are held together. */
const sheet = 'a contact sheet';

const picture = {
  raw: false,
  fits: ({ axes, outputs }) =>
    axes === 2 && sampleTypeOf(outputs) === 'uint8' && channelNames[outputs.length] !== undefined,
  async shapeOf(bytes, { limits }) {
    const { readImageSize } = await import('./image.ts');
    return readImageSize(bytes, limits);
  },
  read: readPicture,
  likelyAxes: () => 2,
  channelKinds: ['grey', 'rgb', 'rgba'],
  channelsNeeded({ values }) {
    let grey = true;
    for (let i = 0; i < values.length; i += 4) {
      if (values[i + 3] !== 1) return 4;
      grey &&= values[i] === values[i + 1] && values[i] === values[i + 2];
    }
    return grey ? 1 : 3;
  },
  // More channels than it needs lose nothing, and without the fourth it loses no more than its transparency.
  takes: (outputs, needed) => outputs >= Math.min(needed, 3),
} as const satisfies Partial<SignalFormat>;

const png = {
  ...picture,
  name: 'png',
  title: 'PNG',
  mediaType: mediaTypes.png,
  suffixes: ['.png'],
  example: 'picture.png',
  sniff: (bytes) => bytes[0] === 0x89 && ascii(bytes, 1, 8) === 'PNG\r\n\x1a\n',
  // of a signal that is no picture, one of it
  writes: (kind) => picture.fits(kind) || isDrawable(kind),
  together: sheet,
  write: (rows, outputs) =>
    later(async () =>
      pngOf(isPicture(rows, outputs) ? unitRows(rows, outputs) : signalRows(await drawn(rows, outputs))),
    ),
  writeAll: (signals, outputs, options) =>
    later(async () => pngOf(signalRows(await sheetOf(signals, outputs, options)))),
} as const satisfies SignalFormat;

const jpeg = {
  ...picture,
  name: 'jpeg',
  title: 'JPEG',
  mediaType: mediaTypes.jpeg,
  suffixes: ['.jpg', '.jpeg'],
  example: 'picture.jpg',
  sniff: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
} as const satisfies SignalFormat;

const webp = {
  ...picture,
  name: 'webp',
  title: 'WebP',
  mediaType: mediaTypes.webp,
  suffixes: ['.webp'],
  example: 'picture.webp',
  sniff: (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP',
  together: sheet,
  // In one piece: the format is coded from all of a picture at once.
  write: (rows, outputs) =>
    later(async () => {
      const { shape, channels } = rows;
      const values = await collectRows(unitRows(rows, outputs));
      return webpOf({ id: 'the picture', shape, channels, values });
    }),
  writeAll: (signals, outputs, options) =>
    later(async () => webpOf(await sheetOf(signals, outputs, options))),
} as const satisfies SignalFormat;

const avif = {
  ...picture,
  name: 'avif',
  title: 'AVIF',
  mediaType: mediaTypes.avif,
  suffixes: ['.avif'],
  example: 'picture.avif',
  sniff: (bytes) => ascii(bytes, 4, 8) === 'ftyp' && /avi[fs]/.test(ascii(bytes, 8, 40)),
} as const satisfies SignalFormat;

/** In the order in which they are offered and told. */
export const pictures = [png, jpeg, webp, avif] as const;
/** Names of the formats of pictures. */
export type PictureName = (typeof pictures)[number]['name'];

async function readPicture(
  bytes: Uint8Array,
  { id, limits, onShape, ...wanted }: ReadOptions,
): Promise<Signal> {
  const channels = channelsOf(id, wanted);
  const { readImage } = await import('./image.ts');
  const signal = await readImage(bytes, { id, channels, onShape, limits });
  const { outputs } = wanted;
  if (typeof outputs === 'string' || outputs.every(isUnit)) return signal;
  const values = signal.values.map((v, i) => {
    const { low, peak } = outputs[i % outputs.length]!;
    return low + peak * v;
  });
  return { ...signal, values };
}

/** Throws BadInputError `not-a-picture-model` where a picture is not what is wanted. */
function channelsOf(id: string, { axes, outputs }: Wanted): 'grey' | 'rgb' | 'rgba' {
  if (outputs === 'any') return 'rgba';
  if (outputs === 'mask') return 'grey';
  const channels = channelNames[outputs.length];
  if (channels !== undefined && picture.fits({ axes, outputs })) return channels;
  const names = outputs.map(({ name, unit }) => (unit === undefined ? name : `${name} in ${unit}`));
  throw new BadInputError(
    'not-a-picture-model',
    `${id} is a picture and this model takes ${names.join(', ')} along ${axes === 1 ? 'one axis' : `${axes} axes`}; give an npy array`,
  );
}

/** Values from 0 to 1 of values within the ranges of their outputs. */
function unitRows(stream: RowStream, outputs: readonly Output[]): RowStream {
  if (outputs.every(isUnit)) return stream;
  async function* rows() {
    for await (const { values, ...where } of stream.rows) yield { ...where, values: toUnit(values, outputs) };
  }
  return { ...stream, rows: rows() };
}

function toUnit(values: Float32Array, outputs: readonly Output[]): Float32Array {
  return values.map((v, i) => {
    const { low, peak } = outputs[i % outputs.length]!;
    return (v - low) / peak;
  });
}

function isUnit({ low, peak }: Output): boolean {
  return low === 0 && peak === 1;
}

async function sheetOf(
  signals: readonly Signal[],
  outputs: readonly Output[],
  { inRow = false, signal }: WriteAllOptions = {},
): Promise<Signal> {
  const { contactSheet } = await import('./contact-sheet.ts');
  if (signals[0] !== undefined && !isPicture(signals[0], outputs)) {
    const views: Signal[] = [];
    for (const one of signals) views.push(await drawn(signalRows(one), outputs));
    return stoppable(signal, () => contactSheet(views, inRow ? { columns: views.length } : {}));
  }
  const unit = outputs.every(isUnit)
    ? signals
    : signals.map((one) => ({ ...one, values: toUnit(one.values, outputs) }));
  return stoppable(signal, () => contactSheet(unit, inRow ? { columns: unit.length } : {}));
}

/** Whether there is a picture of signals of a kind. */
function isDrawable({ axes }: SignalKind): boolean {
  return axes <= 3;
}

function isPicture({ shape }: Pick<Signal, 'shape'>, outputs: readonly Output[]): boolean {
  return picture.fits({ axes: shape.length, outputs });
}

async function drawn(rows: RowStream, outputs: readonly Output[]): Promise<Signal> {
  const { previewOf } = await import('./preview.ts');
  return previewOf(rows, outputs);
}

async function pngOf(rows: RowStream): Promise<AsyncIterable<Uint8Array>> {
  const { pngChunks } = await import('./png.ts');
  return pngChunks(rows);
}

async function webpOf(signal: Signal): Promise<Uint8Array> {
  const { writeImage } = await import('./image.ts');
  return writeImage(signal, 'webp', { lossless: true });
}

/** What is made when it is first asked for. */
async function* later(
  make: () => Promise<AsyncIterable<Uint8Array> | Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const made = await make();
  if (made instanceof Uint8Array) yield made;
  else yield* made;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
