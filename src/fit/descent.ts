/**
 * Choosing symbols by a linear field. Every turn makes the field linear in its modulation at the best symbols (Gauss-Newton) and goes
 * through the symbols one after the other: each takes the value that is best given all the others, so that overlaps are counted
 * exactly. What symbols cost is priced at the start of the turn. A turn that raises the true objective is taken back and made
 * again with moves held closer to the start (Levenberg-Marquardt). Slopes serve until errors are not what they foretold.
 */
import { look, stoppable } from '../core/look.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { rowsOf } from '../field/channels.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { type BaseNetwork, pointCount, totalChannels } from '../field/spec.ts';
import { clipped, type LinearField, LinearFields } from './linear-field.ts';
import type { PricedSymbols, Pricing } from './pricing.ts';
import { fieldReach } from './reach.ts';

/** Times that a turn goes through all symbols. */
const SWEEPS = 3;
/** Damping after a turn in vain, and how it changes with failure and success; below the least it is none. */
const FIRST_DAMPING = 0.5;
const MORE = 4;
const LESS = 0.4;
const LEAST_DAMPING = 0.05;
/** Of the first turn: what moves first leaves to others what they code for less. */
const START_DAMPING = LESS * LESS;
/** Slopes serve on while the error is what they foretold, to this share of what the turn won. */
const FORETOLD = 0.05;
/** A turn that wins less than this share of J with fresh slopes is the last. */
const LEAST_GAIN = 1e-4;

/** What is known of the symbols of one signal. */
export interface Chosen {
  /** Half the weighted sum of squared errors. */
  readonly loss: number;
  readonly objective: number;
  /** Gauss-Newton diagonal of every channel [channels], the mean of its cells; absent when one turn is all there was. */
  readonly diagonal: Float64Array | undefined;
  /** [points, outputs]: the targets, and the field's own values where those are beyond a bound that a target is at. */
  readonly met: Float32Array;
}

export interface DescentOptions extends CallOptions {
  readonly turns: number;
  /** Is told how many turns are done, after each; the symbols are then the best so far. */
  readonly onTurn?: ((done: number) => void) | undefined;
  /** Those whose symbols may change. */
  readonly channels: readonly number[];
  /** Of field values, where a decoder clips them: a target at a bound is met by all values beyond it. */
  readonly bounds?: Bounds | undefined;
}

export type Bounds = readonly [lowest: number, highest: number];

/**
 * Improves `symbols` [count, m] in place; `steps` [m]. `turns`: true errors and prices that are computed at most; one only measures
 * them. Symbols of other channels than `channels` stay. No objective rises.
 */
export async function descend(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  symbols: Int32Array,
  steps: Float64Array,
  pricing: Pricing,
  { turns, onTurn, channels, bounds, signal }: DescentOptions,
): Promise<Chosen[]> {
  const { shape, count } = batch;
  const reach = fieldReach(net.spec, shape);
  const m = reach.length;
  // One turn measures; it proposes nothing.
  const fields = turns > 1 ? new LinearFields(reach, channels, steps, count) : undefined;
  const searches = Array.from({ length: count }, (_, s) => {
    const own = symbols.subarray(s * m, (s + 1) * m);
    return new Descent(own, steps, pricing, fields?.of(s), new Target(batch, s, bounds));
  });
  const points = coveringGrid(shape);
  const size = batch.targets.length / count;
  const all = totalChannels(net.spec);
  const triedBy = (some: readonly Descent[]) => {
    const modulations = new Float32Array(some.length * m);
    some.forEach((search, k) => {
      search.dequantise(modulations.subarray(k * m, (k + 1) * m));
    });
    return { shape, count: some.length, modulations };
  };
  try {
    let active = searches;
    for (let turn = 0; active.length > 0; turn++) {
      const tried = await engine.evaluateMany(net, triedBy(active), points, { signal });
      stoppable(signal, () =>
        active.forEach((search, k) => {
          search.settle(tried.subarray(k * size, (k + 1) * size));
        }),
      );
      onTurn?.(turn + 1);
      if (turn + 1 >= turns) break;
      active = active.filter((search) => !search.done);
      const stale = active.filter((search) => search.stale);
      if (stale.length > 0) {
        // What was taken back tries the best symbols again: those are tried by all of them now.
        const slopes = rowsOf(await engine.slopes(net, triedBy(stale), points, { signal }), stale.length);
        stoppable(signal, () =>
          stale.forEach((search, k) => {
            const own = rowsOf(slopes[k]!, all);
            search.linearise(own.map((row, c) => (channels.includes(c) ? row : undefined)));
          }),
        );
      }
      stoppable(signal, () => {
        for (const search of active) search.propose();
      });
      active = active.filter((search) => !search.done);
    }
    return searches.map(({ loss, objective, diagonal, met }) => ({ loss, objective, diagonal, met }));
  } finally {
    fields?.close();
  }
}

/** What a signal should be: its errors, each times the root of its point's weight. */
class Target {
  readonly #targets: Float32Array;
  readonly #roots: Float32Array | undefined;
  readonly #outputs: number;
  /** [points, outputs]: 1 where the target is the highest value there is, -1 where it is the lowest. */
  readonly sides: Int8Array | undefined;

