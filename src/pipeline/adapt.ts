/** Signals to modulations, with what a model file knows of its training. */
import type { Signal } from '../../datasets/signal.ts';
import { BadInputError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import { modulationLength, totalChannels } from '../field/spec.ts';
import { adaptBatch, batchOf, type RateTerm, rateTerm } from '../learn/index.ts';

export const maxEffort = 100;

/** Tensor of a model file: scale of the logistic of every channel, [channels], that training priced symbols with. */
export const scalesTensor = 'learn.scales';

export interface AdaptRequest {
  readonly quality: number;
  readonly effort: number;
  readonly signal?: AbortSignal | undefined;
}

/** Inner steps of an effort: 1 is those of training, n is n times as many. Throws BadInputError `bad-effort`. */
export function stepsOf(model: Model, effort: number): number {
  if (!Number.isInteger(effort) || effort < 1 || effort > maxEffort) {
    throw new BadInputError('bad-effort', `effort is a whole number from 1 to ${maxEffort}, not ${effort}`);
  }
  return model.card.training.innerSteps * effort;
}

/**
 * Modulations [m] of signals of one shape, adapted together. Steps beyond those of training weigh bits against
 * error as training did, for models that tell what it did; effort 1 gives the same at every quality.
 */
export async function adaptSignals(
  model: Model,
  engine: Engine,
  signals: readonly Signal[],
  { quality, effort, signal }: AdaptRequest,
): Promise<Float32Array[]> {
  const { card, network } = model;
  const batch = batchOf(signals, card.spec.outputs, card.values);
  const { modulations } = await adaptBatch(engine, network, batch, {
    steps: stepsOf(model, effort),
    learntSteps: card.training.innerSteps,
    rate: effort === 1 ? undefined : rateOf(model, batch, quality),
    signal,
  });
  const length = modulationLength(card.spec, batch.shape);
  return signals.map((_, i) => modulations.slice(i * length, (i + 1) * length));
}

function rateOf(model: Model, batch: Parameters<typeof rateTerm>[1], quality: number): RateTerm | undefined {
  const scales = model.tensors.get(scalesTensor);
  const { lambda, peak } = model.card.training;
  if (scales?.data.length !== totalChannels(model.card.spec) || lambda === 0) return undefined;
  const values = { ...model.card.values, peak: typeof peak === 'number' ? peak : 1 };
  return rateTerm({ lambda, values, steps: model.steps, scales: scales.data }, batch, quality);
}
