/**
 * Modulations from what an encoder predicts (predict.ts): one step of the search that counts bits and errors is effort 1, and those beyond it go on from there. One gradient
 * takes the place of the inner steps, which begin from zero.
 */
import { stoppable } from '../core/look.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { defaultQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import type { AdaptedBatch } from './adapt.ts';
import { predict } from './predict.ts';
import { FirstStep, type RateTerm, refineBatch } from './refine.ts';

/** Where the network does not change with quality, windows are fitted at 40, 60, ...: each serves ten qualities below it and nine above. */
const [middle, stride] = [40, 20];
/** Where it does not, all qualities begin with what is predicted at this one: it served every one of 38 to 68 (docs/adr/0084). */
const predictedAt = 60;

/** Gradients that refine what was predicted: more find nothing that the descent does not. */
const mostFurther = 2;

type Learnt = Pick<Model, 'encoder' | 'slopes'>;

/** The quality nearest to one that the encoder, or the network that changes, has learnt. */
export function learntQuality({ encoder, slopes }: Learnt, quality: number): number {
  const [lowest, highest] = slopes?.qualities ??
    encoder?.().card.qualities ?? [defaultQuality, defaultQuality];
  return Math.min(highest, Math.max(lowest, quality));
}

/** The quality whose fit by effort 1 serves another one, where each fit needs a gradient of its own: a signal that is tried at many is fitted at few. */
export function plainQuality(model: Learnt, quality: number): number {
  const within = learntQuality(model, quality);
  if (model.slopes !== undefined) return within;
  return learntQuality(model, middle + stride * Math.floor((within - middle) / stride + 0.5));
}

/** The quality at which a start is predicted that serves another one. */
export function startQuality(model: Learnt, quality: number): number {
  return learntQuality(model, model.slopes === undefined ? predictedAt : quality);
}

/** What effort 1 is fitted for. */
export interface PlainFit {
  /** At which its start is predicted. */
  readonly from: number;
  /** What bits cost; undefined for models that do not tell how they were trained. */
  readonly rate: RateTerm | undefined;
}

export interface PredictedOptions extends CallOptions {
  readonly plain: PlainFit;
  /** Gradients beyond effort 1. */
  readonly further: number;
  /** What bits cost these. */
  readonly rate: RateTerm | undefined;
}

/** Of `AdaptedBatch`, `learnt` is what effort 1 finds. */
export interface PredictedBatch extends AdaptedBatch {
  /** What leads to `learnt` of a signal, and to what effort 1 finds where bits cost something else. */
  firstOf(signal: number): FirstStep;
}

/** Undefined where the model has no encoder, or the batch has points that are missing. `model` is that of the quality. */
export async function adaptPredicted(
  model: Model,
  engine: Engine,
  batch: Batch,
  { plain, further, rate, signal }: PredictedOptions,
): Promise<PredictedBatch | undefined> {
  const { encoder, network, card } = model;
  if (encoder === undefined) return undefined;
  const start = stoppable(signal, () => predict(encoder(), engine, card.spec, batch, plain.from));
  if (start === undefined) return undefined;
  const { gradient } = await engine.gradient(network, batch, start, { signal });
  const first = new FirstStep(network, modulationLayout(network.spec, batch.shape), start, gradient);
  const learnt = first.at(plain.rate);
  const firstOf = (i: number) => (batch.count === 1 ? first : first.of(i));
  if (further === 0) return { modulations: learnt, learnt, firstOf };
  const turns = 1 + (rate === undefined ? further : Math.min(further, mostFurther));
  const { modulations } = await refineBatch(engine, network, batch, learnt, { turns, rate, signal });
  return { modulations, learnt, firstOf };
}
