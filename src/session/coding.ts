/** Modulations to bytes and back: quantiser, priors and codec joined. */
import {
  type Archive,
  codeSymbols,
  type DecodedFile,
  decodeFile,
  joinFiles,
  openArchive,
  readHeader,
  signalsPerStream,
} from '../../codec/index.ts';
import { CostMeter } from '../../prior/cost.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import type { Symbols } from '../../prior/prior.ts';
import { dequantise, dequantiseInPlace, quantise, stepsAt } from '../../prior/quantiser.ts';
import { readPrior } from '../../prior/registry.ts';
import { BadInputError, NotFoundError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { type ModulationLayout, modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { priorKind } from '../models/priors.ts';
import { networkFunction } from './own-network.ts';
import type { Coded, CodeTask, DecodedFunction, DecodeTask } from './work.ts';

/** Bytes of a single file before its stream. */
export function headerBytesOf(file: Uint8Array): number {
  return readHeader(file).headerBytes;
}

/** One archive of files; with ids when all have one. Throws BadInputError `archive-empty`, and what `joinFiles` throws. */
export function archiveOf(
  model: Model,
  items: readonly { readonly bytes: Uint8Array; readonly id?: string | undefined }[],
): Uint8Array {
  if (items.length === 0) throw new BadInputError('archive-empty', 'an archive needs at least one signal');
  const files = items.map(({ bytes }) => bytes);
  const mean = files.reduce((sum, { length }) => sum + length, 0) / files.length;
  const named = items.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const ids = named.length === items.length ? named : undefined;
  return joinFiles(model, files, { ids, perStream: signalsPerStream(mean, files.length) });
}

/** The functions of a file or an archive, one at a time. Throws what `decode` throws, AbortedError. */
export function* functionsOf(
  model: Model,
  bytes: Uint8Array,
  { limits, signal }: { readonly limits: Limits; readonly signal?: AbortSignal | undefined },
): Generator<DecodedFunction> {
  if (readHeader(bytes, limits).container !== 'archive') {
    yield stoppable(signal, () => decode(model, { bytes, item: 0, limits }));
    return;
  }
  const archive = openArchive(model, bytes, limits);
  for (let i = 0; i < archive.count; i++) yield stoppable(signal, () => toFunction(model, archive.at(i)));
}

/**
 * The single files of the functions of an archive, which is opened once, when the first is asked for; a file itself. They throw what
 * `openArchive` throws.
 */
export function filesOf(model: Model, bytes: Uint8Array, limits: Limits): (item: number) => Uint8Array {
  let archive: Archive | undefined;
  return (item) => {
    if (readHeader(bytes, limits).container !== 'archive') return bytes.slice();
    archive ??= openArchive(model, bytes, limits);
    return archive.file(item);
  };
}

/** A modulation to the bytes of a file. Throws what `codeSymbols` throws. */
export function code(model: Model, task: CodeTask): Coded {
  return codeWithin(model, task, Number.POSITIVE_INFINITY)!;
}

/** The same; undefined where the file would be longer than `most` bytes. */
export function codeWithin(model: Model, task: CodeTask, most: number): Coded | undefined {
  const { modulation, shape, quality, prior } = task;
  const layout = modulationLayout(model.card.spec, shape);
  const steps = stepsOf(model, quality);
  const symbols = task.symbols ?? quantise(layout, modulation, steps);
  const coded = codeSymbols(model, symbols, { shape, quality, prior: priorKind(prior), most });
  if (coded === undefined) return undefined;
  const { bytes, bits } = coded;
  return {
    bytes,
    get symbols() {
      return wide(symbols);
    },
    get modulation() {
      return dequantise(layout, wide(symbols), steps);
    },
    estimatedBits: bits,
  };
}

function wide(symbols: Symbols): Int32Array {
  return symbols instanceof Int8Array ? Int32Array.from(symbols) : symbols;
}

/** One function of a file or an archive. Throws what `decodeFile`, `decodeNetwork` and `openArchive` throw, NotFoundError `item`. */
export function decode(model: Model, { bytes, item, limits }: DecodeTask): DecodedFunction {
  const { container } = readHeader(bytes, limits);
  if (container === 'archive') return toFunction(model, openArchive(model, bytes, limits).at(item));
  if (item !== 0) throw new NotFoundError('item', `a single file has item 0 alone, not ${item}`);
  return container === 'network'
    ? networkFunction(bytes, limits)
    : toFunction(model, decodeFile(model, bytes, limits), dequantiseInPlace);
}

/** What decoded symbols stand for, which `numbersOf` may take the memory of; samples stand for themselves. */
export function toFunction(
  model: Model,
  found: DecodedFile,
  numbersOf: (
    layout: ModulationLayout,
    symbols: Int32Array,
    steps: Float64Array,
  ) => Float32Array = dequantise,
): DecodedFunction {
  if (found.prior === 'samples') return found;
  const { symbols, shape, quality, prior, sections } = found;
  const layout = modulationLayout(model.card.spec, shape);
  const modulation = numbersOf(layout, symbols, stepsOf(model, quality));
  return { modulation, shape, quality, prior, ...(sections === undefined ? {} : { sections }) };
}

/** Quantiser steps [channels] of a model at a quality. Throws BadInputError `quality`. */
export function stepsOf(model: Model, quality: number): Float64Array {
  return stepsAt(atQuality(model, quality).steps, quality);
}

/**
 * That a modulation of quality `own` can be coded at this one. Throws BadInputError `quality` where the network changes between
 * them.
 */
export function checkCodedAt(model: Model, quality: number, own = defaultQuality): void {
  if (atQuality(model, quality).network === atQuality(model, own).network) return;
  throw new BadInputError(
    'quality',
    `the network of ${model.card.name} changes with quality: a modulation of quality ${own} is coded at ${own}`,
  );
}

/** What a prior says symbols cost, without headers. */
export function bitsOfSymbols(
  model: Model,
  layout: ModulationLayout,
  quality: number,
  kind: PriorKind,
  symbols: Int32Array,
): number {
  const meter = new CostMeter();
  readPrior(model, kind).walk(layout, quality, symbols.slice(), meter);
  return meter.bitCount;
}
