/** What one signal can be coded as: symbols at steps and efforts, by the cheapest of the model's priors, and the samples themselves. */
import { codeSamples } from '../../codec/index.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { AbortedError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { fromSamples, type Samples, toSamples, wholeToSamples } from '../field/samples.ts';
import { pointCount } from '../field/spec.ts';
import { plainQuality } from '../fit/adapt-predicted.ts';
import { lastDescent } from '../fit/effort.ts';
import { beginFit, choosesSymbols, type Fit, type Fitted } from '../fit/fit.ts';
import { mostRankedPoints, type RankedSource } from '../fit/ranking.ts';
import type { Cost } from '../fit/trade.ts';
import { bestPrior } from '../models/priors.ts';
import { errorAgainst, type SignalError } from '../signal/errors.ts';
import { heldOf, type Signal } from '../signal/signal.ts';
import { SymbolTrial } from './trial.ts';
import type { SessionWork } from './work.ts';

/** What encoding is done with. */
export interface EncodingContext {
  readonly model: Model;
  readonly engine: Engine;
  readonly work: SessionWork;
  readonly limits: Limits;
}

/** A signal coded in one way. */
export interface FileCandidate extends Cost, SignalError {
  readonly file: Uint8Array;
  readonly bits: number;
  /** Whose steps, or samples. */
  readonly quality: number;
  readonly prior: PriorKind | 'samples';
  /** [m]; made anew whenever it is asked for where the signal is large. */
  readonly symbols: () => Int32Array | undefined;
  readonly samples: Samples | undefined;
  /** [m]; as `symbols`. */
  readonly modulation: () => Float32Array;
}

/** Points of all candidates that are kept together. */
const keptPoints = 2 ** 22;

/** Codes one signal; what was found is kept for other qualities and efforts, unless the signal is large. */
export class Candidates implements RankedSource<FileCandidate> {
  readonly #context: EncodingContext;
  readonly #signal: Signal;
  readonly #asked: PriorKind | undefined;
  readonly #abort: AbortSignal | undefined;
  /** Absent where samples do not stand for the signal, or a prior was asked for. */
  readonly samples: Samples | undefined;
  /** What effort 1 finds, by the quality that it is fitted at, and what efforts above it find, by steps. */
  readonly #plain: Kept<Fitted>;
  readonly #searches: Kept<Search>;
  readonly #coded: Kept<SymbolTrial>;
  readonly #sampled: Kept<FileCandidate>;
  /** Bytes that samples are known to take more than. */
  readonly #longer = new Map<string, number>();
  #anyPlain: Fitted | undefined;

  constructor(
    context: EncodingContext,
    signal: Signal,
    asked: PriorKind | undefined,
    abort: AbortSignal | undefined,
  ) {
    this.#context = context;
    this.#signal = signal;
    this.#asked = asked;
    this.#abort = abort;
    this.samples = asked === undefined ? samplesOf(context.model.card, signal) : undefined;
    const points = pointCount(signal.shape);
    const most = points > mostRankedPoints ? 0 : Math.floor(keptPoints / points);
    this.#plain = new Kept(Math.max(1, most));
    this.#searches = new Kept(Math.max(1, most));
    this.#coded = new Kept(most);
    this.#sampled = new Kept(Math.max(1, most));
  }

  /** Keeps what a fit found, with what lower efforts find on the way; one that was made elsewhere cannot go on. */
  take(steps: number, effort: number, fitted: Fitted, fit?: Fit): Search {
    this.#anyPlain = fitted;
    // Where its symbols are known, they are of these steps alone.
    const isOfSteps = fitted.heldSymbols !== undefined || fitted.plainAt !== undefined;
    this.#plain.set(isOfSteps ? `at ${steps}` : this.#plainAt(steps), fitted);
    const search = { fit, fitted, effort };
    if (effort > 1) this.#searches.set(`${steps}`, search);
    return search;
  }

