/** A large signal to a modulation and symbols, window after window (windows.ts): what is held beside these is that of one window. */

import type { EntropyPrior, Symbols } from '../../prior/prior.ts';
import { dequantise, stepsAt } from '../../prior/quantiser.ts';
import { BadInputError } from '../core/errors.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { type FieldSpec, pointCount } from '../field/spec.ts';
import { type Box, copyBox, cutBox } from '../signal/box.ts';
import { heldOf, type Signal, wholeToUnit } from '../signal/signal.ts';
import { type Mass, makeBatch, toFieldUnits } from './batch.ts';
import { BatchFit, type Fitted } from './batch-fit.ts';
import type { Fit } from './fit.ts';
import { KeptSymbols } from './kept-symbols.ts';
import { nearestSymbols } from './lone.ts';
import { channelsInUse } from './pricing.ts';
import type { RateTerm } from './refine.ts';
import { type FitWindow, ownRuns } from './windows.ts';

export interface WindowedFitOptions {
  readonly quality: number;
  readonly effort: number;
  /** The quality that effort 1 is fitted at. */
  readonly plain: number;
  /** What bits cost a signal of this mass at a quality; undefined for models whose symbols are not chosen. */
  readonly rateFor: (mass: Mass, quality: number) => RateTerm | undefined;
  readonly prior: EntropyPrior | undefined;
  /** As in `FitRequest`. */
  readonly symbolsAlone?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A signal, and how much its points count; absent: alike. */
export interface WeighedSignal {
  readonly signal: Signal;
  /** [points]. */
  readonly weights: Float32Array | undefined;
}

/** A fit to one effort, which it does not go on from: a window's search is dropped when the next one begins. */
export class WindowedFit implements Fit {
  readonly #effort: number;
  readonly #found: Fitted[];

  private constructor(effort: number, found: Fitted[]) {
    this.#effort = effort;
    this.#found = found;
  }

  /** `model` is that of the quality (`atQuality`). Throws BadInputError as `batchOf`. */
  static async begin(
    model: Model,
    engine: Engine,
    signals: readonly WeighedSignal[],
    windows: readonly FitWindow[],
    options: WindowedFitOptions,
  ): Promise<WindowedFit> {
    const found: Fitted[] = [];
    for (const weighed of signals) found.push(await fitOne(model, engine, weighed, windows, options));
    return new WindowedFit(options.effort, found);
  }

  canReach(effort: number): boolean {
    return effort === this.#effort;
  }

  async reach(): Promise<void> {}

  found(): Fitted[] {
    return this.#found;
  }
}

async function fitOne(
  model: Model,
  engine: Engine,
  weighed: WeighedSignal,
  windows: readonly FitWindow[],
  { quality, effort, plain, rateFor, prior, symbolsAlone, signal: abort }: WindowedFitOptions,
): Promise<Fitted> {
  const { spec } = model.card;
  const { shape } = weighed.signal;
  const mass = massOfSignal(weighed, spec.outputs);
  const rate = rateFor(mass, quality);
  const plainFit = { from: plain, rate: rateFor(mass, plain) };
  const layout = modulationLayout(spec, shape);
  // How many cells there are to use a channel is a matter of the whole signal.
  const channels = rate && channelsInUse(layout, rate);
  const quantiser = { card: model.card, spec, shape, steps: stepsAt(model.steps, quality) };
  const found =
    rate === undefined || (effort === 1 && symbolsAlone !== true)
      ? new WindowNumbers(quantiser, layout.length, effort)
      : new WindowSymbols(quantiser, effort);
  for (const window of windows) {
    const batch = windowBatch(model, weighed, window);
    const fit = await BatchFit.begin(model, engine, batch, {
      ...{ quality, effort, rate, plain: plainFit, prior, channels, signal: abort },
    });
    await fit.reach(effort, abort);
    found.keep(fit.found()[0]!, window);
  }
  return found;
}

/** Modulations of the windows, put together. */
class WindowNumbers implements Fitted {
  readonly modulation: Float32Array;
  readonly plain: Float32Array;
  readonly symbols = undefined;
  readonly efforts: readonly number[] = [];

  readonly #place: Pick<Quantiser, 'spec' | 'shape'>;

  constructor(place: Pick<Quantiser, 'spec' | 'shape'>, length: number, effort: number) {
    this.#place = place;
    this.modulation = new Float32Array(length);
    this.plain = effort === 1 ? this.modulation : new Float32Array(length);
  }

  symbolsOf(): undefined {}

