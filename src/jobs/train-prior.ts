/** Training the priors of a model on a functaset, or on a data set that is adapted first. */

import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type GenerativeKind, generativeKinds, type PriorKind } from '../../prior/kinds.ts';
import {
  type PriorFigure,
  type PriorTrainingEvent,
  trainedKinds,
  trainPriors,
} from '../../prior/train/index.ts';
import { check } from '../core/check.ts';
import { BadInputError, ConflictError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkFree, writeWhole } from '../disk/whole.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { ModelCard } from '../field/card.ts';
import { type Model, readModel, writeModel } from '../field/model.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import { generativePath } from '../models/generative.ts';
import { loadModel } from '../models/models.ts';
import { priorKind, priorsOf } from '../models/priors.ts';
import { optionsOfPrior } from './arguments.ts';
import { checkpointAt } from './files.ts';
import { openModulations } from './prior-data.ts';
import { trainGenerative } from './train-generative.ts';
import type { JobEvent, TrainPriorOptions, TrainPriorResult } from './types.ts';

const job = 'prior';

/**
 * Trains priors and writes the model with them; those with files of their own are written beside it, and without others
 * the model file stays as it is. While it runs, the state of the autoregressive one is kept in `<out>.prior-checkpoint`: the
 * same call after a stop goes on from there. Throws BadInputError `one-source`, ConflictError `functaset-network`, `prior-exists`
 * or `output-exists`, AbortedError, and what training and writing throw.
 *
 * @example
 * await trainPrior({ data, engine, modelPath, out: 'with-prior.safetensors', kinds: ['histogram'], replace: true });
 */
export async function trainPrior(options: TrainPriorOptions): Promise<TrainPriorResult> {
  check('trainPrior', optionsOfPrior(options, 'options'));
  const { modelPath, out = modelPath, replace = false, onEvent, signal } = options;
  const asked: readonly string[] = options.kinds ?? trainedKinds;
  const generative = generativeKinds.filter((kind) => asked.includes(kind));
  const kinds = asked.filter((name) => !generative.some((kind) => kind === name)).map(priorKind);
  if (options.goOn && kinds.length > 0) {
    throw new BadInputError(
      'prior-training',
      `priors that code are always trained from the start: ${kinds.join(', ')}`,
    );
  }
  if ((options.functaset === undefined) === (options.data === undefined)) {
    throw new BadInputError(
      'one-source',
      'priors are learnt from one functaset or one data set; give one of them',
    );
  }
  const inPlace = resolve(out) === resolve(modelPath);
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const model = await loadModel(modelPath);
  if (model.slopes !== undefined && kinds.length > 0 && generative.length > 0) {
    throw new BadInputError(
      'prior-kind',
      `the network of ${model.card.name} changes with quality: train ${generative.join(', ')} apart from ${kinds.join(', ')}`,
    );
  }
  if (!replace) await checkReplaced(model, { modelPath, out, kinds, generative });
  const modulations = await openModulations(model, options, kinds.length > 0);
  try {
    const files: string[] = [];
    for (const kind of generative) {
      const { source, data } = modulations;
      const { steps: trainingSteps, width, blocks, parts, noise, batch, seed, threads } = options;
      const settings = { trainingSteps, width, blocks, parts, noise, batch, seed, threads };
      const goOnFrom = options.goOn ? modelPath : undefined;
      const common = { model, modelPath: out, source, data, replace, goOnFrom, ...settings, onEvent, signal };
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
      onEvent?.(toJobEvent(event));
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
    await writeWhole(out, bytes, { replace: replace || inPlace });
    await rm(checkpoint, { force: true });
    onEvent?.({ type: 'end', job, done: figures.length, seconds: seconds() });
    return { path: out, model: readModel(bytes), files, bitsPerPoint, seconds: seconds() };
  } finally {
    await modulations.close();
  }
}

/** Throws ConflictError `prior-exists` or `output-exists` where what is trained would take the place of something. */
async function checkReplaced(
  model: Model,
  {
    modelPath,
    out,
    kinds,
    generative,
  }: {
    readonly modelPath: string;
    readonly out: string;
    readonly kinds: readonly PriorKind[];
    readonly generative: readonly GenerativeKind[];
  },
): Promise<void> {
  for (const kind of generative) await checkFree(generativePath(out, kind), { replace: false });
  if (kinds.length === 0) return;
  if (resolve(out) !== resolve(modelPath)) return checkFree(out, { replace: false });
  const there = priorsOf(model).filter((kind) => kinds.includes(kind));
  if (there.length === 0) return;
  throw new ConflictError(
    'prior-exists',
    `${modelPath} has ${there.join(', ')} already; choose another file with --output, or --force to replace them`,
  );
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
  if (event.type === 'counting') return { total: event.total, unit: 'symbols counted' };
  return event.type === 'step' ? { total: event.steps, unit: 'autoregressive steps' } : undefined;
}

function toJobEvent(event: PriorTrainingEvent): JobEvent {
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
