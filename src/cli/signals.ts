/** Signals from and to files, in the formats that there are. */
import { basename } from 'node:path';
import { BadInputError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { ModelCard } from '../field/card.ts';
import { type Channels, channelCounts, outputsOfKind } from '../field/kinds.ts';
import type { Model } from '../field/model.ts';
import type { Parts, ReadOptions, Wanted, WrittenFormat } from '../formats/format.ts';
import {
  formatOfFile,
  formatOfName,
  kindOf,
  type WrittenName,
  wantedBy,
  writtenFormatFor,
  writtenFormats,
} from '../formats/formats.ts';
import type { Signal } from '../signal/signal.ts';
import { UsageError } from './exit.ts';
import { type OpenFile, standardStream } from './files.ts';
import type { Job } from './job.ts';
import { chooseModel, modelOfSignal, refuseFor } from './models.ts';

export const outputFormats: readonly WrittenName[] = writtenFormats.map(({ name }) => name);
export type OutputFormat = WrittenName;

/**
 * A signal with the axes and channels that a model codes; without a model, with all channels of its file. What reading it leaves out is
 * in its `notes`. With a model, its header is held against what the signal is for (encoding at an effort, or a `part` of a signal of the
 * model) before it is decoded. Throws what `readSignalAs` and `checkEncodable` throw, and LimitError `limit-samples`.
 */
export async function readSignal(
  path: string,
  file: Uint8Array | OpenFile,
  {
    model,
    maxBytes,
    as = { effort: 1 },
    parts = {},
    limits,
  }: {
    readonly model?: Model;
    readonly maxBytes: number;
    /** What the signal is for. */
    readonly as?: { readonly effort: number } | 'part' | undefined;
    readonly parts?: Parts | undefined;
    readonly limits: Limits;
  },
): Promise<Signal> {
  const { readSignalAs, readSignalFrom } = await import('../formats/read.ts');
  const { checkEncodable, checkPart } = await import('../session/cost.ts');
  const id = path === standardStream ? 'stdin' : basename(path);
  const asked = { ...parts, told: path, limits: { ...limits, maxFileBytes: maxBytes } };
  const wanted: ReadOptions = {
    id,
    ...(model === undefined
      ? { outputs: 'any', axes: await likelyAxes(path, headOf(file), parts) }
      : wantedBy(model.card)),
    ...asked,
    onShape: (shape) => {
      if (model === undefined) return;
      if (as === 'part') checkPart(model.card, shape, limits);
      else checkEncodable(model.card, shape, { id, effort: as.effort, limits });
    },
  };
  const read = file instanceof Uint8Array ? readSignalAs(file, wanted) : readSignalFrom(file, wanted);
  return read.catch(async (error) => {
    const bytes = file instanceof Uint8Array ? file : await file.read(0, file.size);
    return refuseFor(error, bytes, asked);
  });
}

/** Without a name: the bundled model for signals of this shape and these channels. */
export async function modelOfInput(
  job: Job,
  path: string,
  file: Uint8Array | OpenFile,
  {
    model: ref,
    maxBytes,
    parts,
  }: {
    readonly model?: string | undefined;
    readonly maxBytes: number;
    readonly parts?: Parts | undefined;
  },
): Promise<Model> {
  if (ref !== undefined) return chooseModel(ref, '');
  const asked = { maxBytes, limits: job.limits, parts };
  const first = await readSignal(path, file, asked);
  // it was read, so it is of a format
  return modelOfSignal(job, first, formatOfFile(headOf(file), path)!, (model) =>
    readSignal(path, file, { ...asked, model }),
  );
}

/** What tells the format of a file. */
function headOf(file: Uint8Array | OpenFile): Uint8Array {
  return file instanceof Uint8Array ? file : file.head;
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
    parts = {},
    maxBytes,
    limits,
  }: {
    readonly channels?: Channels | undefined;
    readonly parts?: Parts | undefined;
    readonly maxBytes: number;
    readonly limits: Limits;
  },
): Promise<{ readonly signal: Signal; readonly channels: Channels }> {
  const { readSignalAs } = await import('../formats/read.ts');
  const id = path === standardStream ? 'stdin' : basename(path);
  const read = (outputs: Wanted['outputs'], axes: number) =>
    readSignalAs(bytes, {
      ...{ id, outputs, axes, told: path, ...parts, limits: { ...limits, maxFileBytes: maxBytes } },
    });
  const as = (channels: Channels, count?: number) => {
    const range = { offset: 0, scale: 1 };
    return outputsOfKind(channels, range, count === undefined ? {} : { count });
  };
  const format = formatOfFile(bytes, path);
  if (asked !== undefined || format === undefined || format.raw) {
    const channels = asked ?? 'values';
    return { signal: await read(as(channels), await axesOf(path, bytes, channels, parts)), channels };
  }
  const axes = await format.likelyAxes(bytes, parts);
  const whole = await read('any', axes);
  const needed = format.channelsNeeded(whole);
  const channels = format.channelKinds?.find((kind) => channelCounts[kind] === needed) ?? 'values';
  return { signal: needed === whole.channels ? whole : await read(as(channels), axes), channels };
}

