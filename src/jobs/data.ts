/** Data sets as the layers below take them. */

import { readBox, shapeOfItem } from '../../datasets/crop.ts';
import type { Dataset, OpenDatasetOptions, Split } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import { aText, check, optionsOf } from '../core/check.ts';
import { BadInputError, FunctaError } from '../core/errors.ts';
import { axesOfKind, type Channels, outputsOfKind } from '../field/kinds.ts';
import type { Model } from '../field/model.ts';
import { type DataKind, sampleTypeOf } from '../field/outputs.ts';
import type { DataShape } from '../learn/index.ts';
import { type Box, copyBox } from '../signal/box.ts';
import { modelFor } from '../signal/own-range.ts';
import type { Signal } from '../signal/signal.ts';
import type { SignalSource } from '../signal/source.ts';
import { checkFits } from '../signal/values.ts';
import { weightsOf } from '../signal/weights.ts';
import { aDataRef } from './arguments.ts';
import type { DataRef } from './types.ts';

/** A data set as the learner reads it. */
export function sourceOf(dataset: Dataset, limit?: number): SignalSource {
  return {
    name: `${dataset.name}/${dataset.split}`,
    length: Math.min(limit ?? dataset.length, dataset.length),
    channels: dataset.channels,
    shapeOf: (index) => dataset.shape ?? shapeOfItem(dataset, index),
    fill: (index, crop, target) => readBox(dataset, index, crop, target),
    ...(isWeighted(dataset) && {
      fillWeights: (index, box, target) => readWeights(dataset, index, box, target),
    }),
  };
}

function isWeighted({ weighted = false, kind }: Dataset): boolean {
  return weighted || kind?.axes.some(({ weight }) => weight !== undefined) === true;
}

/** How much the points of a box of item `index` count: by its own weights, else by its axes or the data set's. */
async function readWeights(dataset: Dataset, index: number, box: Box, target: Float32Array): Promise<void> {
  const item = await dataset.get(index);
  const weights = weightsOf({ axes: dataset.kind?.axes ?? [], shape: item.shape }, item);
  if (weights === undefined) target.fill(1);
  else copyBox(weights, item.shape, 1, box, target);
}

/** Data of a job, opened. */
export interface OpenedData {
  readonly data: Dataset;
  /** Closes what was opened here; data of the caller's stay open. */
  close(): void;
}

/** Opens a split of data that has a name. Throws what `openDataset` throws. */
export async function openData(
  ref: DataRef,
  split: Split | 'all',
  options: OpenDatasetOptions = {},
): Promise<OpenedData> {
  if (typeof ref !== 'string') return { data: ref, close: () => undefined };
  const data = await openDataset(ref, split, options);
  return { data, close: () => data.close() };
}

/** Signals that are tried until one can be read. */
const tried = 8;

/**
 * The first signal of data that have a name which a model takes: its kind, channels, shape and range; undefined where the first that can be read is not
 * one. Throws what opening the data for the model throws, and the first fault where none of some can be read.
 */
export async function firstForModel(
  ref: string,
  model: Model,
  { split, ...at }: { readonly split: Split | 'all'; readonly cacheDir?: string | undefined },
): Promise<Signal | undefined> {
  const { data, close } = await openData(ref, split, openingForModel(model, at));
  try {
    const { card } = model;
    const { outputs } = kindOfData(data, card.spec.axes, { offset: 0, peak: 1 });
    // whole samples of pictures are not numbers of a field that lie in their range
    if ((sampleTypeOf(outputs) === 'uint8') !== (sampleTypeOf(card.outputs) === 'uint8')) return undefined;
    let fault: unknown;
    for (let i = 0; i < Math.min(tried, data.length); i++) {
      try {
        const signal = await data.get(i);
        checkFits(modelFor(model, signal), signal);
        return signal;
      } catch (error) {
        if (!(error instanceof FunctaError)) throw error;
        // one that this model does not take; what is damaged is nobody's
        if (error.kind === 'input') return undefined;
        fault ??= error;
      }
    }
    throw fault;
  } finally {
    close();
  }
}

