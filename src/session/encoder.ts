/**
 * What a signal is coded as: one of several candidates, chosen by bytes and error together (trade.ts). At every quality the candidates
 * are symbols of the network at the efforts up to the one asked for, by the cheapest of the model's priors, and the samples themselves.
 */
import { sampleStep } from '../../codec/index.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { checkQuality } from '../../prior/quantiser.ts';
import { stoppable } from '../core/look.ts';
import { bitsPerPoint, psnrDb } from '../core/units.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import type { Fitted } from '../fit/fit.ts';
import {
  bytesOf,
  isFlat,
  leastRanked,
  leastRefined,
  mostRankedPoints,
  poorFit,
  rankedBelow,
  rankedQualities,
  usefulQualities,
} from '../fit/ranking.ts';
import { type Cost, cheapest, dominates, tradeAt } from '../fit/trade.ts';
import { priorKind } from '../models/priors.ts';
import type { Signal } from '../signal/signal.ts';
import { Candidates, type EncodingContext, type FileCandidate } from './candidates.ts';
import { leastSampleBytes } from './sample-estimate.ts';
import type { Encoded, EncodeOptions } from './types.ts';
import { leastWavelets } from './wavelet-search.ts';

/**
 * Qualities of samples that are tried; the steps are 8, 4, 2 and 1. Numbers have no eye to see their steps, and eight scales of theirs are
 * 16 bits: coarser steps, up to a 16th of a scale, are what a field is that the network does not say.
 */
const wholeQualities = [70, 80, 90, 100] as const;
const numberQualities = [20, 30, 40, 50, 60, ...wholeQualities] as const;

/** Symbols other than 0 for each byte of a file: nine of ten files of at most 2 take less, so that few are coded in vain. */
const fewNonZeros = 2;

/** Qualities above one that are looked at for the first that is not ranked: bytes double in so many. */
const reach = 14;

/** The candidates of one signal, at any quality and up to one effort. */
export class SignalEncoder {
  readonly #context: EncodingContext;
  readonly #signal: Signal;
  readonly #options: EncodeOptions;
  readonly #points: number;
  /** Coded as they were asked for and in no other way. */
  readonly #asked: PriorKind | undefined;
  readonly #candidates: Candidates;
  /** Least and greatest quality whose steps are used. */
  readonly #useful: readonly [least: number, greatest: number];
  #flat: boolean | undefined;

  constructor(context: EncodingContext, signal: Signal, options: EncodeOptions) {
    this.#context = context;
    this.#signal = signal;
    this.#options = options;
    this.#points = pointCount(signal.shape);
    this.#asked = options.prior === undefined ? undefined : priorKind(options.prior);
    this.#candidates = new Candidates(context, signal, this.#asked, options.signal);
    const [least, greatest] = usefulQualities(context.model);
    this.#useful = [least, this.#candidates.samples === undefined ? 100 : greatest];
  }

  /** The steps that a quality has of its own, so that signals can be fitted together. */
  stepsOf(quality: number): number {
    if (this.#asked !== undefined) return quality;
    const [least, greatest] = this.#useful;
    return Math.max(least, Math.min(quality, greatest));
  }

  get #isFlat(): boolean {
    this.#flat ??= isFlat(this.#signal, this.#context.model.card.outputs);
    return this.#flat;
  }

  /** Whether steps may be others than those of the quality. */
  get choosesSteps(): boolean {
    return this.#asked === undefined && this.#options.steps !== 'asked' && this.#points <= mostRankedPoints;
  }

  /** Whether more is never worse at any quality: then the last quality reaches what any does. */
  get isOrdered(): boolean {
    return this.choosesSteps && this.#candidates.samples !== undefined;
  }

  /** Takes a fit that was found elsewhere. */
  take(steps: number, effort: number, fitted: Fitted): void {
    this.#candidates.take(steps, effort, fitted);
  }