  keep({ modulation, plain }: Fitted, window: FitWindow): void {
    const { spec, shape } = this.#place;
    for (const { whole, at, length } of ownRuns(spec, shape, window)) {
      this.modulation.set(modulation.subarray(at, at + length), whole);
      if (this.plain !== this.modulation) this.plain.set(plain.subarray(at, at + length), whole);
    }
  }
}

interface Quantiser {
  readonly card: Model['card'];
  readonly spec: FieldSpec;
  readonly shape: readonly number[];
  readonly steps: Float64Array;
}

/** Symbols of the windows: packed, and of one effort at a time put together. */
class WindowSymbols implements Fitted {
  readonly efforts: readonly number[];
  readonly #quantiser: Quantiser;
  readonly #nearest: KeptSymbols;
  readonly #chosen: KeptSymbols;
  #together: { readonly of: KeptSymbols; readonly symbols: Symbols } | undefined;

  constructor(quantiser: Quantiser, effort: number) {
    this.efforts = effort === 1 ? [] : [effort];
    this.#quantiser = quantiser;
    this.#nearest = new KeptSymbols(quantiser.spec, quantiser.shape);
    this.#chosen = new KeptSymbols(quantiser.spec, quantiser.shape);
  }

  get modulation(): Float32Array {
    return this.#dequantised(this.efforts.length === 0 ? this.#nearest : this.#chosen);
  }

  get plain(): Float32Array {
    return this.#dequantised(this.#nearest);
  }

  get symbols(): Int32Array | undefined {
    return this.efforts.length === 0 ? undefined : Int32Array.from(this.#held(this.#chosen));
  }

  symbolsOf(effort: number): Int32Array | undefined {
    if (effort === 1) return Int32Array.from(this.#held(this.#nearest));
    return this.efforts.includes(effort) ? this.symbols : undefined;
  }

  heldSymbols(effort: number): Symbols {
    return this.#held(effort === 1 ? this.#nearest : this.#chosen);
  }

  symbolsIn(effort: number, box: Box): Int32Array {
    const { spec, shape } = this.#quantiser;
    const symbols = new Int32Array(modulationLayout(spec, box.count).length);
    const from = this.heldSymbols(effort);
    for (const { whole, at, length } of ownRuns(spec, shape, { box, own: box }))
      symbols.set(from.subarray(whole, whole + length), at);
    return symbols;
  }

  keep({ plain, symbols }: Fitted, window: FitWindow): void {
    const { card, steps } = this.#quantiser;
    this.#nearest.add(window, nearestSymbols(card, window.box.count, plain, steps));
    if (this.efforts.length > 0) this.#chosen.add(window, symbols!);
  }

  /** Until others are asked for. */
  #held(of: KeptSymbols): Symbols {
    if (this.#together?.of !== of) {
      this.#together = undefined;
      this.#together = { of, symbols: of.together() };
    }
    return this.#together.symbols;
  }

  #dequantised(symbols: KeptSymbols): Float32Array {
    const { spec, shape, steps } = this.#quantiser;
    return dequantise(modulationLayout(spec, shape), Int32Array.from(this.#held(symbols)), steps);
  }
}

/** The samples of a window in field units. One without any is fitted as the others are: nothing is known there but what bits cost. */
function windowBatch({ card }: Model, { signal, weights }: WeighedSignal, { box }: FitWindow): Batch {
  const { outputs } = card.spec;
  const points = pointCount(box.count);
  const targets = new Float32Array(points * outputs);
  const own = new Float32Array(points).fill(1);
  const held = heldOf(signal);
  if (held instanceof Float32Array) copyBox(held, signal.shape, outputs, box, targets);
  else wholeToUnit(cutBox(held, signal.shape, outputs, box), targets);
  if (weights !== undefined) copyBox(weights, signal.shape, 1, box, own);
  toFieldUnits(targets, own, outputs, card.outputs, `${signal.id} from [${box.start}]`);
  return makeBatch(box.count, 1, targets, own);
}

/** As `massOf` of the whole. Throws BadInputError `signal-shape`, `no-observed-points`. */
function massOfSignal({ signal, weights }: WeighedSignal, outputs: number): Mass {
  const { id, shape } = signal;
  const values = heldOf(signal);
  const points = pointCount(shape);
  if (values.length !== points * outputs)
    throw new BadInputError(
      'signal-shape',
      `${id}: shape [${shape}] and ${values.length} values; it takes ${outputs} at each point`,
    );
  // Of whole samples none is missing.
  if (!(values instanceof Float32Array) && weights === undefined) return { values: points * outputs, points };
  let sum = 0;
  let observed = 0;
  for (let p = 0, i = 0; p < points; p++) {
    let isMissing = false;
    for (let c = 0; c < outputs; c++, i++) if (Number.isNaN(values[i]!)) isMissing = true;
    const weight = isMissing ? 0 : (weights?.[p] ?? 1);
    sum += weight;
    if (weight > 0) observed++;
  }
  if (observed === 0)
    throw new BadInputError(
      'no-observed-points',
      `${id} has no observed value; at least one is needed to fit it`,
    );
  return { values: sum * outputs, points: observed };
}
