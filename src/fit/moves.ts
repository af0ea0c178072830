/**
 * Choosing symbols by true gradients. Every turn computes the gradient g of the error at the best symbols, prices the moves to both
 * neighbours and to zero by g e + b e^2 / 2 + change of cost, and makes the best ones together. The bend b of a channel is what the
 * last turn's moves changed g by, along themselves: moves that overlap bend the objective more than each alone, for which b is the
 * Gauss-Newton diagonal, and a field that is not linear bends it otherwise. It goes back to that as fewer are made. Moves that
 * still raise the objective are taken back, and fewer are tried.
 *
 * Indices of hot loops are below count * m.
 */
import { look, stoppable } from '../core/look.ts';
import { Rng } from '../core/rng.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import type { BaseNetwork } from '../field/spec.ts';
import type { PricedSymbols, Pricing } from './pricing.ts';

/** Share of the profitable moves that is made at once, and how it changes with success. */
const FIRST_SHARE = 0.3;
const GROWTH = 1.2;
const SHRINKAGE = 0.5;
/** Moves of a channel at which the bend that they show counts as much as the one before. */
const TRUSTED = 8;
/** Share of the way back to the diagonal that a bend goes in a turn without moves of its channel, and when nothing promises anything. */
const RETURN = 0.3;
const RETURN_AT_REST = 0.5;
/** So near to the diagonal, relatively, a bend counts as having come back. */
const AT_DIAGONAL = 0.01;
/** A turn leaves a bend at least this share. */
const LEAST_BEND = 1e-3;
/** Symbols between two looks at whether to stop, as a mask: a millisecond. */
const lookMask = 8191;
/** Each of those moves is made with this probability, so that moves that spoil each other part ways. */
const CHANCE = 0.7;

/** What is moved, and what it is measured by. */
export interface Movable {
  /** [count, m]. */
  readonly symbols: Int32Array;
  /** [m]. */
  readonly channelOf: Uint32Array;
  readonly steps: Float64Array;
  /** [count][channels]: where bends start; without end for channels that stay as they are. */
  readonly diagonals: readonly Float64Array[];
}

/** Improves the symbols in place, by `turns` gradients at most; no objective rises. */
export async function moveSymbols(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  { symbols, channelOf, steps, diagonals }: Movable,
  pricing: Pricing,
  { turns, signal }: CallOptions & { readonly turns: number },
): Promise<readonly { readonly loss: number; readonly objective: number }[]> {
  const m = steps.length;
  const searches = diagonals.map((diagonal, s) => {
    const own = symbols.subarray(s * m, (s + 1) * m);
    return new Search(own, channelOf, steps, diagonal, pricing, new Rng(0));
  });
  const trial = new Float32Array(symbols.length);
  for (let turn = 0; turn < turns; turn++) {
    searches.forEach((search, s) => {
      search.dequantise(trial.subarray(s * m, (s + 1) * m));
    });
    const { losses, gradient } = await engine.gradient(net, batch, trial, { signal });
    let moved = false;
    stoppable(signal, () =>
      searches.forEach((search, s) => {
        search.settle(losses[s]!, gradient.subarray(s * m, (s + 1) * m));
        if (turn + 1 < turns && search.propose()) moved = true;
      }),
    );
    if (!moved) break;
  }
  return searches.map(({ loss, objective }) => ({ loss, objective }));
}

/** The symbols of one signal, and the moves that are being tried. */
class Search {
  loss = Number.POSITIVE_INFINITY;
  objective = Number.POSITIVE_INFINITY;
  readonly #best: Int32Array;
  readonly #tried: Int32Array;
  readonly #gradient: Float32Array;
  readonly #channelOf: Uint32Array;
  readonly #steps: Float64Array;
  /** Gauss-Newton diagonal [channels]. */
  readonly #diagonal: ArrayLike<number>;
  /** [channels]. */
  readonly #bend: Float64Array;
  readonly #pricing: Pricing;
  #priced: PricedSymbols | undefined;
  readonly #rng: Rng;
  readonly #gains: Float64Array;
  readonly #targets: Int32Array;
  #share = FIRST_SHARE;
  /** Moves that were tried alone in vain since the best symbols were found. */
  readonly #vain = new Set<number>();
  #alone: number | undefined;
  #waiting = true;

  /** Keeps `best` and improves it in place. */
  constructor(
    best: Int32Array,
    channelOf: Uint32Array,
    steps: Float64Array,
    diagonal: ArrayLike<number>,
    pricing: Pricing,
    rng: Rng,
  ) {
    this.#best = best;
    this.#tried = best.slice();
    this.#gradient = new Float32Array(best.length);
    this.#channelOf = channelOf;
    this.#steps = steps;
    this.#diagonal = diagonal;
    this.#bend = Float64Array.from(diagonal);
    this.#pricing = pricing;
    this.#rng = rng;
    this.#gains = new Float64Array(best.length);
    this.#targets = new Int32Array(best.length);
  }