  /** Whether steps are those of a grid: the file is small, or the network does not say the signal at any steps. */
  async isRanked(quality: number, effort: number): Promise<boolean> {
    if (!this.choosesSteps) return false;
    const plain = await this.#candidates.plain(this.stepsOf(quality));
    if (effort === 1 && plain.nonZeros < fewNonZeros * rankedBelow(this.#isFlat, 1))
      if (await this.#firstIsSmall(quality)) return true;
    if ((await bytesOf(plain)) < rankedBelow(this.#isFlat, effort)) return true;
    if ((await plain.mse()) <= poorFit) return false;
    const finest = await this.#candidates.plain(this.#useful[1]);
    return (await finest.mse()) > poorFit;
  }

  /**
   * Whether the first candidate, of steps a little finer, is as small as files that are ranked are: it is coded anyway where they are, and that of the
   * quality's own steps need not be.
   */
  async #firstIsSmall(quality: number): Promise<boolean> {
    const steps = this.stepsOf(quality);
    const first = rankedQualities(this.#useful).find((own) => own >= steps);
    // A network that changes with quality would be fitted once more.
    if (first === undefined || first === steps || this.#context.model.slopes !== undefined) return false;
    const trial = await this.#candidates.plain(first);
    return (await trial.within(rankedBelow(this.#isFlat, 1) - 1)) !== undefined;
  }

  /** The best of what a quality allows. `seconds` are those spent here. */
  async encode(quality: number, effort = this.#options.effort ?? 1): Promise<Encoded> {
    checkQuality(quality);
    const started = performance.now();
    const trade = tradeAt(this.#context.model.card, this.#points, quality);
    const own = await this.#function(quality, effort, trade);
    const chosen = stoppable(this.#options.signal, () => this.#withSamples(own, quality, trade));
    return this.#encoded(chosen, quality, started);
  }

  /** The samples alone, in the steps of a quality; undefined of a signal that samples do not stand for. */
  encodeSamples(quality: number, by: 'foretold' | 'wavelets'): Encoded | undefined {
    const started = performance.now();
    const sampled = stoppable(this.#options.signal, () =>
      this.#candidates.sampled(quality, Number.POSITIVE_INFINITY, by),
    );
    return sampled && this.#encoded(sampled, quality, started);
  }

  #encoded(chosen: FileCandidate, quality: number, started: number): Encoded {
    const { file, bytes, mse, rmse, maxError, bits, samples, prior } = chosen;
    const { shape } = this.#signal;
    return {
      bytes: file,
      shape,
      ...{ mse, rmse, maxError },
      psnrDb: psnrDb(mse),
      bitsPerPoint: bitsPerPoint(bytes, this.#points),
      estimatedBits: bits,
      seconds: (performance.now() - started) / 1000,
      get symbols() {
        return chosen.symbols();
      },
      get modulation() {
        return chosen.modulation();
      },
      ...{ samples, quality, fileQuality: chosen.quality, prior },
    };
  }

  async #function(quality: number, effort: number, trade: (cost: Cost) => number): Promise<FileCandidate> {
    if (!(await this.isRanked(quality, effort))) return this.#own(quality, effort, trade);
    const steps = this.stepsOf(quality);
    const grid = rankedQualities(this.#useful);
    const ranked = await leastRanked(this.#candidates, { grid, steps, effort, trade });
    if (effort === 1) return ranked;
    // The next that is not ranked is no surprise to those below it.
    const next = await this.#nextNotRanked(quality, effort, (cost) => trade(cost) < trade(ranked));
    return next === undefined ? ranked : cheapest([ranked, next], trade);
  }

  /** By the steps that a quality has of its own. */
  async #own(quality: number, effort: number, trade: (cost: Cost) => number): Promise<FileCandidate> {
    const steps = this.stepsOf(quality);
    if (effort === 1) return (await this.#candidates.plain(steps)).measure();
    const refined = await (await this.#candidates.refined(steps, effort)).measure();
    if (this.#asked !== undefined) return refined;
    return cheapest([refined, await (await this.#candidates.plain(steps)).measure()], trade);
  }

  /** What is coded at the first quality above that is not ranked, if files here are nearly as large as those and it could be better. */
  async #nextNotRanked(
    quality: number,
    effort: number,
    isBetter: (cost: Cost) => boolean,
  ): Promise<FileCandidate | undefined> {
    const bytes = await bytesOf(await this.#candidates.plain(this.stepsOf(quality)));
    if (bytes < rankedBelow(this.#isFlat, effort) / 2) return undefined;
    const last = Math.min(this.#useful[1], quality + reach);
    for (let next = quality + 1; next <= last; next++) {
      if (await this.isRanked(next, effort)) continue;
      const plain = await (await this.#candidates.plain(this.stepsOf(next))).measure();
      if (!isBetter(leastRefined(plain))) return undefined;
      return this.#own(next, effort, tradeAt(this.#context.model.card, this.#points, next));
    }
    return undefined;
  }

  /** Up to the finest steps samples stand in only for a function that is worse in both; beyond, for one of more J, and at 100 exactly. */
  #withSamples(own: FileCandidate, quality: number, trade: (cost: Cost) => number): FileCandidate {
    const { samples } = this.#candidates;
    if (samples === undefined) return own;
    if (quality === 100 && own.mse > 0) return this.#candidates.sampled(100, Number.POSITIVE_INFINITY)!;
    const within = quality <= this.#useful[1];
    const candidates: FileCandidate[] = [];
    // Longer files are of no use even where nothing is lost.
    const most = within ? own.bytes : trade(own) / trade({ bytes: 1, mse: 0 });
    const { outputs } = this.#context.model.card;
    const isNumbers = sampleTypeOf(outputs) === 'float32';
    for (const q of isNumbers ? numberQualities : wholeQualities) {
      const bytes = leastSampleBytes(this.#signal, samples, { step: sampleStep(q), most, smooth: isNumbers });
      // Smaller steps take more still.
      if (within ? bytes > most : bytes >= most) break;
      const candidate = this.#candidates.sampled(q, most);
      if (candidate !== undefined && (!within || dominates(candidate, own))) candidates.push(candidate);
    }
    if (isNumbers) {
      const serves = (found: FileCandidate) => !within || dominates(found, own);
      const found = leastWavelets(
        (q) => this.#candidates.sampled(q, most, 'wavelets'),
        own.mse,
        (one) => (serves(one) ? trade(one) : Number.POSITIVE_INFINITY),
      );
      if (found !== undefined) candidates.push(found);
    }
    return cheapest([own, ...candidates], trade);
  }
}
