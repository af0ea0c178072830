/**
 * What a signal is coded as: one of several candidates, chosen by bytes and error together (trade.ts). At every quality the candidates
 * are symbols of the network at the efforts up to the one asked for, by the cheapest of the model's priors, and the samples themselves.
 */
import { codeSamples, sampleStep } from '../../codec/index.ts';
import type { Signal } from '../../datasets/signal.ts';
import type { PriorKind } from '../../prior/prior.ts';
import { checkQuality } from '../../prior/quantiser.ts';
import { priorKinds } from '../../prior/registry.ts';
import { AbortedError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import { bitsPerPoint, psnrDb } from '../core/units.ts';
import type { Engine } from '../engine/engine.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { fromSamples, type Samples, toSamples } from '../field/samples.ts';
import { pointCount } from '../field/spec.ts';
import { bestPrior, priorKind } from './coding.ts';
import { type Fitted, fitSignals } from './fit.ts';
import { functionRows } from './function-rows.ts';
import { isFlat, stepsNear, usefulQualities } from './ranking.ts';
import { leastSampleBytes } from './sample-estimate.ts';
import { type Cost, cheapest, dominates, tradeAt } from './trade.ts';
import type { Encoded, EncodeOptions } from './types.ts';
import { errorAgainst, errorOfRows } from './values.ts';
import type { Work } from './work.ts';

/** What encoding is done with. */
export interface EncodingContext {
  readonly model: Model;
  readonly engine: Engine;
  readonly work: Work;
  readonly limits: Limits;
}

/** A signal coded in one way. */
interface Candidate extends Cost {
  readonly file: Uint8Array;
  readonly bits: number;
  readonly quality: number;
  readonly prior: PriorKind | 'samples';
  readonly symbols: Int32Array | undefined;
  readonly samples: Samples | undefined;
  readonly modulation: Float32Array;
}

/** Qualities of samples that are tried; the steps are 8, 4, 2 and 1. */
const sampleQualities = [70, 80, 90, 100] as const;
/** Files so short, or of so many bits a symbol, are priced by all priors: there the best one may be out of its depth. */
const shortFile = 64;
const dearSymbol = 4;
/** Points of signals whose candidates are kept for other qualities. */
const keptPoints = 2 ** 14;

/** The candidates of one signal, at any quality and up to one effort. */
export class SignalEncoder {
  readonly #context: EncodingContext;
  readonly #signal: Signal;
  readonly #options: EncodeOptions;
  readonly #points: number;
  /** Coded as they were asked for and in no other way. */
  readonly #asked: PriorKind | undefined;
  readonly #samples: Samples | undefined;
  readonly #fits = new Map<string, Fitted>();
  #found: Fitted | undefined;
  readonly #plain = new Map<number, Candidate>();
  readonly #sampled = new Map<number, Candidate>();
  /** By quality: bytes that samples are known to take more than. */
  readonly #longer = new Map<number, number>();
  #flat: boolean | undefined;

  constructor(context: EncodingContext, signal: Signal, options: EncodeOptions) {
    this.#context = context;
    this.#signal = signal;
    this.#options = options;
    this.#points = pointCount(signal.shape);
    this.#asked = options.prior === undefined ? undefined : priorKind(options.prior);
    this.#samples = this.#asked === undefined ? toSamples(context.model.card, signal.values) : undefined;
  }

  /** Of a quality asked for: the steps that are tried first, so that signals can be fitted together. */
  stepsOf(quality: number): number {
    if (this.#asked !== undefined) return quality;
    const [least, greatest] = usefulQualities(this.#context.model);
    return Math.max(least, this.#samples === undefined ? quality : Math.min(quality, greatest));
  }

  /** Takes a fit that was found elsewhere. */
  take(steps: number, effort: number, fitted: Fitted): void {
    if (this.#points > keptPoints) this.#fits.clear();
    this.#found = fitted;
    this.#fits.set(this.#key(steps, effort), fitted);
    if (effort > 1)
      this.#fits.set(this.#key(steps, 1), { ...fitted, modulation: fitted.plain, symbols: undefined });
  }

  /** The best of what a quality allows. `seconds` are those spent here. */
  async encode(quality: number, effort = this.#options.effort ?? 1): Promise<Encoded> {
    checkQuality(quality);
    const started = performance.now();
    const trade = tradeAt(this.#context.model.card, this.#points, quality);
    const own = await this.#function(this.stepsOf(quality), effort);
    const chosen = stoppable(this.#options.signal, () => this.#withSamples(own, quality, trade));
    const { file, bytes, mse, bits, symbols, samples, modulation, prior } = chosen;
    const { shape } = this.#signal;
    return {
      bytes: file,
      shape,
      mse,
      psnrDb: psnrDb(mse),
      bitsPerPoint: bitsPerPoint(bytes, this.#points),
      estimatedBits: bits,
      seconds: (performance.now() - started) / 1000,
      ...{ symbols, samples, modulation, quality, fileQuality: chosen.quality, prior },
    };
  }

  /** As a function. Its steps are chosen at effort 1, whatever the effort. */
  async #function(quality: number, effort: number): Promise<Candidate> {
    const { model } = this.#context;
    if (this.#asked !== undefined)
      return effort === 1 ? this.#plainAt(quality) : this.#refinedAt(quality, effort);
    const trade = tradeAt(model.card, this.#points, quality);
    let steps = quality;
    if (this.choosesSteps) {
      const [first, ...others] = stepsNear(quality, model, this.#points);
      steps = first;
      // A network that changes with quality would have to be fitted for each.
      if (model.slopes === undefined) {
        let best = await this.#plainAt(first);
        for (const other of others) {
          const found = await this.#plainAt(other, (cost) => trade(cost) < trade(best));
          if (found !== undefined) best = found;
        }
        steps = best.quality;
      }
    }
    const plain = await this.#plainAt(steps);
    return effort === 1 ? plain : cheapest([await this.#refinedAt(steps, effort), plain], trade);
  }

  get #isFlat(): boolean {
    this.#flat ??= isFlat(this.#signal);
    return this.#flat;
  }

  /** Whether the steps are not those of the quality. */
  get choosesSteps(): boolean {
    return this.#asked === undefined && this.#options.steps !== 'asked' && this.#isFlat;
  }

  /** The nearest symbols of what effort 1 finds; undefined for those that are of no use. */
  async #plainAt(quality: number): Promise<Candidate>;
  async #plainAt(quality: number, useful: (cost: Cost) => boolean): Promise<Candidate | undefined>;
  async #plainAt(
    quality: number,
    useful: (cost: Cost) => boolean = () => true,
  ): Promise<Candidate | undefined> {
    const known = this.#plain.get(quality);
    if (known !== undefined) return useful(known) ? known : undefined;
    const { plain } = await this.#fit(quality, 1);
    const found = await this.#coded(plain, undefined, quality, useful);
    if (found !== undefined && this.#points <= keptPoints) this.#plain.set(quality, found);
    return found !== undefined && useful(found) ? found : undefined;
  }

  async #refinedAt(quality: number, effort: number): Promise<Candidate> {
    const { modulation, symbols } = await this.#fit(quality, effort);
    return (await this.#coded(modulation, symbols, quality))!;
  }

  async #coded(
    modulation: Float32Array,
    symbols: Int32Array | undefined,
    quality: number,
    useful: (cost: Cost) => boolean = () => true,
  ): Promise<Candidate | undefined> {
    const { model, work, limits } = this.#context;
    const { signal: abort } = this.#options;
    if (abort?.aborted) throw new AbortedError();
    const { shape } = this.#signal;
    let prior = this.#asked ?? bestPrior(model);
    let coded = await work.code(model, { modulation, symbols, shape, quality, prior }, abort);
    const dear = coded.bytes.length <= shortFile || coded.estimatedBits > dearSymbol * coded.symbols.length;
    if (this.#asked === undefined && dear) {
      for (const kind of priorKinds(model)) {
        if (kind === prior) continue;
        const task = { modulation, symbols: coded.symbols, shape, quality, prior: kind };
        const other = await work.code(model, task, abort);
        if (other.bytes.length < coded.bytes.length) [coded, prior] = [other, kind];
      }
    }
    // Of no use even if it were exact.
    if (!useful({ bytes: coded.bytes.length, mse: 0 })) return undefined;
    const found = { modulation: coded.modulation, shape, quality };
    const mse = await errorOfRows(
      this.#signal,
      functionRows(this.#context, found, { limits, signal: abort }),
    );
    return {
      bytes: coded.bytes.length,
      mse,
      file: coded.bytes,
      bits: coded.estimatedBits,
      symbols: coded.symbols,
      samples: undefined,
      ...{ quality, prior, modulation },
    };
  }

  /** Up to the finest steps samples stand in only for a function that is worse in both; beyond, for one of more J, and at 100 exactly. */
  #withSamples(own: Candidate, quality: number, trade: (cost: Cost) => number): Candidate {
    const samples = this.#samples;
    if (samples === undefined) return own;
    if (quality === 100 && own.mse > 0) return this.#sampledAt(100, Number.POSITIVE_INFINITY)!;
    const within = quality <= usefulQualities(this.#context.model)[1];
    const candidates: Candidate[] = [];
    // Longer files are of no use even where nothing is lost.
    const most = within ? own.bytes : trade(own) / trade({ bytes: 1, mse: 0 });
    for (const q of sampleQualities) {
      const bytes = leastSampleBytes(this.#signal, samples, sampleStep(q));
      // Smaller steps take more still.
      if (within ? bytes > most : bytes >= most) break;
      const candidate = this.#sampledAt(q, most);
      if (candidate !== undefined && (!within || dominates(candidate, own))) candidates.push(candidate);
    }
    return cheapest([own, ...candidates], trade);
  }

  /** Undefined where they take more than `most` bytes. */
  #sampledAt(quality: number, most: number): Candidate | undefined {
    const known = this.#sampled.get(quality);
    if (known !== undefined) return known;
    if (most <= (this.#longer.get(quality) ?? -1)) return undefined;
    const { card } = this.#context.model;
    const { shape } = this.#signal;
    const coded = codeSamples(this.#context.model, this.#samples!, shape, quality, most);
    if (coded === undefined) {
      this.#longer.set(quality, most);
      return undefined;
    }
    const { bytes: file, samples } = coded;
    const mse = errorAgainst(this.#signal, fromSamples(card, samples));
    const found = {
      bytes: file.length,
      mse,
      file,
      bits: 8 * file.length,
      symbols: undefined,
      prior: 'samples' as const,
      ...{ quality, samples, modulation: this.#found!.plain },
    };
    this.#sampled.set(quality, found);
    return found;
  }

  async #fit(quality: number, effort: number): Promise<Fitted> {
    const key = this.#key(quality, effort);
    const known = this.#fits.get(key);
    if (known !== undefined) return known;
    const { model, engine } = this.#context;
    const { prior = bestPrior(model), signal } = this.#options;
    const request = { quality, effort, prior: priorKind(prior), signal };
    const [fitted] = await fitSignals(model, engine, [this.#signal], request);
    this.take(quality, effort, fitted!);
    return fitted!;
  }

  /** Effort 1 finds the same at every quality, where the network is the same. */
  #key(quality: number, effort: number): string {
    const same = effort === 1 && this.#context.model.slopes === undefined;
    return `${effort} ${same ? defaultQuality : quality}`;
  }
}
