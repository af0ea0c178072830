/** Training of the priors of a model from modulations: the tensors to add to its file, and what they cost on held-out ones. */

import { AbortedError, BadInputError } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { openTensorFlow } from '../../src/engine/tfjs/backend.ts';
import type { FieldSpec } from '../../src/field/spec.ts';
import { makeBank, readBank } from '../bank.ts';
import { type ContextRecipe, defaultRecipe } from '../context.ts';
import { CostMeter } from '../cost.ts';
import { fitFactorized } from '../factorized.ts';
import { fitHistogram } from '../histogram.ts';
import type { PriorKind } from '../kinds.ts';
import { codingKinds } from '../kinds.ts';
import { quantise, stepsAt } from '../quantiser.ts';
import { readPrior } from '../registry.ts';
import { type ContextEvent, trainAutoregressive } from './autoregressive.ts';
import type { CheckpointPlace } from './checkpoint.ts';
import { countSymbols } from './counting.ts';
import { type ModulationSource, split } from './source.ts';

export type { CheckpointPlace } from './checkpoint.ts';
export { arraySource, type ModulationSource, type TrainingModulation } from './source.ts';

/** Cheapest first. */
export const trainedKinds: readonly PriorKind[] = codingKinds.toReversed();

export interface PriorTrainingOptions {
  /** The last twentieth (at most 500) is held out. */
  readonly modulations: ModulationSource;
  /** Of the network whose modulations they are. */
  readonly spec: FieldSpec;
  /** Quantiser steps of the model [channels], at quality 50. */
  readonly steps: Float32Array;
  /** Default: all. */
  readonly kinds?: readonly PriorKind[] | undefined;
  readonly seed?: number | undefined;
  /** Steps of Adam for the autoregressive prior; default 4000. */
  readonly trainingSteps?: number | undefined;
  /** Cells of each level a step; default 2048. */
  readonly batch?: number | undefined;
  /** Units of the hidden layers of its networks; default 128 and 64. */
  readonly hidden?: readonly number[] | undefined;
  /** Highest learning rate; default 5e-3. */
  readonly rate?: number | undefined;
  /** Contexts; default `defaultRecipe`, with the place in the grid when all modulations have one layout (`position`). */
  readonly recipe?: ContextRecipe | undefined;
  readonly position?: boolean | undefined;
  /** Threads of the functa backend of TensorFlow.js. */
  readonly threads?: number | undefined;
  readonly onEvent?: ((event: PriorTrainingEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** State of the autoregressive training: resumed from when there is one, saved now and then and on an abort. */
  readonly checkpoint?: CheckpointPlace | undefined;
}

export type PriorTrainingEvent =
  | { readonly type: 'counting'; readonly done: number; readonly total: number }
  | { readonly type: 'backend'; readonly backend: string }
  | ContextEvent
  | ({ readonly type: 'figure' } & PriorFigure);

export interface PriorFigure {
  readonly kind: PriorKind;
  readonly quality: number;
  /** Mean over all symbols of the held-out modulations. */
  readonly bitsPerSymbol: number;
  /** Mean bits of a held-out modulation. */
  readonly bitsPerItem: number;
}

export interface TrainedPriors {
  /** `prior.*`, to be added to the tensors of the model. */
  readonly tensors: Map<string, Tensor>;
  /** What held-out modulations cost, by the integer tables that a coder uses. */
  readonly figures: readonly PriorFigure[];
}

/** Qualities at which the held-out modulations are priced. */
export const figureQualities: readonly number[] = [30, 50, 70];

/**
 * Trains the priors asked for. The same modulations, settings and seed give the same tensors on one machine, whatever the
 * number of threads, and whether or not the run was stopped and resumed. Throws BadInputError for settings or modulations
 * that do not fit, AbortedError when told to stop.
 */
export async function trainPriors(options: PriorTrainingOptions): Promise<TrainedPriors> {
  const { modulations, spec, steps, onEvent, signal } = options;
  const kinds = trainedKinds.filter((kind) => (options.kinds ?? trainedKinds).includes(kind));
  const seed = options.seed ?? 0;
  checkOptions(options);
  const { training } = split(modulations.length);
  const tensors = makeBank();
  if (kinds.includes('histogram') || kinds.includes('factorized')) {
    const counts = await countSymbols({
      source: modulations,
      training,
      steps,
      seed,
      signal,
      onProgress: (done, total) => onEvent?.({ type: 'counting', done, total }),
    });
    if (kinds.includes('histogram')) add(tensors, fitHistogram(counts));
    if (kinds.includes('factorized')) add(tensors, fitFactorized(counts, readBank(tensors)));
  }
  if (kinds.includes('autoregressive')) {
    const { tf, backend } = await openTensorFlow({ threads: options.threads });
    onEvent?.({ type: 'backend', backend });
    const { tensors: found } = await trainAutoregressive(tf, {
      source: modulations,
      training,
      steps,
      recipe: options.recipe ?? defaultRecipe(spec.axes, options.position ?? false),
      hidden: options.hidden ?? [128, 64],
      trainingSteps: options.trainingSteps ?? 4000,
      batch: options.batch ?? 2048,
      rate: options.rate ?? 5e-3,
      seed,
      checkpoint: options.checkpoint,
      onEvent,
      signal,
    });
    add(tensors, found);
  }
  const figures: PriorFigure[] = [];
  for (const kind of kinds) {
    for (const figure of await priceHeldOut(options, training, tensors, kind)) {
      figures.push(figure);
      onEvent?.({ type: 'figure', ...figure });
    }
  }
  return { tensors, figures };
}

function add(to: Map<string, Tensor>, from: ReadonlyMap<string, Tensor>): void {
  for (const [name, tensor] of from) to.set(name, tensor);
}

function checkOptions({
  kinds,
  trainingSteps,
  batch,
  hidden,
  rate,
  spec,
  steps,
}: PriorTrainingOptions): void {
  for (const kind of kinds ?? []) {
    if (!trainedKinds.includes(kind)) {
      throw new BadInputError(
        'prior-kind',
        `no prior '${kind}' to train; one of: ${trainedKinds.join(', ')}`,
      );
    }
  }
  for (const [name, value] of [
    ['trainingSteps', trainingSteps],
    ['batch', batch],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw new BadInputError('prior-training', `${name} is a whole number from 1, not ${value}`);
    }
  }
  if (hidden && (hidden.length > 4 || hidden.some((n) => !Number.isInteger(n) || n < 1 || n > 1024))) {
    throw new BadInputError('prior-training', `up to 4 hidden layers of 1 to 1024 units, not [${hidden}]`);
  }
  if (rate !== undefined && !(rate > 0 && rate < 1))
    throw new BadInputError('prior-training', `rate is between 0 and 1, not ${rate}`);
  const channels = spec.levels.reduce((sum, level) => sum + level.channels, 0);
  if (steps.length !== channels || steps.some((step) => !(step > 0))) {
    throw new BadInputError(
      'prior-training',
      `${channels} quantiser steps above 0 are needed, one a channel`,
    );
  }
}

/** Modulations looked at for a figure at most. */
const mostPriced = 200;

async function priceHeldOut(
  options: PriorTrainingOptions,
  training: number,
  tensors: Map<string, Tensor>,
  kind: PriorKind,
) {
  const { modulations, spec, steps, signal } = options;
  const prior = readPrior({ network: { spec }, tensors: new Map(tensors) }, kind);
  const end = Math.min(modulations.length, training + mostPriced);
  const figures: PriorFigure[] = [];
  for (const quality of figureQualities) {
    const meter = new CostMeter();
    let symbols = 0;
    let items = 0;
    for (let i = training; i < end; i++) {
      if (signal?.aborted) throw new AbortedError('training of the priors stopped while pricing');
      const { modulation, layout, quality: own } = await modulations.at(i);
      if ((own ?? quality) !== quality) continue;
      items++;
      prior.walk(layout, quality, quantise(layout, modulation, stepsAt(steps, quality)), meter);
      symbols += layout.length;
    }
    if (items === 0) continue;
    figures.push({
      kind,
      quality,
      bitsPerSymbol: meter.bitCount / symbols,
      bitsPerItem: meter.bitCount / items,
    });
  }
  return figures;
}
