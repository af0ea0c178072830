/** Signals to modulations, with what a model file knows of its training. */

import type { PriorKind } from '../../prior/kinds.ts';
import { readPrior } from '../../prior/registry.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { totalChannels } from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import { weightsOf } from '../signal/weights.ts';
import { rateTermOf } from './adapt.ts';
import { learntQuality, plainQuality, startQuality } from './adapt-predicted.ts';
import { batchOf, type Mass, massOf } from './batch.ts';
import { BatchFit, type Fitted } from './batch-fit.ts';
import type { RateTerm } from './refine.ts';
import { trainedPeak } from './trade.ts';
import { WindowedFit } from './windowed.ts';
import { fitWindows, type WindowSizes } from './windows.ts';

/** Tensor of a model file: scale of the logistic of every channel, [channels], that training priced symbols with. */
export const scalesTensor = 'learn.scales';

export interface FitRequest {
  readonly quality: number;
  readonly effort: number;
  /** Prior whose costs symbols are chosen by, above effort 1; default: what training priced them with. */
  readonly prior?: PriorKind | undefined;
  /** Default: those of windows.ts. */
  readonly windows?: WindowSizes | undefined;
  /** Nothing is asked but symbols of this quality: of what is fitted in windows effort 1 holds these alone, too. */
  readonly symbolsAlone?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type { Fitted };

/** A fit of signals of one shape that can go on to higher efforts. */
export interface Fit {
  /** Whether it can go on to an effort. */
  canReach(effort: number): boolean;
  /** Goes on to an effort that it can reach; no further where symbols are not chosen. */
  reach(effort: number, signal: AbortSignal | undefined): Promise<void>;
  /** What was found for each signal. */
  found(): Fitted[];
}

/**
 * Fits signals of one shape together. Effort 1 is the inner loop of training and the nearest symbols: the same
 * modulations at every quality, unless the model changes with it. Efforts above it refine modulations a little, by bits of one logistic a
 * channel, then choose symbols by the bits that the prior charges, both weighing bits against error as training did. Models that do not
 * tell how they were trained are refined for error alone. Large signals are fitted in windows (windows.ts).
 * What is found for a signal does not depend on the others, but for the last bits of an engine's sums.
 */
export async function fitSignals(
  model: Model,
  engine: Engine,
  signals: readonly Signal[],
  request: FitRequest,
): Promise<Fitted[]> {
  const fit = await beginFit(model, engine, signals, request);
  await fit.reach(request.effort, request.signal);
  return fit.found();
}

/** Fits up to the effort asked for, or the last that does without moves; models that do not tell how they were trained up to the effort. */
export async function beginFit(
  anyQuality: Model,
  engine: Engine,
  signals: readonly Signal[],
  { quality, effort, prior: kind, windows: sizes, symbolsAlone, signal }: FitRequest,
): Promise<Fit> {
  const model = atQuality(anyQuality, quality);
  const prior = kind && readPrior(anyQuality, kind);
  const { card } = model;
  const windows = signals[0] && fitWindows(card.spec, signals[0].shape, sizes);
  if (windows !== undefined) {
    const rateFor = (mass: Mass, at: number) => rateOfMass(model, mass, at);
    const weighed = signals.map((one) => ({ signal: one, weights: weightsOf(card, one) }));
    return WindowedFit.begin(model, engine, weighed, windows, {
      ...{ quality, effort, plain: plainQuality(anyQuality, quality), rateFor, prior, symbolsAlone, signal },
    });
  }
  const batch = batchFor(card, signals);
  const rate = rateOf(model, batch, quality);
  const rateAt = (at: number) => rateOf(model, batch, learntQuality(anyQuality, at));
  const plain = { from: startQuality(anyQuality, quality), rate: rateAt(quality) };
  return BatchFit.begin(model, engine, batch, {
    ...{ quality, effort, rate, plain, prior, signal },
    rateAt: anyQuality.slopes === undefined ? rateAt : undefined,
  });
}

/** Signals of one shape with their weights, in the units of a model's field. */
export function batchFor(card: ModelCard, signals: readonly Signal[]): Batch {
  const weighed = signals.map((one) => ({ ...one, weights: weightsOf(card, one) }));
  return batchOf(weighed, card.spec.outputs, card.outputs);
}

/** Whether a model tells how it was trained, so that symbols can be chosen by bits and error. */
export function choosesSymbols({ tensors, card }: Model): boolean {
  return tensors.get(scalesTensor)?.data.length === totalChannels(card.spec) && card.training.lambda !== 0;
}

/** What bits cost a batch, by the model at `quality`; absent for models that do not tell how they were trained. */
export function rateOf(
  model: Model,
  batch: Parameters<typeof massOf>[0],
  quality: number,
): RateTerm | undefined {
  return rateOfMass(model, massOf(batch), quality);
}

function rateOfMass(model: Model, mass: Mass, quality: number): RateTerm | undefined {
  if (!choosesSymbols(model)) return undefined;
  const scales = model.tensors.get(scalesTensor)!;
  const { card } = model;
  const { lambda } = card.training;
  // The mean over outputs of what an error in field units is of the peak.
  const squares = card.outputs.map((output) => (output.scale / trainedPeak(card, output)) ** 2);
  const scale = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  const values = { offset: 0, scale, peak: 1 };
  return rateTermOf({ lambda, values, steps: model.steps, scales: scales.data }, mass, quality);
}