  constructor(batch: Batch, s: number, bounds: Bounds | undefined) {
    const points = pointCount(batch.shape);
    const size = batch.targets.length / batch.count;
    this.#targets = batch.targets.subarray(s * size, (s + 1) * size);
    this.#roots = batch.weights?.slice(s * points, (s + 1) * points).map(Math.sqrt);
    this.#outputs = size / points;
    this.sides = bounds && sidesOf(this.#targets, bounds);
  }

  /** What is left of a residual in the decoded signal, where values are clipped. */
  error(residual: Float32Array): Float32Array {
    return this.sides === undefined ? residual : clipped(residual, this.sides);
  }

  /** Weighted errors of `values` [points, outputs]; a fresh array. */
  residual(values: Float32Array): Float32Array {
    const targets = this.#targets;
    const residual = new Float32Array(values.length);
    for (let i = 0; i < residual.length; i++) residual[i] = targets[i]! - values[i]!;
    return this.weigh(residual);
  }

  /** The targets less what of `residual` is none. */
  met(residual: Float32Array): Float32Array {
    const { sides } = this;
    if (sides === undefined) return this.#targets;
    return this.#targets.map((target, i) => {
      const root = this.#roots?.[Math.floor(i / this.#outputs)] ?? 1;
      return residual[i]! * sides[i]! < 0 && root > 0 ? target - residual[i]! / root : target;
    });
  }

  /** Multiplies `values` [points, outputs] by the roots of the weights, in place. */
  weigh(values: Float32Array): Float32Array {
    const roots = this.#roots;
    if (roots === undefined) return values;
    for (let p = 0, i = 0; p < roots.length; p++)
      for (let o = 0; o < this.#outputs; o++, i++) values[i]! *= roots[p]!;
    return values;
  }
}

/** The symbols of one signal, and what is being tried instead. */
class Descent {
  loss = Number.POSITIVE_INFINITY;
  objective = Number.POSITIVE_INFINITY;
  /** Nothing is left to try. */
  done = false;
  /** The slopes are not those of the best symbols, and were not good enough. */
  stale = true;
  readonly #best: Int32Array;
  readonly #tried: Int32Array;
  readonly #steps: Float64Array;
  readonly #pricing: Pricing;
  readonly #target: Target;
  /** Absent where nothing is proposed. */
  readonly #field: LinearField | undefined;
  #residual: Float32Array = new Float32Array(0);
  #priced: PricedSymbols | undefined;
  /** There are slopes. */
  #isLinear = false;
  /** The slopes are of the best symbols. */
  #fresh = false;
  #foretold = 0;
  #damping = START_DAMPING;

  /** Keeps `best` and improves it in place. */
  constructor(
    best: Int32Array,
    steps: Float64Array,
    pricing: Pricing,
    field: LinearField | undefined,
    target: Target,
  ) {
    this.#best = best;
    this.#tried = best.slice();
    this.#steps = steps;
    this.#pricing = pricing;
    this.#field = field;
    this.#target = target;
  }

  dequantise(into: Float32Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.#tried[i]! * this.#steps[i]!;
  }

  /** Keeps what was tried, of field values [points, outputs], if it is better. */
  settle(values: Float32Array): void {
    look();
    const residual = this.#target.residual(values);
    const loss = halfSquares(this.#target.error(residual));
    const priced = this.#pricing.price(this.#tried);
    const objective = loss + this.#pricing.weight * priced.nats;
    const gain = this.objective - objective;
    if (gain > 0) {
      if (gain < LEAST_GAIN * objective && this.#fresh) this.done = true;
      const off = Math.abs(loss - this.#foretold);
      this.stale = !this.#isLinear || off > FORETOLD * gain || gain < LEAST_GAIN * objective;
      this.#fresh = false;
      if (this.#isLinear) this.#damping *= LESS;
      this.#priced = priced;
      this.loss = loss;
      this.objective = objective;
      this.#residual = residual;
      this.#best.set(this.#tried);
      if (this.#damping < LEAST_DAMPING) this.#damping = 0;
      return;
    }
    this.stale = !this.#fresh;
    if (this.#fresh) this.#damping = Math.max(FIRST_DAMPING, MORE * this.#damping);
    this.#tried.set(this.#best);
  }

  get diagonal(): Float64Array | undefined {
    return this.#isLinear ? this.#field?.diagonal : undefined;
  }

  get met(): Float32Array {
    return this.#target.met(this.#residual);
  }

  /** Takes df/du [channels][points, outputs] at the best symbols, of the channels that may move. */
  linearise(slopes: readonly (Float32Array | undefined)[]): void {
    const weighed = slopes.map((own) => own && this.#target.weigh(own));
    this.#field!.linearise(weighed, this.#residual, this.#target.sides);
    this.#isLinear = true;
    this.#fresh = true;
    this.stale = false;
  }

  /** Chooses symbols anew from the best ones. */
  propose(): void {
    const field = this.#field!;
    field.residual = this.#residual;
    const { weight } = this.#pricing;
    const price = (i: number, from: number, to: number) => weight * this.#priced!.change(i, from, to);
    let moved = false;
    for (let sweep = 0; sweep < SWEEPS; sweep++)
      if (field.sweep(this.#tried, this.#best, { damping: this.#damping, price })) moved = true;
    this.#foretold = field.loss;
    if (!moved) this.done = true;
  }
}

function sidesOf(targets: Float32Array, [lowest, highest]: Bounds): Int8Array | undefined {
  const sides = new Int8Array(targets.length);
  let any = false;
  for (let i = 0; i < sides.length; i++) {
    const value = targets[i]!;
    if (value >= highest) sides[i] = 1;
    else if (value <= lowest) sides[i] = -1;
    else continue;
    any = true;
  }
  return any ? sides : undefined;
}

function halfSquares(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum / 2;
}