  dequantise(into: Float32Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.#tried[i]! * this.#steps[i]!;
  }

  /** Keeps what was tried if it is better. */
  settle(loss: number, gradient: Float32Array): void {
    look();
    if (!this.#waiting) return;
    if (this.#priced !== undefined) this.#measureBends(gradient);
    const priced = this.#pricing.price(this.#tried);
    const objective = loss + this.#pricing.weight * priced.nats;
    if (objective < this.objective) {
      this.#priced = priced;
      this.loss = loss;
      this.objective = objective;
      this.#best.set(this.#tried);
      this.#gradient.set(gradient);
      this.#share = Math.min(1, this.#share * GROWTH);
      this.#vain.clear();
    } else {
      if (this.#alone !== undefined) this.#vain.add(this.#alone);
      this.#share *= SHRINKAGE;
    }
  }

  /** Chooses moves from the best symbols; false when none promises anything. */
  propose(): boolean {
    let profitable = this.#profitable();
    while (profitable.length === 0 && this.#returnBends()) profitable = this.#profitable();
    this.#tried.set(this.#best);
    this.#waiting = profitable.length > 0;
    if (!this.#waiting) return false;
    const gains = this.#gains;
    profitable.sort((a, b) => gains[a]! - gains[b]! || a - b);
    const made = Math.ceil(profitable.length * this.#share);
    this.#alone = made === 1 ? profitable[0] : undefined;
    for (let k = 0; k < made; k++) {
      const i = profitable[k]!;
      if (made === 1 || this.#rng.u32() < CHANCE * 4294967296) this.#tried[i] = this.#targets[i]!;
    }
    return true;
  }

  #profitable(): number[] {
    const found: number[] = [];
    const priced = this.#priced!;
    for (let i = 0; i < this.#best.length; i++) {
      if ((i & lookMask) === 0) look();
      if (this.#price(i, priced) && !this.#vain.has(i)) found.push(i);
    }
    return found;
  }

  /** From the gradients at the best symbols and at those that were tried. */
  #measureBends(gradient: Float32Array): void {
    const bend = this.#bend;
    const moves = new Uint32Array(bend.length);
    const squares = new Float64Array(bend.length);
    const changes = new Float64Array(bend.length);
    for (let i = 0; i < this.#best.length; i++) {
      const move = (this.#tried[i]! - this.#best[i]!) * this.#steps[i]!;
      if (move === 0) continue;
      const c = this.#channelOf[i]!;
      moves[c]!++;
      squares[c]! += move * move;
      changes[c]! += (gradient[i]! - this.#gradient[i]!) * move;
    }
    for (let c = 0; c < bend.length; c++) {
      const before = bend[c]!;
      if (moves[c] === 0) bend[c] = before + RETURN * (this.#diagonal[c]! - before);
      else {
        const trust = moves[c]! / (moves[c]! + TRUSTED);
        const shown = changes[c]! / squares[c]!;
        bend[c] = Math.max(before + trust * (shown - before), LEAST_BEND * before);
      }
    }
  }

  /** Takes bends nearer to the diagonal; false when they are there. */
  #returnBends(): boolean {
    const diagonal = this.#diagonal;
    let away = false;
    for (let c = 0; c < this.#bend.length; c++) {
      const left = diagonal[c]! - this.#bend[c]!;
      if (Math.abs(left) > AT_DIAGONAL * diagonal[c]!) away = true;
      this.#bend[c]! += RETURN_AT_REST * left;
    }
    return away;
  }

  /** Finds the best move of symbol `i`; whether it is expected to lower J. */
  #price(i: number, priced: PricedSymbols): boolean {
    const channel = this.#channelOf[i]!;
    if (this.#diagonal[channel] === Number.POSITIVE_INFINITY) return false;
    const symbol = this.#best[i]!;
    const step = this.#steps[i]!;
    const slope = this.#gradient[i]! * step;
    const bend = 0.5 * this.#bend[channel]! * step * step;
    let gain = 0;
    let target = symbol;
    const consider = (other: number) => {
      const move = other - symbol;
      const change =
        slope * move + bend * move * move + this.#pricing.weight * priced.change(i, symbol, other);
      if (change < gain) {
        gain = change;
        target = other;
      }
    };
    consider(symbol + 1);
    consider(symbol - 1);
    if (symbol !== 0) consider(0);
    this.#gains[i] = gain;
    this.#targets[i] = target;
    return gain < 0;
  }
}
