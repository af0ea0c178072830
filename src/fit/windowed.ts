/** A large signal to a modulation and symbols, window after window (windows.ts): what is held beside these is that of one window. */

import type { EntropyPrior } from '../../prior/prior.ts';
import { BadInputError } from '../core/errors.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { channelLayout } from '../field/channels.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { copyBox } from '../signal/box.ts';
import type { SourceSignal } from '../signal/source.ts';
import { type Mass, makeBatch, toFieldUnits } from './batch.ts';
import { BatchFit, type Fitted } from './batch-fit.ts';
import type { Fit } from './fit.ts';
import { channelsInUse } from './pricing.ts';
import type { RateTerm } from './refine.ts';
import { type FitWindow, ownRuns, type Run } from './windows.ts';

export interface WindowedFitOptions {
  readonly quality: number;
  readonly effort: number;
  /** What bits cost a signal of this mass; undefined for models whose symbols are not chosen. */
  readonly rateFor: (mass: Mass) => RateTerm | undefined;
  readonly prior: EntropyPrior | undefined;
  readonly signal?: AbortSignal | undefined;
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
    signals: readonly SourceSignal[],
    windows: readonly FitWindow[],
    options: WindowedFitOptions,
  ): Promise<WindowedFit> {
    const found: Fitted[] = [];
    for (const [s, signal] of signals.entries())
      found.push(await fitOne(model, engine, { signal, name: `signal ${s}` }, windows, options));
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
  { signal, name }: { readonly signal: SourceSignal; readonly name: string },
  windows: readonly FitWindow[],
  { quality, effort, rateFor, prior, signal: abort }: WindowedFitOptions,
): Promise<Fitted> {
  const { spec } = model.card;
  const rate = rateFor(massOfSignal(signal, spec.outputs, name));
  const layout = channelLayout(spec, signal.shape);
  const { length } = layout;
  // How many cells there are to use a channel is a matter of the whole signal.
  const channels = rate && channelsInUse(layout, rate);
  const plain = new Float32Array(length);
  const modulation = effort === 1 ? plain : new Float32Array(length);
  let symbols: Int32Array | undefined;
  for (const window of windows) {
    const batch = windowBatch(model, signal, window, name);
    const fit = await BatchFit.begin(model, engine, batch, {
      ...{ quality, effort, rate, prior, channels, signal: abort },
    });
    await fit.reach(effort, abort);
    const [found] = fit.found();
    if (found!.symbols !== undefined) symbols ??= new Int32Array(length);
    for (const run of ownRuns(spec, signal.shape, window)) {
      keep(plain, found!.plain, run);
      if (modulation !== plain) keep(modulation, found!.modulation, run);
      if (symbols !== undefined) keep(symbols, found!.symbols!, run);
    }
  }
  const stages = new Map(symbols === undefined ? [] : [[effort, symbols]]);
  return { modulation, symbols, stages, plain };
}

function keep<T extends Float32Array | Int32Array>(whole: T, part: T, { whole: to, at, length }: Run): void {
  whole.set(part.subarray(at, at + length), to);
}

/** The samples of a window in field units. One without any is fitted as the others are: nothing is known there but what bits cost. */
function windowBatch({ card }: Model, signal: SourceSignal, { box }: FitWindow, name: string): Batch {
  const { outputs } = card.spec;
  const points = pointCount(box.count);
  const targets = new Float32Array(points * outputs);
  const weights = new Float32Array(points).fill(1);
  copyBox(signal.values, signal.shape, outputs, box, targets);
  if (signal.weights !== undefined) copyBox(signal.weights, signal.shape, 1, box, weights);
  toFieldUnits(targets, weights, outputs, card.outputs, `${name} from [${box.start}]`);
  return makeBatch(box.count, 1, targets, weights);
}

/** As `massOf` of the whole. Throws BadInputError `signal-shape`, `no-observed-points`. */
function massOfSignal({ shape, values, weights }: SourceSignal, outputs: number, name: string): Mass {
  const points = pointCount(shape);
  if (values.length !== points * outputs)
    throw new BadInputError(
      'signal-shape',
      `${name}: shape [${shape}] and ${values.length} values; it takes ${outputs} at each point`,
    );
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
      `${name} has no observed value; at least one is needed to fit it`,
    );
  return { values: sum * outputs, points: observed };
}