/** What data are called. */
export function nameOfData(ref: DataRef): string {
  return typeof ref === 'string' ? ref : ref.name;
}

/**
 * As the data set says it. One that does not has 8-bit samples from 0 to 1 where it gives samples in bytes, else numbers around the offset of
 * a recipe's values.
 */
export function kindOfData(
  data: Dataset,
  axes: number,
  { offset, peak }: { readonly offset: number; readonly peak: number },
): DataKind {
  if (data.kind !== undefined) return data.kind;
  const inBytes = data.bytesAt !== undefined || data.cropAt !== undefined;
  const named = bytesKinds[data.channels];
  const outputs =
    inBytes && named !== undefined
      ? outputsOfKind(named, unscaled)
      : outputsOfKind('values', { ...unscaled, offset }, { count: data.channels, peak });
  return { outputs, axes: axesOfKind('values', axes) };
}

const unscaled = { offset: 0, scale: 1 };
const bytesKinds: Readonly<Record<number, Channels>> = { 1: 'grey', 3: 'rgb', 4: 'rgba' };

/** Where and how to open a data set for signals of a model: those of a directory that says nothing are what the model takes. */
export function openingForModel({ card }: Pick<Model, 'card'>, at: Parameters<typeof openingFor>[1]) {
  return { ...openingFor(card.spec.outputs, at), kind: card };
}

/** Where and how to open a data set for fields of so many outputs; absent members stay absent. */
export function openingFor(
  outputs: number,
  { cacheDir, path }: { readonly cacheDir?: string | undefined; readonly path?: string | undefined },
): OpenDatasetOptions {
  return {
    ...(outputs === 4 ? { alpha: true } : {}),
    ...(outputs === 1 ? { grey: true } : {}),
    ...(cacheDir === undefined ? {} : { cacheDir }),
    ...(path === undefined ? {} : { path }),
  };
}

/** The values of a recipe for data that say their range; undefined for others. Throws BadInputError `recipe-data` where outputs differ. */
function rangeOfKind({ kind, name }: Dataset): DataShape['values'] {
  const [first] = kind?.outputs ?? [];
  if (kind === undefined || first === undefined) return undefined;
  const { low, peak } = first;
  if (kind.outputs.every((output) => output.low === low && output.peak === peak))
    return { offset: low + peak / 2, scale: peak, peak, ...(low === 0 ? {} : { low }) };
  throw new BadInputError(
    'recipe-data',
    `the outputs of ${name} have ranges of their own; bring them to one, or give a recipe file`,
  );
}

/** Signals whose shapes are looked at, spread over a data set whose signals may differ. */
const looked = 1024;

/** One signal in so many may be smaller along an axis than what a step learns on: it is padded, and a stray icon decides nothing. */
const oneInSmaller = 10;

/**
 * What a recipe has to know of a data set. Throws what `openDataset` throws.
 *
 * @example
 * const shape = await shapeOfData(data, 'all');
 */
export async function shapeOfData(
  ref: DataRef,
  split: Split | 'all',
  options: OpenDatasetOptions = {},
): Promise<DataShape> {
  check(
    'shapeOfData',
    aDataRef(ref, 'data'),
    aText(split, 'split'),
    optionsOf({ cacheDir: aText, path: aText })(options, 'options'),
  );
  const { data, close } = await openData(ref, split, options);
  try {
    const outputs = data.channels;
    const values = rangeOfKind(data);
    const wraps = data.kind?.axes.at(-1)?.wraps;
    if (data.shape !== undefined) return { shape: data.shape, outputs, uniform: true, values, wraps };
    const count = Math.min(looked, data.length);
    const shapes: (readonly number[])[] = [];
    for (let i = 0; i < count; i++)
      shapes.push(await shapeOfItem(data, Math.floor((i * data.length) / count)));
    const [first = []] = shapes;
    const shape = first.map(
      (_, axis) => shapes.map((of) => of[axis]!).sort((a, b) => a - b)[Math.floor(count / oneInSmaller)]!,
    );
    const uniform = count === data.length && shapes.every((of) => of.join() === first.join());
    return { shape, outputs, uniform, values, wraps };
  } finally {
    close();
  }
}
