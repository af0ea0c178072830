/** Symbols of a signal that may become its file: coded no further than it takes to leave them out, measured when they are asked for. */
import type { PriorKind } from '../../prior/kinds.ts';
import type { Symbols } from '../../prior/prior.ts';
import { dequantise, quantiseNarrow } from '../../prior/quantiser.ts';
import { priorKinds } from '../../prior/registry.ts';
import { stoppable } from '../core/look.ts';
import { atQuality } from '../field/at-quality.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { modulationLayout } from '../field/layout.ts';
import { pointCount } from '../field/spec.ts';
import type { Fitted } from '../fit/fit.ts';
import { isSeen, nearestSymbols } from '../fit/lone.ts';
import { mostRankedPoints, type Trial } from '../fit/ranking.ts';
import { bestPrior } from '../models/priors.ts';
import type { Box } from '../signal/box.ts';
import { errorAgainst, errorOfRows, type SignalError } from '../signal/errors.ts';
import type { Signal } from '../signal/signal.ts';
import { toSignalValues } from '../signal/values.ts';
import type { EncodingContext, FileCandidate } from './candidates.ts';
import { stepsOf } from './coding.ts';
import { functionRows } from './function-rows.ts';
import { symbolRows } from './symbol-rows.ts';
import type { Coded } from './work.ts';

/** Files so short, or of so many bits a symbol, are priced by all priors: there the best one may be out of its depth. */
const shortFile = 64;
const dearSymbol = 4;
/** Signals of more points are evaluated a block of rows at a time. */
const mostAtOnce = 2 ** 14;

/** What a fit found, at the steps of a quality. */
export interface TriedFit {
  readonly fitted: Fitted;
  readonly effort: number;
  readonly quality: number;
  /** The only prior that may code it. */
  readonly asked: PriorKind | undefined;
  readonly abort: AbortSignal | undefined;
}

interface CodedBy {
  readonly coded: Coded;
  readonly prior: PriorKind;
}

export class SymbolTrial implements Trial<FileCandidate> {
  readonly #context: EncodingContext;
  readonly #signal: Signal;
  readonly #of: TriedFit;
  /** Absent until they are asked for, and of a large signal, which can have them again. */
  #held: Symbols | undefined;
  #coded: CodedBy | undefined;
  /** Bytes that the file is known to take more than. */
  #moreThan = -1;
  #error: Promise<SignalError> | undefined;

  constructor(context: EncodingContext, signal: Signal, of: TriedFit) {
    this.#context = context;
    this.#signal = signal;
    this.#of = of;
  }