  async plain(steps: number): Promise<SymbolTrial> {
    return this.#once(`1 ${steps}`, async () => {
      const known =
        this.#plain.get(`at ${steps}`) ??
        this.#plain.get(this.#plainAt(steps)) ??
        this.#anyPlain?.plainAt?.(steps);
      return this.#trial(known ?? (await this.#searchFrom(steps, 1)).fitted, 1, steps);
    });
  }

  async refined(steps: number, effort: number): Promise<SymbolTrial> {
    return this.#once(`${effort} ${steps}`, async () => {
      const { fitted } = await this.#search(steps, effort);
      return this.#trial(fitted, effort, steps);
    });
  }

  async *rising(steps: number, effort: number): AsyncGenerator<SymbolTrial> {
    // Those that one descent passes are found together.
    if (choosesSymbols(this.#context.model)) await this.#search(steps, Math.min(effort, lastDescent));
    for (let own = 2; own <= effort; own++) yield this.refined(steps, own);
  }

  /** The samples of a quality, of a signal that has them, as they are foretold or by wavelets; undefined where they take more than `most` bytes. */
  sampled(
    quality: number,
    most: number,
    by: 'foretold' | 'wavelets' = 'foretold',
  ): FileCandidate | undefined {
    if (this.samples === undefined) return undefined;
    const key = `${by} ${quality}`;
    const known = this.#sampled.get(key);
    if (known !== undefined) return known;
    if (most <= (this.#longer.get(key) ?? -1)) return undefined;
    const { model } = this.#context;
    const { card } = model;
    const code = by === 'foretold' ? shortestSamples : waveletSamples;
    const coded = code(model, this.samples, this.#signal.shape, quality, most);
    if (coded === undefined) {
      this.#longer.set(key, most);
      return undefined;
    }
    const { bytes: file, samples } = coded;
    const found = {
      bytes: file.length,
      ...errorAgainst(card, this.#signal, fromSamples(card, samples)),
      file,
      bits: 8 * file.length,
      symbols: () => undefined,
      prior: 'samples' as const,
      ...{ quality, samples, modulation: () => this.#anyPlain!.plain },
    };
    this.#sampled.set(key, found);
    return found;
  }

  async #once(key: string, make: () => Promise<SymbolTrial>): Promise<SymbolTrial> {
    if (this.#abort?.aborted) throw new AbortedError();
    const known = this.#coded.get(key);
    if (known !== undefined) return known;
    const made = await make();
    this.#coded.set(key, made);
    return made;
  }

  #trial(fitted: Fitted, effort: number, quality: number): SymbolTrial {
    const tried = { fitted, effort, quality, asked: this.#asked, abort: this.#abort };
    return new SymbolTrial(this.#context, this.#signal, tried);
  }

  /** What efforts up to this one find at these steps. */
  async #search(steps: number, effort: number): Promise<Search> {
    const known = this.#searches.get(`${steps}`);
    if (known !== undefined && (known.effort === effort || known.fitted.efforts.includes(effort)))
      return known;
    if (known?.fit?.canReach(effort) !== true) return this.#searchFrom(steps, effort);
    await known.fit.reach(effort, this.#abort);
    return this.take(steps, effort, known.fit.found()[0]!, known.fit);
  }

  async #searchFrom(steps: number, effort: number): Promise<Search> {
    const { model, engine } = this.#context;
    const prior = this.#asked ?? bestPrior(model);
    const request = { quality: steps, effort, prior, signal: this.#abort };
    const fit = await beginFit(model, engine, [this.#signal], request);
    await fit.reach(effort, this.#abort);
    return this.take(steps, effort, fit.found()[0]!, fit);
  }

  /** Effort 1 finds the same wherever it is fitted at the same quality. */
  #plainAt(steps: number): string {
    return `${plainQuality(this.#context.model, steps)}`;
  }
}

function samplesOf(card: Model['card'], signal: Signal): Samples | undefined {
  const held = heldOf(signal);
  if (!(held instanceof Float32Array)) return wholeToSamples(card, held);
  return toSamples(card, sampleTypeOf(card.outputs) === 'float32' ? filled(held, signal.channels) : held);
}

/** Values with the one before in place of each that is missing: what is missing is said beside the samples. */
function filled(values: Float32Array, channels: number): Float32Array {
  const gap = values.findIndex(Number.isNaN);
  if (gap < 0) return values;
  const all = values.slice();
  for (let c = 0; c < channels; c++) {
    let last = 0;
    for (let i = c; i < all.length; i += channels)
      if (!Number.isNaN(all[i]!)) {
        last = all[i]!;
        break;
      }
    for (let i = c; i < all.length; i += channels) {
      if (Number.isNaN(all[i]!)) all[i] = last;
      else last = all[i]!;
    }
  }
  return all;
}

/** What efforts up to one find at some steps, and the fit that can go on to others. */
interface Search {
  readonly fit: Fit | undefined;
  readonly fitted: Fitted;
  readonly effort: number;
}

/** Numbers are foretold in either way: least squares have to learn first. */
function shortestSamples(
  model: Model,
  samples: Samples,
  shape: readonly number[],
  quality: number,
  most: number,
): ReturnType<typeof codeSamples> {
  const guessed = codeSamples(model, samples, shape, quality, most);
  if (sampleTypeOf(model.card.outputs) !== 'float32') return guessed;
  const shorter = guessed === undefined ? most : guessed.bytes.length - 1;
  return codeSamples(model, samples, shape, quality, shorter, 'least-squares') ?? guessed;
}

/** Columns of a model of circles go round where the seam is as smooth as the rest. */
function waveletSamples(
  model: Model,
  samples: Samples,
  shape: readonly number[],
  quality: number,
  most: number,
): ReturnType<typeof codeSamples> {
  const { wraps = false, outputs } = model.card.spec;
  const isRound = wraps && isSmoothAround(samples, shape.at(-1)! * outputs, outputs);
  return codeSamples(model, samples, shape, quality, most, isRound ? 'wavelets-round' : 'wavelets');
}

/** Whether rows of so many numbers end about where they begin. */
function isSmoothAround(samples: Samples, row: number, channels: number): boolean {
  let [seam, inside] = [0, 0];
  for (let from = 0; from < samples.length; from += row) {
    for (let c = 0; c < channels; c++) {
      seam += Math.abs(samples[from + row - channels + c]! - samples[from + c]!);
      inside += Math.abs(samples[from + (row >> 1) + c]! - samples[from + (row >> 1) - channels + c]!);
    }
  }
  return seam <= 2 * inside;
}

/** The last of what was set, so many at most. */
class Kept<T> {
  readonly #most: number;
  readonly #items = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  set(key: string, item: T): void {
    this.#items.delete(key);
    if (this.#most === 0) return;
    if (this.#items.size >= this.#most) this.#items.delete(this.#items.keys().next().value!);
    this.#items.set(key, item);
  }
}
