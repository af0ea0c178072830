/** Signals to modulations, with what a model file knows of its training. */
import type { Signal } from '../../datasets/signal.ts';
import { type PriorKind, symbolLayout } from '../../prior/prior.ts';
import { readPrior } from '../../prior/registry.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { modulationLength, totalChannels } from '../field/spec.ts';
import { adaptBatch, batchOf, gramDiagonal, type RateTerm, rateTerm, roundBatch } from '../learn/index.ts';
import { gradientsOf } from './effort.ts';
import { priceWith } from './price.ts';

/** Tensor of a model file: scale of the logistic of every channel, [channels], that training priced symbols with. */
export const scalesTensor = 'learn.scales';

/** Tensor of a model file: see `measureGram`, [channels]. */
export const gramTensor = 'learn.gram';

/**
 * Gradients that refining is worth at most. It counts bits by one logistic a channel, which takes rare symbols for dearer than contexts
 * make them: long refining silences channels that choosing symbols would have used.
 */
const refined = 4;

export interface FitRequest {
  readonly quality: number;
  readonly effort: number;
  /** Prior whose costs symbols are chosen by, above effort 1; default: what training priced them with. */
  readonly prior?: PriorKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was found for a signal. */
export interface Fitted {
  /** [m], before quantisation. */
  readonly modulation: Float32Array;
  /** [m], chosen for rate and error together; absent: each is the nearest. */
  readonly symbols: Int32Array | undefined;
}

/**
 * Fits signals of one shape together. Effort 1 is the inner loop of training and the nearest symbols: the same
 * modulations at every quality, unless the model changes with it. What is above it goes half into refining modulations, half (of
 * many gradients more) into choosing symbols, both weighing
 * bits against error as training did, bits of symbols being those that the prior charges; models that do not tell how
 * they were trained are refined for error alone.
 * What is found for a signal does not depend on the others, but for the last bits of an engine's sums.
 */
export async function fitSignals(
  anyQuality: Model,
  engine: Engine,
  signals: readonly Signal[],
  { quality, effort, prior: kind, signal }: FitRequest,
): Promise<Fitted[]> {
  const model = atQuality(anyQuality, quality);
  const { card, network } = model;
  const { innerSteps } = card.training;
  const extra = gradientsOf(innerSteps, effort) - innerSteps;
  const batch = batchOf(signals, card.spec.outputs, card.values);
  const rate = extra === 0 ? undefined : rateOf(model, batch, quality);
  const choosing = rate === undefined ? 0 : Math.max(Math.ceil(extra / 2), extra - refined);
  const { modulations } = await adaptBatch(engine, network, batch, {
    steps: innerSteps + extra - choosing,
    learntSteps: innerSteps,
    rate,
    signal,
  });
  const layout = symbolLayout(card.spec, batch.shape);
  const prior = kind && readPrior(anyQuality, kind);
  const price = prior && ((symbols: Int32Array) => priceWith(prior, layout, quality, symbols));
  const rounded =
    rate === undefined
      ? undefined
      : await roundBatch(engine, network, batch, modulations, {
          rate,
          turns: choosing + 1,
          gram: gramOf(model),
          price,
          signal,
        });
  const length = modulationLength(card.spec, batch.shape);
  return signals.map((_, i) => ({
    modulation: modulations.slice(i * length, (i + 1) * length),
    symbols: rounded?.symbols.slice(i * length, (i + 1) * length),
  }));
}

/** Adapted modulations that the diagonal is probed at, with one vector of random signs each. */
const probes = 32;

/**
 * The Gauss-Newton diagonal [channels] at adapted modulations [m] of the model's own shape, for its file: rounding needs it,
 * and from the file it is the same for every signal. At modulation zero it is another, by factors of up to ten.
 */
export async function measureGram(
  model: Model,
  engine: Engine,
  modulations: readonly Float32Array[],
): Promise<Float32Array> {
  const { card, network } = model;
  const length = modulationLength(card.spec, card.shape);
  const probed = modulations.filter((modulation) => modulation.length === length).slice(0, probes);
  const all = new Float32Array(probed.length * length);
  probed.forEach((modulation, i) => {
    all.set(modulation, i * length);
  });
  return Float32Array.from(await gramDiagonal(engine, network, card.shape, all, new Rng(0)));
}

/** Diagonal [channels] that rounding needs, from the file of the model at a quality. Absent: measured on the batch. */
export function gramOf(model: Model): ArrayLike<number> | undefined {
  const gram = model.tensors.get(gramTensor)?.data;
  return gram?.length === totalChannels(model.card.spec) ? gram : undefined;
}

/** What bits cost a batch, by the model at `quality`; absent for models that do not tell how they were trained. */
export function rateOf(
  model: Model,
  batch: Parameters<typeof rateTerm>[1],
  quality: number,
): RateTerm | undefined {
  const scales = model.tensors.get(scalesTensor);
  const { lambda, peak } = model.card.training;
  if (scales?.data.length !== totalChannels(model.card.spec) || lambda === 0) return undefined;
  const values = { ...model.card.values, peak: typeof peak === 'number' ? peak : 1 };
  return rateTerm({ lambda, values, steps: model.steps, scales: scales.data }, batch, quality);
}
