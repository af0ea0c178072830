/** Signals from and to files, in the formats that there are. */
import { basename } from 'node:path';
import type { Limits } from '../core/limits.ts';
import type { Channels, ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { formatOfName, sniffFormat, type WrittenName, writtenFormats } from '../formats/formats.ts';
import type { RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { UsageError } from './exit.ts';
import { type Content, standardStream } from './files.ts';
import type { Job } from './job.ts';

export const outputFormats: readonly WrittenName[] = writtenFormats.map(({ name }) => name);
export type OutputFormat = WrittenName;

/**
 * A signal with the axes and channels that a model codes; without a model, a picture as RGBA. What reading it leaves out is
 * in its `notes`. With a model, its header is held against what the signal is for (encoding at an effort, or a `part` of a signal of the
 * model) before it is decoded. Throws what `readSignalAs` and `checkEncodable` throw, and LimitError `limit-samples`.
 */
export async function readSignal(
  path: string,
  bytes: Uint8Array,
  {
    model,
    maxBytes,
    as = { effort: 1 },
    limits,
  }: {
    readonly model?: Model;
    readonly maxBytes: number;
    /** What the signal is for. */
    readonly as?: { readonly effort: number } | 'part' | undefined;
    readonly limits: Limits;
  },
): Promise<Signal> {
  const { readSignalAs } = await import('../formats/read.ts');
  const { checkEncodable, checkPart } = await import('../session/cost.ts');
  const id = path === standardStream ? 'stdin' : basename(path);
  return readSignalAs(bytes, {
    id,
    channels: model?.card.channels ?? 'rgba',
    axes: model?.card.spec.axes ?? 2,
    limits: { ...limits, maxFileBytes: maxBytes },
    onShape: (shape) => {
      if (model === undefined) return;
      if (as === 'part') checkPart(model.card, shape);
      else checkEncodable(model.card, shape, { id, effort: as.effort, limits });
    },
  });
}

/**
 * A signal for a network of its own, and what its channels are: of a picture what it holds, of an array as said, else numbers. Pictures have
 * two axes and sounds one; an array of numbers has one for each dimension, but for a last one of up to four, which is its channels where
 * there are three before it or two. Throws as `readSignal`.
 */
export async function readOwnSignal(
  path: string,
  bytes: Uint8Array,
  {
    channels: asked,
    maxBytes,
    limits,
  }: { readonly channels?: Channels | undefined; readonly maxBytes: number; readonly limits: Limits },
): Promise<{ readonly signal: Signal; readonly channels: Channels }> {
  const { readSignalAs } = await import('../formats/read.ts');
  const id = path === standardStream ? 'stdin' : basename(path);
  const read = (channels: Channels, axes: number) =>
    readSignalAs(bytes, { id, channels, axes, limits: { ...limits, maxFileBytes: maxBytes } });
  if (sniffFormat(bytes)?.holds === 'array') {
    const channels = asked ?? 'values';
    return { signal: await read(channels, await axesOf(bytes, channels)), channels };
  }
  if (asked !== undefined) return { signal: await read(asked, 2), channels: asked };
  const whole = await read('rgba', 2);
  const channels = pictureChannels[channelsNeeded(whole, bytes)]!;
  return { signal: channels === 'rgba' ? whole : await read(channels, 2), channels };
}

const pictureChannels: Readonly<Record<number, Channels>> = { 1: 'grey', 3: 'rgb', 4: 'rgba' };
/** Of an array of numbers. */
const mostChannels = 4;

async function axesOf(bytes: Uint8Array, channels: Channels): Promise<number> {
  const { readNpyShape } = await import('../formats/npy.ts');
  const { meaningOf } = await import('../signal/meaning.ts');
  const meaning = meaningOf[channels];
  if (meaning !== 'numbers') return meaning === 'sound' ? 1 : 2;
  const shape = readNpyShape(bytes);
  const hasChannels = shape.length > 3 || (shape.length === 3 && shape[2]! <= mostChannels);
  return Math.max(1, hasChannels ? shape.length - 1 : shape.length);
}

/** Which samples of a signal of two axes are known: 1 where the mask is white or 1. Throws as `readSignal`. */
export async function readMask(
  path: string,
  bytes: Uint8Array,
  {
    card,
    maxBytes,
    limits,
  }: { readonly card?: ModelCard; readonly maxBytes: number; readonly limits: Limits },
): Promise<Signal> {
  const { readSignalAs } = await import('../formats/read.ts');
  const { checkPart } = await import('../session/cost.ts');
  return readSignalAs(bytes, {
    id: basename(path),
    channels: 'mask',
    axes: card?.spec.axes ?? 2,
    limits: { ...limits, maxFileBytes: maxBytes },
    onShape: (shape) => {
      if (card !== undefined) checkPart(card, shape);
    },
  });
}

/** Says on stderr what reading a signal left out. */
export function noteDropped(job: Job, { id, notes = [] }: Signal): void {
  if (notes.length > 0) job.note(`${id}: ${notes.join('; ')}`);
}

/** The channels that a signal read without a model needs: of a picture 1 where it is grey, 3 where it is opaque, else 4. */
export function channelsNeeded(signal: Signal, bytes: Uint8Array): number {
  if (sniffFormat(bytes)?.holds === 'array') return signal.channels;
  const { values } = signal;
  let grey = true;
  for (let i = 0; i < values.length; i += 4) {
    if (values[i + 3] !== 1) return 4;
    grey &&= values[i] === values[i + 1] && values[i] === values[i + 2];
  }
  return grey ? 1 : 3;
}

/** The format named, else the one of the suffix; png on stdout. */
export function outputFormat(path: string, named: OutputFormat | undefined): OutputFormat {
  if (named !== undefined) return named;
  if (path === standardStream) return 'png';
  const found = formatOfName(path)?.name;
  const written = writtenFormats.find(({ name }) => name === found);
  if (written !== undefined) return written.name;
  const suffixes = writtenFormats.map(({ suffixes }) => suffixes[0]).join(', ');
  const what = found === undefined ? 'names no format' : `names ${found}, which is read and not written`;
  throw new UsageError('which-format', `${path} ${what}; end it in ${suffixes}, or use --format`);
}

/** The bytes of a decoded signal, made as its rows come where the format allows. */
export async function encodeRows(stream: RowStream, format: OutputFormat): Promise<Content> {
  const { signalChunks } = await import('../formats/written.ts');
  return signalChunks(stream, format);
}

/** Several signals of one shape: a contact sheet as a picture, [count, ...axes, channels] as npy. */
export async function encodeSignals(signals: readonly Signal[], format: OutputFormat): Promise<Content> {
  const { contactSheet } = await import('../formats/contact-sheet.ts');
  const { signalRows, stackedRows } = await import('../signal/index.ts');
  return encodeRows(format === 'npy' ? stackedRows(signals) : signalRows(contactSheet(signals)), format);
}
