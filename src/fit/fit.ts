/** Signals to modulations, with what a model file knows of its training. */

import type { PriorKind } from '../../prior/kinds.ts';
import { symbolLayout } from '../../prior/prior.ts';
import { readPrior } from '../../prior/registry.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { sampleTypeOf, sharedRange } from '../field/outputs.ts';
import { type BaseNetwork, modulationLength, totalChannels } from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import { weightsOf } from '../signal/weights.ts';
import { type AdaptedBatch, adaptBatch, rateTerm } from './adapt.ts';
import { batchOf } from './batch.ts';
import { lastDescent, workOf } from './effort.ts';
import { loneNats } from './lone.ts';
import { priceWith } from './price.ts';
import type { RateTerm } from './refine.ts';
import { moveOn, type Rounded, roundBatch } from './round.ts';
import { trainedPeak } from './trade.ts';

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
  /** [m] of efforts 2, 3, ... up to the one reached, each found on the way to the next; empty where symbols are not chosen. */
  readonly stages: readonly Int32Array[];
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
  model: Model,
  engine: Engine,
  signals: readonly Signal[],
  request: FitRequest,
): Promise<Fitted[]> {
  const fit = await Fit.begin(model, engine, signals, request);
  await fit.reach(request.effort, request.signal);
  return fit.found();
}

/** A fit of signals of one shape that can go on to higher efforts. */
export class Fit {
  readonly #engine: Engine;
  readonly #network: BaseNetwork;
  readonly #batch: Batch;
  readonly #length: number;
  readonly #adapted: AdaptedBatch;
  /** Absent where symbols are not chosen. */
  #rounded: Rounded | undefined;
  readonly #stages: Int32Array[];

  private constructor(
    engine: Engine,
    model: Model,
    batch: Batch,
    found: { readonly adapted: AdaptedBatch; readonly rounded: Rounded | undefined },
  ) {
    this.#engine = engine;
    this.#network = model.network;
    this.#batch = batch;
    this.#length = modulationLength(model.card.spec, batch.shape);
    this.#adapted = found.adapted;
    this.#rounded = found.rounded;
    this.#stages = found.rounded === undefined ? [] : [...found.rounded.passed, found.rounded.symbols];
  }

  /** Fits up to the effort asked for, or the last that does without moves; models that do not tell how they were trained up to the effort. */
  static async begin(
    anyQuality: Model,
    engine: Engine,
    signals: readonly Signal[],
    { quality, effort, prior: kind, signal }: FitRequest,
  ): Promise<Fit> {
    const model = atQuality(anyQuality, quality);
    const { card, network } = model;
    const { innerSteps } = card.training;
    const work = workOf(effort);
    const weighed = signals.map((one) => ({ ...one, weights: weightsOf(card, one) }));
    const batch = batchOf(weighed, card.spec.outputs, card.outputs);
    const rate = work.turns === 0 ? undefined : rateOf(model, batch, quality);
    // Without a rate to weigh against it, all work goes into error.
    const steps = innerSteps + work.gradients + (rate === undefined ? work.turns + work.moves : 0);
    const adapted = await adaptBatch(engine, network, batch, {
      steps,
      learntSteps: innerSteps,
      rate,
      signal,
    });
    if (rate === undefined) return new Fit(engine, model, batch, { adapted, rounded: undefined });
    const layout = symbolLayout(card.spec, batch.shape);
    const prior = kind && readPrior(anyQuality, kind);
    const turns = effortsUpTo(Math.min(effort, lastDescent)).map((own) => workOf(own).turns + 1);
    const rounded = await roundBatch(engine, network, batch, adapted.modulations, {
      rate,
      turns: turns.at(-1)!,
      passing: turns.slice(0, -1),
      price: prior && ((symbols) => priceWith(prior, layout, quality, symbols)),
      loneNats: isSeen(card) ? loneNats : 0,
      bounds: boundsOf(card),
      signal,
    });
    return new Fit(engine, model, batch, { adapted, rounded });
  }

  /** The effort whose symbols were found last; 1 where symbols are not chosen. */
  get reached(): number {
    return this.#stages.length + 1;
  }

  /** Whether it can go on to an effort: turns of a descent are not gone on with. */
  canReach(effort: number): boolean {
    return this.reached >= Math.min(effort, lastDescent);
  }

  /** Goes on to an effort that it can reach; no further where symbols are not chosen. */
  async reach(effort: number, signal: AbortSignal | undefined): Promise<void> {
    while (this.#rounded !== undefined && this.reached < effort) {
      const moves = workOf(this.reached + 1).moves - workOf(this.reached).moves;
      const call = { moves, signal };
      this.#rounded = await moveOn(this.#engine, this.#network, this.#batch, this.#rounded, call);
      this.#stages.push(this.#rounded.symbols);
    }
  }

  /** What was found for each signal. */
  found(): Fitted[] {
    const { modulations, learnt } = this.#adapted;
    return Array.from({ length: this.#batch.count }, (_, i) => {
      const modulation = this.#cut(modulations, i);
      const stages = this.#stages.map((symbols) => this.#cut(symbols, i));
      const plain = learnt === modulations ? modulation : this.#cut(learnt, i);
      return { modulation, symbols: stages.at(-1), stages, plain };
    });
  }

  /** One signal has all there is: a copy of a large one would be a burden. */
  #cut<T extends Float32Array | Int32Array>(of: T, i: number): T {
    if (this.#batch.count === 1) return of;
    return of.slice(i * this.#length, (i + 1) * this.#length) as T;
  }
}

function effortsUpTo(effort: number): number[] {
  return Array.from({ length: effort - 1 }, (_, i) => i + 2);
}

/** Whether signals are for the eye: those of 8 bits and two axes are. */
function isSeen({ outputs, spec }: ModelCard): boolean {
  return spec.axes === 2 && sampleTypeOf(outputs) === 'uint8';
}

/** Field values where whole samples end, if the outputs have one range: what is beyond is decoded as these. */
function boundsOf({ outputs }: ModelCard): readonly [number, number] | undefined {
  const [first] = outputs;
  const isShared = outputs.every(({ low, peak }) => low === first?.low && peak === first.peak);
  const range = isShared && sampleTypeOf(outputs) !== 'float32' ? sharedRange(outputs) : undefined;
  if (first === undefined || range === undefined || range.scale < 0) return undefined;
  return [(first.low - range.offset) / range.scale, (first.low + first.peak - range.offset) / range.scale];
}

/** Whether a model tells how it was trained, so that symbols can be chosen by bits and error. */
export function choosesSymbols({ tensors, card }: Model): boolean {
  return tensors.get(scalesTensor)?.data.length === totalChannels(card.spec) && card.training.lambda !== 0;
}

/** What bits cost a batch, by the model at `quality`; absent for models that do not tell how they were trained. */
export function rateOf(
  model: Model,
  batch: Parameters<typeof rateTerm>[1],
  quality: number,
): RateTerm | undefined {
  if (!choosesSymbols(model)) return undefined;
  const scales = model.tensors.get(scalesTensor)!;
  const { card } = model;
  const { lambda } = card.training;
  // The mean over outputs of what an error in field units is of the peak.
  const squares = card.outputs.map((output) => (output.scale / trainedPeak(card, output)) ** 2);
  const scale = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  const values = { offset: 0, scale, peak: 1 };
  return rateTerm({ lambda, values, steps: model.steps, scales: scales.data }, batch, quality);
}
