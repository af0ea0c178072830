/** Training the priors of a model on a functaset, or on a data set that is adapted first. */
import { rm } from 'node:fs/promises';
import { decodeFile } from '../../codec/index.ts';
import { openDataset } from '../../datasets/registry.ts';
import { type SymbolLayout, symbolLayout } from '../../prior/prior.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { priorKinds } from '../../prior/registry.ts';
import {
  type ModulationSource,
  type PriorFigure,
  type PriorTrainingEvent,
  type TrainingModulation,
  trainedKinds,
  trainPriors,
} from '../../prior/train/index.ts';
import { AbortedError, BadInputError, ConflictError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { ModelCard } from '../field/card.ts';
import { type Model, readModel, writeModel } from '../field/model.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import { priorKind, stepsOf } from './coding.ts';
import { openingFor } from './data.ts';
import { checkpointAt, writeWhole } from './files.ts';
import { fitSignals } from './fit.ts';
import { generativeKinds, loadModel } from './models.ts';
import { defaultBatch, defaultQuality, groups } from './session.ts';
import { openFunctasetOf } from './store.ts';
import { trainGenerative } from './train-generative.ts';
import type { PipelineEvent, TrainPriorOptions, TrainPriorResult } from './types.ts';
import { checkFits } from './values.ts';

const job = 'prior';

interface Modulations {
  readonly source: ModulationSource;
  /** What they are of, for a card. */
  readonly data: string;
  close(): Promise<void>;
}

/**
 * Trains priors and writes the model with them; those with files of their own are written beside it, and without others
 * the model file stays as it is. While it runs, the state of the autoregressive one is kept in `<out>.prior-checkpoint`: the
 * same call after a stop goes on from there. Throws BadInputError `one-source`, ConflictError `functaset-network`,
 * AbortedError, and what training and writing throw.
 */
export async function trainPrior(options: TrainPriorOptions): Promise<TrainPriorResult> {
  const { modelPath, out = modelPath, onEvent, signal } = options;
  const asked: readonly string[] = options.kinds ?? trainedKinds;
  const generative = generativeKinds.filter((kind) => asked.includes(kind));
  const kinds = asked.filter((name) => !generative.some((kind) => kind === name)).map(priorKind);
  if ((options.functaset === undefined) === (options.dataset === undefined)) {
    throw new BadInputError(
      'one-source',
      'priors are learnt from one functaset or one data set; give one of them',
    );
  }
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const model = await loadModel(modelPath);
  if (model.slopes !== undefined && kinds.length > 0 && generative.length > 0) {
    throw new BadInputError(
      'prior-kind',
      `the network of ${model.card.name} changes with quality: train ${generative.join(', ')} apart from ${kinds.join(', ')}`,
    );
  }
  const modulations = await open(model, options, kinds.length > 0);
  try {
    const files: string[] = [];
    for (const kind of generative) {
      const { source, data } = modulations;
      const settings = { trainingSteps: options.steps, seed: options.seed, threads: options.threads };
      const common = { model, modelPath: out, source, data, ...settings, onEvent, signal };
      files.push(await trainGenerative(kind, common));
    }
    if (kinds.length === 0) {
      onEvent?.({ type: 'end', job, done: files.length, seconds: seconds() });
      return { path: modelPath, model, files, bitsPerPoint: {}, seconds: seconds() };
    }
    const checkpoint = `${out}.prior-checkpoint`;
    let unit: string | undefined;
    const tell = (event: PriorTrainingEvent) => {
      const start = startOf(event);
      if (start !== undefined && start.unit !== unit) {
        unit = start.unit;
        onEvent?.({ type: 'start', job, done: 0, ...start });
      }
      onEvent?.(toPipelineEvent(event));
    };
    const { tensors, figures } = await trainPriors({
      modulations: modulations.source,
      spec: model.card.spec,
      steps: model.steps,
      kinds,
      seed: options.seed,
      trainingSteps: options.steps,
      position: !model.card.anySize,
      checkpoint: checkpointAt(checkpoint),
      signal,
      onEvent: tell,
    });
    const bitsPerPoint = perPoint(model, figures);
    const known = withPriors(model, tensors, kinds);
    const bytes = writeModel({
      card: { ...model.card, figures: { ...model.card.figures, ...cardFigures(model, figures) } },
      network: model.network,
      steps: model.steps,
      slopes: model.slopes,
      tensors: known,
    });
    await writeWhole(out, bytes);
    await rm(checkpoint, { force: true });
    onEvent?.({ type: 'end', job, done: figures.length, seconds: seconds() });
    return { path: out, model: readModel(bytes), files, bitsPerPoint, seconds: seconds() };
  } finally {
    await modulations.close();
  }
}

/** With `coding`, for priors of symbols. */
function open(model: Model, options: TrainPriorOptions, coding: boolean): Promise<Modulations> {
  return options.functaset === undefined
    ? adaptAll(model, options, coding)
    : openStore(model, options.functaset, options, coding);
}

/** Reads modulations as they are asked for; only their ids are in memory. */
async function openStore(
  model: Model,
  path: string,
  { limit }: TrainPriorOptions,
  coding: boolean,
): Promise<Modulations> {
  const store = await openFunctasetOf(model, path, { readOnly: true });
  const ids = [...store.summaries(limit === undefined ? {} : { limit })].map(({ id }) => id);
  const at = (index: number) => {
    const found = store.get(ids[index]!);
    if (found === undefined) {
      throw new ConflictError(
        'functaset-changed',
        `function ${ids[index]} of ${path} went away; train again`,
      );
    }
    const { modulation, shape, label, coded } = found;
    if (coding && model.slopes !== undefined && coded.length > 0) {
      const { symbols, quality } = decodeFile(model, coded);
      const layout = symbolLayout(model.card.spec, shape);
      return { modulation: asSymbols(model, layout, symbols, quality), layout, quality, label };
    }
    return { modulation, layout: symbolLayout(model.card.spec, shape), label };
  };
  const data = ids[0]?.split('/').slice(0, -1).join('/') ?? '';
  return { source: { length: ids.length, at }, data, close: () => store.close() };
}

/**
 * Symbols as the modulation that rounds to them by the steps of quality 50 alone: what a prior of symbols is trained on where
 * steps change with quality.
 */
function asSymbols(model: Model, layout: SymbolLayout, symbols: Int32Array, quality: number): Float32Array {
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
 * effort above 1, every other group as the coder would code it at one of the coded qualities, so that the priors know both kinds of
 * symbols. Where the model codes with contexts already, these symbols are chosen by their costs: a second training then learns
 * what its own coder writes.
 */
async function adaptAll(model: Model, options: TrainPriorOptions, coding: boolean): Promise<Modulations> {
  const {
    engine,
    dataset: name = '',
    split = 'train',
    limit,
    effort = 1,
    qualities,
    signal,
    onEvent,
  } = options;
  const { spec } = model.card;
  const prior = priorKinds(model).find((kind) => kind === 'autoregressive');
  const dataset = await openDataset(name, split, openingFor(spec.outputs, options));
  try {
    const total = Math.min(limit ?? dataset.length, dataset.length);
    const tell = (event: PipelineEvent) => onEvent?.(event);
    const changing = coding && model.slopes !== undefined;
    const rounds = changing ? Math.min(mostTurns, Math.ceil(fewSignals / total)) : 1;
    tell({ type: 'start', job, total: rounds * total, done: 0, unit: 'signals adapted' });
    const all: TrainingModulation[] = [];
    for (let turn = 0; turn < rounds * Math.ceil(total / defaultBatch); turn++) {
      // The rounds of a signal stand together, so that none of the last, held-out ones is learnt from.
      const i = Math.floor(turn / rounds) * defaultBatch;
      if (signal?.aborted) throw new AbortedError();
      const coded = effort > 1 && turn % 2 === 1;
      const cycle = qualities ?? (coded ? codedQualities(model) : changing ? adaptedQualities : []);
      const quality = cycle[(effort > 1 ? turn >> 1 : turn) % cycle.length];
      const indices = Array.from({ length: Math.min(defaultBatch, total - i) }, (_, k) => i + k);
      const signals = await Promise.all(indices.map((index) => dataset.get(index)));
      for (const item of signals) checkFits(model, item);
      for (const group of groups(signals, defaultBatch)) {
        const request = { quality: quality ?? defaultQuality, effort: coded ? effort : 1, prior, signal };
        const layout = symbolLayout(spec, group[0]!.shape);
        for (const [k, found] of (await fitSignals(model, engine, group, request)).entries()) {
          const { label } = group[k]!;
          if (quality === undefined) all.push({ modulation: found.modulation, layout, label });
          else {
            const symbols = found.symbols ?? quantise(layout, found.modulation, stepsOf(model, quality));
            all.push({ modulation: asSymbols(model, layout, symbols, quality), layout, quality, label });
          }
        }
      }
      tell({ type: 'progress', job, done: all.length, total: rounds * total, figures: {} });
    }
    const source = { length: all.length, at: (index: number) => all[index]! };
    return { source, data: `${name}/${split}`, close: async () => undefined };
  } finally {
    dataset.close();
  }
}

/** The model's tensors with those of the trained kinds replaced. */
function withPriors(
  model: Model,
  trained: ReadonlyMap<string, Tensor>,
  kinds: readonly string[],
): Map<string, Tensor> {
  const kept = [...model.tensors].filter(
    ([name]) => !kinds.some((kind) => name.startsWith(`prior.${kind}.`)),
  );
  return new Map([...kept, ...trained]);
}

/** Of a signal of the model's own shape, at the middle quality. */
function perPoint(model: Model, figures: readonly PriorFigure[]): Record<string, number> {
  const found = figures.filter(({ quality }) => quality === defaultQuality);
  return Object.fromEntries(
    found.map(({ kind, bitsPerSymbol }) => [kind, bitsPerSymbol * symbolsPerPoint(model)]),
  );
}

function symbolsPerPoint({ card }: Model): number {
  return modulationLength(card.spec, card.shape) / pointCount(card.shape);
}

function cardFigures(model: Model, figures: readonly PriorFigure[]): ModelCard['figures'] {
  return Object.fromEntries(
    figures.map(({ kind, quality, bitsPerSymbol }) => [
      `${kind}BitsPerPointAtQuality${quality}`,
      Math.round(bitsPerSymbol * symbolsPerPoint(model) * 1e4) / 1e4,
    ]),
  );
}

/** What the progress that this event belongs to counts. */
function startOf(event: PriorTrainingEvent): { readonly total: number; readonly unit: string } | undefined {
  if (event.type === 'counting') return { total: event.total, unit: 'signals counted' };
  return event.type === 'step' ? { total: event.steps, unit: 'steps' } : undefined;
}

function toPipelineEvent(event: PriorTrainingEvent): PipelineEvent {
  switch (event.type) {
    case 'counting':
      return { type: 'progress', job, done: event.done, total: event.total, figures: {} };
    case 'backend':
      return { type: 'note', job, message: `TensorFlow.js computes with its ${event.backend} backend` };
    case 'step': {
      const { step, steps, bitsPerSymbol } = event;
      return { type: 'progress', job, done: step, total: steps, figures: { bitsPerSymbol } };
    }
    case 'checkpoint':
      return { type: 'note', job, message: `state of step ${event.step} is kept` };
    case 'resumed':
      return { type: 'note', job, message: `goes on from step ${event.step}` };
    case 'figure': {
      const { kind, quality, bitsPerItem } = event;
      const message = `${kind} at quality ${quality}: ${(bitsPerItem / 8).toFixed(1)} bytes a held-out signal`;
      return { type: 'note', job, message };
    }
    default:
      return event satisfies never;
  }
}
