/** A batch to modulations and symbols, effort after effort. */

import type { EntropyPrior, Symbols } from '../../prior/prior.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import type { ModelCard } from '../field/card.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { sampleTypeOf, sharedRange } from '../field/outputs.ts';
import { type BaseNetwork, modulationLength } from '../field/spec.ts';
import type { Box } from '../signal/box.ts';
import { type AdaptedBatch, adaptBatch } from './adapt.ts';
import { adaptPredicted, type PlainFit, type PredictedBatch } from './adapt-predicted.ts';
import { lastDescent, workOf } from './effort.ts';
import { isSeen, loneNats } from './lone.ts';
import { priceWith } from './price.ts';
import type { RateTerm } from './refine.ts';
import { moveOn, type Rounded, roundBatch } from './round.ts';

/** What was found for a signal. What is said of a large one may be made anew whenever it is read: read it once, and drop it. */
export interface Fitted {
  /** [m], before quantisation; of a signal of which windows kept symbols alone what these stand for. */
  readonly modulation: Float32Array;
  /** [m], chosen for rate and error together; absent: each is the nearest. */
  readonly symbols: Int32Array | undefined;
  /** [m]: what effort 1 finds; of a signal of which windows kept symbols alone what the nearest stand for. */
  readonly plain: Float32Array;
  /** The efforts whose symbols were chosen, on the way to the one reached. */
  readonly efforts: readonly number[];
  /** [m]: those of one of them; of effort 1 the nearest to `plain`, where they are known already. */
  symbolsOf(effort: number): Int32Array | undefined;
  /** Those of a box that starts where cells of every level do, as of a signal of its shape; absent where all are held in one array. */
  symbolsIn?(effort: number, box: Box): Int32Array;
  /** `symbolsOf` as they are held; not to be changed. Absent as `symbolsIn`. */
  heldSymbols?(effort: number): Symbols;
  /** What effort 1 finds at another quality, from the gradient of this fit; absent where that takes a fit of its own. */
  plainAt?(quality: number): Fitted;
}

/** What bits cost at a quality, for a network that does not change with it. */
export type RateAt = (quality: number) => RateTerm | undefined;

export interface BatchFitOptions {
  readonly quality: number;
  readonly effort: number;
  /** What bits cost; absent for models whose symbols are not chosen. */
  readonly rate: RateTerm | undefined;
  /** What effort 1 of a model with an encoder is fitted for. */
  readonly plain: PlainFit;
  /** Absent where what effort 1 finds serves one quality alone. */
  readonly rateAt?: RateAt | undefined;
  /** Whose costs symbols are chosen by; default: the logistics of `rate`. */
  readonly prior?: EntropyPrior | undefined;
  /** Channels whose symbols may be other than 0; default: those that signals of the batch's shape use at all. */
  readonly channels?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A fit of signals of one shape that can go on to higher efforts. */
export class BatchFit {
  readonly #engine: Engine;
  readonly #network: BaseNetwork;
  readonly #batch: Batch;
  readonly #length: number;
  readonly #adapted: AdaptedBatch;
  /** Of a signal; absent where what effort 1 finds serves one quality alone. */
  readonly #plainAt: ((signal: number) => (quality: number) => Float32Array) | undefined;
  /** Absent where symbols are not chosen. */
  #rounded: Rounded | undefined;
  readonly #stages: Int32Array[];

  private constructor(
    engine: Engine,
    network: BaseNetwork,
    batch: Batch,
    found: {
      readonly adapted: AdaptedBatch | PredictedBatch;
      readonly rounded: Rounded | undefined;
      readonly rateAt: RateAt | undefined;
    },
  ) {
    this.#engine = engine;
    this.#network = network;
    this.#batch = batch;
    this.#length = modulationLength(network.spec, batch.shape);
    const { adapted, rateAt } = found;
    this.#adapted = adapted;
    if ('firstOf' in adapted && rateAt !== undefined)
      this.#plainAt = (i) => {
        const first = adapted.firstOf(i);
        return (quality) => first.at(rateAt(quality));
      };
    this.#rounded = found.rounded;
    this.#stages = found.rounded === undefined ? [] : [...found.rounded.passed, found.rounded.symbols];
  }

  /**
   * Fits up to the effort asked for, or the last that does without moves; without a rate up to the effort. `model` is that of the quality
   * (`atQuality`).
   */
  static async begin(
    model: Model,
    engine: Engine,
    batch: Batch,
    { quality, effort, rate, plain, rateAt, prior, channels, signal }: BatchFitOptions,
  ): Promise<BatchFit> {
    const { card, network } = model;
    const { innerSteps } = card.training;
    const work = workOf(effort);
    const choosing = work.turns === 0 ? undefined : rate;
    // Without a rate to weigh against it, all work goes into error.
    const further = work.gradients + (choosing === undefined ? work.turns + work.moves : 0);
    const adapted =
      (await adaptPredicted(model, engine, batch, { plain, further, rate: choosing, signal })) ??
      (await adaptBatch(engine, network, batch, {
        steps: innerSteps + further,
        learntSteps: innerSteps,
        rate: choosing,
        signal,
      }));
    if (choosing === undefined)
      return new BatchFit(engine, network, batch, { adapted, rounded: undefined, rateAt });
    const layout = modulationLayout(card.spec, batch.shape);
    const turns = effortsUpTo(Math.min(effort, lastDescent)).map((own) => workOf(own).turns + 1);
    const rounded = await roundBatch(engine, network, batch, adapted.modulations, {
      rate: choosing,
      turns: turns.at(-1)!,
      passing: turns.slice(0, -1),
      price: prior && ((symbols) => priceWith(prior, layout, quality, symbols)),
      loneNats: isSeen(card) ? loneNats : 0,
      bounds: boundsOf(card),
      channels,
      signal,
    });
    return new BatchFit(engine, network, batch, { adapted, rounded, rateAt });
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
      const efforts = stages.map((_, k) => k + 2);
      const symbolsOf = (effort: number) => stages[effort - 2];
      const found = { modulation, symbols: stages.at(-1), plain, efforts, symbolsOf };
      const at = this.#plainAt?.(i);
      return at === undefined ? found : { ...found, plainAt: (quality) => plainOnly(at(quality)) };
    });
  }

  /** One signal has all there is: a copy of a large one would be a burden. */
  #cut<T extends Float32Array | Int32Array>(of: T, i: number): T {
    if (this.#batch.count === 1) return of;
    return of.slice(i * this.#length, (i + 1) * this.#length) as T;
  }
}

/** What effort 1 found, and no other. */
function plainOnly(plain: Float32Array): Fitted {
  return { modulation: plain, plain, symbols: undefined, efforts: [], symbolsOf: () => undefined };
}

function effortsUpTo(effort: number): number[] {
  return Array.from({ length: effort - 1 }, (_, i) => i + 2);
}

/** Field values where whole samples end, if the outputs have one range: what is beyond is decoded as these. */
function boundsOf({ outputs }: ModelCard): readonly [number, number] | undefined {
  const [first] = outputs;
  const isShared = outputs.every(({ low, peak }) => low === first?.low && peak === first.peak);
  const range = isShared && sampleTypeOf(outputs) !== 'float32' ? sharedRange(outputs) : undefined;
  if (first === undefined || range === undefined || range.scale < 0) return undefined;
  return [(first.low - range.offset) / range.scale, (first.low + first.peak - range.offset) / range.scale];
}
