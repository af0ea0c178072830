/**
 * Modulations from what an encoder predicts (predict.ts): one step of the search that counts bits and errors is effort 1, and those beyond it go on from there. One gradient
 * takes the place of the inner steps, which begin from zero.
 */
import { stoppable } from '../core/look.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import type { AdaptedBatch } from './adapt.ts';
import { predict } from './predict.ts';
import { type RateTerm, refineBatch, stepBatch } from './refine.ts';

/** Where the network does not change with quality, effort 1 is fitted at 40, 60, ...: each serves ten qualities below it and nine above. */
const [middle, stride] = [40, 20];

/** Gradients that refine what was predicted: more find nothing that the descent does not. */
const mostFurther = 2;

/** The quality whose fit by effort 1 serves another one: a signal that is tried at many is fitted at few. */
export function plainQuality(
  { encoder, slopes }: Pick<Model, 'encoder' | 'slopes'>,
  quality: number,
): number {
  const [lowest, highest] = slopes?.qualities ??
    encoder?.().card.qualities ?? [defaultQuality, defaultQuality];
  const within = Math.min(highest, Math.max(lowest, quality));
  if (slopes !== undefined) return within;
  const nearest = middle + stride * Math.floor((within - middle) / stride + 0.5);
  return Math.min(highest, Math.max(lowest, nearest));
}

/** What effort 1 is fitted for. */
export interface PlainFit {
  /** `plainQuality`. */
  readonly quality: number;
  /** What bits cost there; undefined for models that do not tell how they were trained. */
  readonly rate: RateTerm | undefined;
}

export interface PredictedOptions extends CallOptions {
  readonly plain: PlainFit;
  /** Gradients beyond effort 1. */
  readonly further: number;
  /** What bits cost these. */
  readonly rate: RateTerm | undefined;
}

/** Undefined where the model has no encoder, or the batch has points that are missing. `model` is that of the quality. */
export async function adaptPredicted(
  model: Model,
  engine: Engine,
  batch: Batch,
  { plain, further, rate, signal }: PredictedOptions,
): Promise<AdaptedBatch | undefined> {
  const { encoder, network, card } = model;
  if (encoder === undefined) return undefined;
  const start = stoppable(signal, () => predict(encoder(), engine, card.spec, batch, plain.quality));
  if (start === undefined) return undefined;
  const learnt = await stepBatch(engine, network, batch, start, { rate: plain.rate, signal });
  if (further === 0) return { modulations: learnt, learnt };
  const turns = 1 + (rate === undefined ? further : Math.min(further, mostFurther));
  const { modulations } = await refineBatch(engine, network, batch, learnt, { turns, rate, signal });
  return { modulations, learnt };
}