  async within(most: number): Promise<number | undefined> {
    if (this.#coded === undefined && most <= this.#moreThan) return undefined;
    this.#coded ??= await this.#code(most);
    if (this.#coded === undefined) this.#moreThan = most;
    const bytes = this.#coded?.coded.bytes.length;
    return bytes !== undefined && bytes <= most ? bytes : undefined;
  }

  /** Symbols that are not 0. */
  get nonZeros(): number {
    const symbols = this.#symbols();
    let count = 0;
    for (let i = 0; i < symbols.length; i++) if (symbols[i] !== 0) count++;
    return count;
  }

  async mse(): Promise<number> {
    return (await this.#measured()).mse;
  }

  async measure(): Promise<FileCandidate> {
    await this.within(Number.POSITIVE_INFINITY);
    const { coded, prior } = this.#coded!;
    const { fitted, effort, quality } = this.#of;
    const { bytes: file, estimatedBits: bits } = coded;
    const { symbolsIn } = fitted;
    const symbols = symbolsIn === undefined ? () => wide(this.#symbols()) : () => fitted.symbolsOf(effort);
    const facts = { file, bits, samples: undefined, modulation: () => this.#fitted, quality, prior };
    return { ...facts, symbols, ...(await this.#measured()), bytes: file.length };
  }

  /** [m]: what was fitted. */
  get #fitted(): Float32Array {
    const { fitted, effort } = this.#of;
    return effort === 1 ? fitted.plain : fitted.modulation;
  }

  #symbols(): Symbols {
    if (this.#held !== undefined) return this.#held;
    const { fitted, effort, quality } = this.#of;
    const { model } = this.#context;
    const known = fitted.heldSymbols?.(effort) ?? fitted.symbolsOf(effort);
    const symbols = known ?? this.#nearest(stepsOf(model, quality));
    if (fitted.symbolsIn === undefined) this.#held = symbols;
    return symbols;
  }

  /** Those of a large signal a byte each, as they are held beside what was fitted. */
  #nearest(steps: Float64Array): Symbols {
    const { card } = this.#context.model;
    const { shape } = this.#signal;
    if (pointCount(shape) <= mostRankedPoints || isSeen(card))
      return nearestSymbols(card, shape, this.#fitted, steps);
    return quantiseNarrow(this.#layout, this.#fitted, steps);
  }

  get #layout() {
    return modulationLayout(this.#context.model.card.spec, this.#signal.shape);
  }

  async #code(most: number): Promise<CodedBy | undefined> {
    const { model } = this.#context;
    const { asked } = this.#of;
    const prior = asked ?? bestPrior(model);
    const others = asked === undefined ? priorKinds(model).filter((kind) => kind !== prior) : [];
    const symbols = this.#symbols();
    const code = (kind: PriorKind, atMost: number) => this.#codedBy(kind, symbols, atMost);
    let coded = await code(prior, Math.max(most, shortFile));
    if (coded === undefined) {
      // Whether its symbols are dear is not known: another prior may be within what this one is not.
      const within = await Promise.all(others.map((kind) => code(kind, most)));
      if (within.every((other) => other === undefined)) return undefined;
      coded = (await code(prior, Number.POSITIVE_INFINITY))!;
    }
    let best: CodedBy = { coded, prior };
    if (coded.bytes.length > shortFile && coded.estimatedBits <= dearSymbol * symbols.length) return best;
    for (const kind of others) {
      const other = await code(kind, best.coded.bytes.length - 1);
      if (other !== undefined) best = { coded: other, prior: kind };
    }
    return best;
  }

  #codedBy(prior: PriorKind, symbols: Symbols, most: number): Promise<Coded | undefined> {
    const { model, work } = this.#context;
    const { quality, abort } = this.#of;
    const task = { modulation: none, symbols, shape: this.#signal.shape, quality, prior };
    return work.codeWithin(model, task, most, abort);
  }

  #measured(): Promise<SignalError> {
    this.#error ??= this.#errors();
    return this.#error;
  }

  async #errors(): Promise<SignalError> {
    const { model, engine, limits } = this.#context;
    const { card } = model;
    const { fitted, effort, quality, abort } = this.#of;
    const { shape } = this.#signal;
    const { symbolsIn } = fitted;
    if (symbolsIn !== undefined) {
      // What is large is not held: it can be had again, in parts.
      const part = (box: Box) => symbolsIn.call(fitted, effort, box);
      const rows = symbolRows(this.#context, { shape, quality }, part, { signal: abort });
      return errorOfRows(card, this.#signal, rows);
    }
    const modulation = stoppable(abort, () =>
      dequantise(this.#layout, this.#symbols(), stepsOf(model, quality)),
    );
    if (pointCount(shape) > mostAtOnce) {
      const rows = functionRows(this.#context, { modulation, shape, quality }, { limits, signal: abort });
      return errorOfRows(card, this.#signal, rows);
    }
    const { network } = atQuality(model, quality);
    const values = await engine.evaluate(network, shape, modulation, coveringGrid(shape), { signal: abort });
    return errorAgainst(card, this.#signal, toSignalValues(card, values, false));
  }
}

const none = new Float32Array(0);

function wide(symbols: Symbols): Int32Array {
  return symbols instanceof Int8Array ? Int32Array.from(symbols) : symbols;
}