async function axesOf(path: string, bytes: Uint8Array, channels: Channels, parts: Parts): Promise<number> {
  if (channels === 'values') return likelyAxes(path, bytes, parts);
  return channels === 'mono' || channels === 'stereo' ? 1 : 2;
}

/** Axes of a file of which nothing else is known than which part of it is meant. */
async function likelyAxes(path: string, bytes: Uint8Array, parts?: Parts): Promise<number> {
  return (await formatOfFile(bytes, path)?.likelyAxes(bytes, parts)) ?? 1;
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
    outputs: 'mask',
    told: path,
    axes: card?.spec.axes ?? 2,
    limits: { ...limits, maxFileBytes: maxBytes },
    onShape: (shape) => {
      if (card !== undefined) checkPart(card, shape, limits);
    },
  });
}

/** How much each sample of a signal counts, [points]. Throws as `readSignal`, and BadInputError `bad-weight` for another shape. */
export async function readWeights(
  path: string,
  bytes: Uint8Array,
  { id, shape }: Signal,
  { maxBytes, limits }: { readonly maxBytes: number; readonly limits: Limits },
): Promise<Float32Array> {
  const { readSignalAs } = await import('../formats/read.ts');
  const read = await readSignalAs(bytes, {
    id: basename(path),
    outputs: outputsOfKind('values', { offset: 0, scale: 1 }),
    axes: shape.length,
    limits: { ...limits, maxFileBytes: maxBytes },
  });
  if (read.channels === 1 && read.shape.join() === shape.join()) return read.values;
  throw new BadInputError(
    'bad-weight',
    `${path} is of shape [${read.shape}] x ${read.channels} and ${id} of [${shape}]; give one weight for each sample`,
  );
}

/** Rows of numbers, [rows, columns]. Throws as `readSignal`. */
export async function readTable(
  path: string,
  bytes: Uint8Array,
  { maxBytes, limits }: { readonly maxBytes: number; readonly limits: Limits },
): Promise<{ readonly shape: readonly number[]; readonly data: Float32Array }> {
  const { readSignalAs } = await import('../formats/read.ts');
  const { shape, channels, values } = await readSignalAs(bytes, {
    id: path === standardStream ? 'stdin' : basename(path),
    outputs: outputsOfKind('values', { offset: 0, scale: 1 }),
    axes: 2,
    limits: { ...limits, maxFileBytes: maxBytes },
  });
  return { shape: channels === 1 ? shape : [...shape, channels], data: values };
}

/** Says on stderr what reading a signal left out. */
export function noteDropped(job: Job, { id, notes = [] }: Signal): void {
  if (notes.length > 0) job.note(`${id}: ${notes.join('; ')}`);
}

/** The format named, else the one of the suffix; undefined on stdout, where the model says it. Throws UsageError `which-format`. */
export function outputFormat(path: string, named: OutputFormat | undefined): OutputFormat | undefined {
  if (named !== undefined || path === standardStream) return named;
  const found = formatOfName(path)?.name;
  const written = writtenFormats.find(({ name }) => name === found);
  if (written !== undefined) return written.name;
  const suffixes = writtenFormats.map(({ suffixes }) => suffixes[0]).join(', ');
  const what = found === undefined ? 'names no format' : `names ${found}, which is read and not written`;
  throw new UsageError('which-format', `${path} ${what}; end it in ${suffixes}, or use --format`);
}

/** The format of this name, or the first that holds signals of a model. Throws BadInputError `format-of-model` where it does not hold them. */
export function formatFor(card: ModelCard, name: OutputFormat | undefined): WrittenFormat {
  return writtenFormatFor(kindOf(card), name, `model ${card.name}`);
}
