/** Signals to modulations, with what a model file knows of its training. */

import { type PriorKind, symbolLayout } from '../../prior/prior.ts';
import { readPrior } from '../../prior/registry.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { modulationLength, totalChannels } from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import { isPicture } from '../signal/values.ts';
import { adaptBatch, rateTerm } from './adapt.ts';
import { batchOf } from './batch.ts';
import { workOf } from './effort.ts';
import { loneNats } from './lone.ts';
import { priceWith } from './price.ts';
import type { RateTerm } from './refine.ts';
import { roundBatch } from './round.ts';

/** Tensor of a model file: scale of the logistic of every channel, [channels], that training priced symbols with. */
export const scalesTensor = 'learn.scales';

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
  /** [m]: what effort 1 finds. */
  readonly plain: Float32Array;
}

/**
 * Fits signals of one shape together. Effort 1 is the inner loop of training and the nearest symbols: the same
 * modulations at every quality, unless the model changes with it. Efforts above it refine modulations a little, by bits of one logistic a
 * channel, then choose symbols by the bits that the prior charges, both weighing bits against error as training did. Models that do not
 * tell how they were trained are refined for error alone.
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
  const work = workOf(effort);
  const batch = batchOf(signals, card.spec.outputs, card.values);
  const rate = work.turns === 0 ? undefined : rateOf(model, batch, quality);
  // Without a rate to weigh against it, all work goes into error.
  const steps = innerSteps + work.gradients + (rate === undefined ? work.turns + work.moves : 0);
  const { modulations, learnt } = await adaptBatch(engine, network, batch, {
    steps,
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
          turns: work.turns + 1,
          moves: work.moves,
          price,
          loneNats,
          bounds: boundsOf(card),
          signal,
        });
  const length = modulationLength(card.spec, batch.shape);
  // One signal has all there is: a copy of a large one would be a burden.
  const cut = (of: Float32Array, i: number) =>
    signals.length === 1 ? of : of.slice(i * length, (i + 1) * length);
  return signals.map((_, i) => {
    const modulation = cut(modulations, i);
    return {
      modulation,
      symbols: rounded?.symbols.slice(i * length, (i + 1) * length),
      plain: learnt === modulations ? modulation : cut(learnt, i),
    };
  });
}

/** Field values where samples of pictures end: what is beyond is decoded as these. */
function boundsOf(card: ModelCard): readonly [number, number] | undefined {
  const { offset, scale } = card.values;
  return isPicture(card) && scale > 0 ? [-offset / scale, (1 - offset) / scale] : undefined;
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
