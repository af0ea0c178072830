/** Modulations that priors learn from: those of a functaset, or of a data set whose signals are adapted first. */
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { contextKind } from '../../prior/registry.ts';
import type { ModulationSource, TrainingModulation } from '../../prior/train/index.ts';
import { AbortedError, ConflictError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { defaultQuality } from '../field/at-quality.ts';
import { type ModulationLayout, modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { type FitRequest, fitSignals } from '../fit/fit.ts';
import { mirror } from '../learn/index.ts';
import { stepsOf } from '../session/coding.ts';
import { modulated, openFunctions } from '../session/functions.ts';
import { broughtTo } from '../session/refit.ts';
import { defaultBatch, groups } from '../session/session.ts';
import { openFunctasetOf } from '../session/store.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import { nameOfData, openData, openingForModel } from './data.ts';
import type { JobEvent, TrainPriorOptions } from './types.ts';

const job = 'prior';
export interface NamedModulations {
  readonly source: ModulationSource;
  /** What they are of, for a card. */
  readonly data: string;
  close(): Promise<void>;
}

/** With `coding`, for priors of symbols. Throws ConflictError `functaset-network`, AbortedError, and what opening and adapting throw. */
export function openModulations(
  model: Model,
  options: TrainPriorOptions,
  coding: boolean,
): Promise<NamedModulations> {
  return options.functaset === undefined
    ? adaptAll(model, options, coding)
    : openStore(model, options.functaset, options, coding);
}

/**
 * Reads functions as they are asked for; only their ids are in memory. Coded ones teach a prior of symbols the symbols of their files,
 * at the quality of those; a generative prior learns what they stand for. Functions of samples teach their plain fits.
 */
async function openStore(
  model: Model,
  path: string,
  { limit, engine }: TrainPriorOptions,
  coding: boolean,
): Promise<NamedModulations> {
  const store = await openFunctasetOf(model, path, { readOnly: true });
  const every = [...store.summaries()].map(({ id }) => id);
  const ids = spread(every.length, limit).map((index) => every[index]!);
  const at = async (index: number): Promise<TrainingModulation> => {
    const found = store.get(ids[index]!);
    if (found === undefined) {
      throw new ConflictError(
        'functaset-changed',
        `function ${ids[index]} of ${path} went away; train again`,
      );
    }
    const opened = await modulated({ model, engine }, await openFunctions({ model, engine }, [found]));
    const { coded, modulation, quality, shape, label } = opened[0]!;
    const layout = modulationLayout(model.card.spec, shape);
    if (coding && coded) {
      const symbols = quantise(layout, modulation, stepsOf(model, quality));
      return { modulation: asSymbols(model, layout, symbols, quality), layout, quality, label };
    }
    const [plain] = await broughtTo({ model, engine }, opened, defaultQuality);
    return { modulation: plain!.modulation, layout, label };
  };
  const data = ids[0]?.split('/').slice(0, -1).join('/') ?? '';
  return { source: { length: ids.length, at }, data, close: () => store.close() };
}

/**
 * Symbols as the modulation that rounds to them by the steps of quality 50 alone: what a prior of symbols is trained on where
 * steps change with quality.
 */
function asSymbols(
  model: Model,
  layout: ModulationLayout,
  symbols: Int32Array,
  quality: number,
): Float32Array {
  return dequantise(layout, symbols, stepsAt(model.steps, quality));
}

/** Qualities that coded symbols are chosen at, in turn: those that the network was learnt for, about, where it changes with quality. */
function codedQualities({ slopes }: Model): number[] {
  const [lowest, highest] = slopes?.qualities ?? [35, 70];
  return [30, 35, 40, 45, 50, 55, 60, 65, 70, 75].filter((q) => q > lowest - 2.5 && q < highest + 2.5);
}

/** Qualities that signals are adapted at, in turn, where the network changes with quality. */
const adaptedQualities: readonly number[] = [10, 30, 40, 50, 60, 70, 85, 95];
/** Of fewer signals, each is taken again at up to so many of them. */
const fewSignals = 2048;
const mostTurns = 6;

/**
 * Every signal adapted by the learnt steps, for `coding` at one of `adaptedQualities` where that makes a difference; of an
 * effort above 1, every other group (with `codedOnly` every one) as the coder would code it at one of the coded qualities, so that the
 * priors know both kinds of symbols. Where the model codes with contexts already, these symbols are chosen by their costs: a second
 * training then learns what its own coder writes. Signals that are taken again are mirrored every second time, where the network
 * learnt from mirrored ones.
 */
async function adaptAll(
  model: Model,
  options: TrainPriorOptions,
  coding: boolean,
): Promise<NamedModulations> {
  const { engine, data: ref = '', split = 'train', limit, qualities, signal, onEvent } = options;
  const { effort = 1, codedOnly = false } = options;
  const prior = contextKind(model);
  const { data: dataset, close } = await openData(ref, split, openingForModel(model, options));
  try {
    const chosen = spread(dataset.length, limit);
    const total = chosen.length;
    const changing = coding && model.slopes !== undefined;
    const turns = options.turns ?? (changing ? Math.min(mostTurns, Math.ceil(fewSignals / total)) : 1);
    const tell = (event: JobEvent) => onEvent?.(event);
    tell({ type: 'start', job, total: turns * total, done: 0, unit: 'signals adapted' });
    const all: TrainingModulation[] = [];
    const kindsOfSymbols = effort > 1 && !codedOnly ? 2 : 1;
    const flips = flipsOf(model);
    let count = 0;
    for (let first = 0; first < total; first += defaultBatch) {
      const items = await Promise.all(
        chosen.slice(first, first + defaultBatch).map((index) => dataset.get(index)),
      );
      for (const item of items) checkFits(model, item);
      // The turns of a signal stand together, so that none of the last, held-out ones is learnt from.
      for (let turn = 0; turn < turns; turn++, count++) {
        if (signal?.aborted) throw new AbortedError();
        const isCoded = effort > 1 && count % kindsOfSymbols === kindsOfSymbols - 1;
        const cycle = qualities ?? (isCoded ? codedQualities(model) : changing ? adaptedQualities : []);
        const quality = cycle[Math.floor(count / kindsOfSymbols) % cycle.length];
        const isMirrored = Math.floor(turn / kindsOfSymbols) % 2 === 1;
        const signals = isMirrored ? items.map((item) => mirrored(item, flips)) : items;
        const request = { effort: isCoded ? effort : 1, prior, signal };
        all.push(...(await adapted(model, engine, signals, quality, request)));
        tell({ type: 'progress', job, done: all.length, total: turns * total, figures: {} });
      }
    }
    const source = { length: all.length, at: (index: number) => all[index]! };
    return { source, data: `${nameOfData(ref)}/${split}`, close: async () => undefined };
  } finally {
    close();
  }
}

/** With `quality` as the symbols of it, else as they are. */
async function adapted(
  model: Model,
  engine: Engine,
  signals: readonly Signal[],
  quality: number | undefined,
  request: Omit<FitRequest, 'quality'>,
): Promise<TrainingModulation[]> {
  const found: TrainingModulation[] = [];
  for (const group of groups(signals, defaultBatch)) {
    const layout = modulationLayout(model.card.spec, group[0]!.shape);
    const fits = await fitSignals(model, engine, group, { quality: quality ?? defaultQuality, ...request });
    for (const [k, { modulation, symbols }] of fits.entries()) {
      const { label } = group[k]!;
      if (quality === undefined) found.push({ modulation, layout, label });
      else {
        const chosen = symbols ?? quantise(layout, modulation, stepsOf(model, quality));
        found.push({ modulation: asSymbols(model, layout, chosen, quality), layout, quality, label });
      }
    }
  }
  return found;
}

/** Axes that training mirrored signals along. */
function flipsOf({ card }: Model): readonly number[] {
  const { recipe } = card.training;
  return typeof recipe === 'string' ? ((JSON.parse(recipe) as { flips?: number[] }).flips ?? []) : [];
}

function mirrored(signal: Signal, axes: readonly number[]): Signal {
  const values = signal.values.slice();
  for (const axis of axes) mirror(values, signal.shape, axis, signal.channels);
  return { ...signal, values };
}

/** Up to `limit` of `length` indices, evenly apart: neighbours in a data set are often parts or sizes of one picture. */
function spread(length: number, limit = length): number[] {
  const count = Math.min(limit, length);
  return Array.from({ length: count }, (_, k) => Math.floor(((k + 0.5) * length) / count));
}
