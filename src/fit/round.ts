/**
 * Rate-distortion optimised rounding: modulations to multiples of their steps so that
 *   J = 1/2 sum of weighted squared errors + weight * nats
 * is low, not so that each is near. Cells overlap and channels interfere: what one symbol loses another can make up.
 *
 * From the nearest symbols, a linear field shows what is best of all overlaps in a few turns (descent.ts); where the field is not
 * linear over a step, true gradients find what that one does not see (moves.ts). J never rises, and what more work finds it finds after
 * what less work does. Symbols of channels that are not in use at a quality are 0.
 */
import { AbortedError, BadInputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { channelOfEach, modulationLayout, ofEachNumber } from '../field/layout.ts';
import { type BaseNetwork, totalChannels } from '../field/spec.ts';
import { type Bounds, type Chosen, descend } from './descent.ts';
import { priceLone } from './lone.ts';
import { moveSymbols } from './moves.ts';
import { channelsInUse, logisticPrices, type Price, type Pricing } from './pricing.ts';
import type { RateTerm } from './refine.ts';
import { gramDiagonal } from './start-rates.ts';

export interface RoundOptions extends CallOptions {
  readonly rate: RateTerm;
  /** Default: the logistics of `rate`. */
  readonly price?: Price | undefined;
  /** Turns of the descent: true errors and prices that are computed at most; 1 rounds each to the nearest. */
  readonly turns: number;
  /** Fewer turns whose symbols are wanted too, rising; none by default. */
  readonly passing?: readonly number[] | undefined;
  /** What a symbol of the finest cells with only zeros around it has to be worth beyond its price (lone.ts), in nats; default: 0. */
  readonly loneNats?: number | undefined;
  /** Of field values, where a decoder clips them; none by default. */
  readonly bounds?: Bounds | undefined;
  /** Channels whose symbols may be other than 0; default: those that signals of the batch's shape use at all. */
  readonly channels?: readonly number[] | undefined;
}

export interface MoveOnOptions extends CallOptions {
  /** Gradients that the moves are worth at most. */
  readonly moves: number;
}

/** Symbols of a batch, and what moves go on from. */
export interface Rounded {
  /** [count, m]: modulation = symbol * step. */
  readonly symbols: Int32Array;
  /** Those of the fewer turns that were asked for. */
  readonly passed: readonly Int32Array[];
  /** [count]: half the weighted sum of squared errors there. */
  readonly losses: Float64Array;
  /** [count]: J there; never above that of rounding to the nearest. */
  readonly objectives: Float64Array;
  /** [count, points, outputs]: the targets, and the field's own values where those are beyond a bound that a target is at. */
  readonly targets: Float32Array;
  readonly search: RoundSearch;
}

/** What `moveOn` has to know. */
export interface RoundSearch {
  readonly channelOf: Uint32Array;
  readonly steps: Float64Array;
  readonly pricing: Pricing;
  /** Of every channel, whether its symbols may change. */
  readonly used: Uint8Array;
  readonly modulations: Float32Array;
  /** [count][channels]: Gauss-Newton diagonals; absent where none were needed. */
  readonly diagonals: readonly Float64Array[] | undefined;
}

/** Slopes of one signal in memory at most: a larger one is left to the moves alone. A quarter of a gigabyte. */
const MOST_SLOPES = 1 << 26;

/** Rounds `modulations` [count, m]. Throws BadInputError `turns`. */
export async function roundBatch(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  modulations: Float32Array,
  options: RoundOptions,
): Promise<Rounded> {
  const { rate, turns, passing = [], loneNats = 0, bounds, signal, price } = options;
  if (!Number.isInteger(turns) || turns < 1) {
    throw new BadInputError('turns', `turns is a whole number of at least 1, not ${turns}`);
  }
  const layout = modulationLayout(net.spec, batch.shape);
  const channelOf = channelOfEach(layout);
  const steps = ofEachNumber(layout, rate.steps);
  const channels = options.channels ?? channelsInUse(layout, rate);
  const used = Uint8Array.from({ length: layout.channels }, (_, c) => Number(channels.includes(c)));
  const symbols = nearest(modulations, { channelOf, steps, used }, signal);
  const bits = price ?? logisticPrices(channelOf, rate);
  const pricing = { price: priceLone(bits, net.spec, batch.shape, loneNats), weight: rate.weight };
  const linear = (batch.targets.length / batch.count) * totalChannels(net.spec) <= MOST_SLOPES;
  const passed: Int32Array[] = [];
  const descended = await descend(engine, net, batch, symbols, steps, pricing, {
    turns: linear ? turns : 1,
    onTurn: (done) => {
      if (passing[passed.length] === done) passed.push(symbols.slice());
    },
    channels,
    bounds,
    signal,
  });
  const { diagonals, ...known } = summaryOf(batch, descended);
  const search = { channelOf, steps, pricing, used, modulations, diagonals };
  let moved: Rounded = { symbols, passed, ...known, search };
  if (linear) {
    // The rest found what the search ended with.
    while (passed.length < passing.length) passed.push(symbols);
    return moved;
  }
  let done = 1;
  for (const count of [...passing.slice(passed.length), turns]) {
    if (count > done) moved = await moveOn(engine, net, batch, moved, { moves: count - done, signal });
    done = count;
    passed.push(moved.symbols);
  }
  return { ...moved, passed: passed.slice(0, -1) };
}

/** Goes on from symbols that were found. True gradients know of no bounds: what is beyond one has nothing to win, and stays where it is. */
export async function moveOn(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  { symbols: start, targets, search }: Rounded,
  { moves, signal }: MoveOnOptions,
): Promise<Rounded> {
  const symbols = start.slice();
  const diagonals = search.diagonals ?? (await diagonalsOf(engine, net, batch, search, signal));
  const { channelOf, steps, pricing } = search;
  const movable = { symbols, channelOf, steps, diagonals };
  const met = { ...batch, targets };
  const found = await moveSymbols(engine, net, met, movable, pricing, { turns: moves, signal });
  return {
    symbols,
    passed: [],
    losses: Float64Array.from(found, ({ loss }) => loss),
    objectives: Float64Array.from(found, ({ objective }) => objective),
    targets,
    search: { ...search, diagonals },
  };
}

/** [count, m]: the nearest symbols, and 0 of channels that are not in use. */
function nearest(
  modulations: Float32Array,
  { channelOf, steps, used }: Pick<RoundSearch, 'channelOf' | 'steps' | 'used'>,
  signal: AbortSignal | undefined,
): Int32Array {
  const symbols = new Int32Array(modulations.length);
  for (let start = 0; start < symbols.length; start += steps.length) {
    if (signal?.aborted) throw new AbortedError();
    for (let i = 0; i < steps.length; i++)
      if (used[channelOf[i]!] === 1)
        symbols[start + i] = Math.floor(modulations[start + i]! / steps[i]! + 0.5);
  }
  return symbols;
}

function summaryOf(batch: Batch, chosen: readonly Chosen[]) {
  const targets = new Float32Array(batch.targets.length);
  chosen.forEach(({ met }, s) => {
    targets.set(met, s * met.length);
  });
  const diagonals = chosen.flatMap(({ diagonal }) => diagonal ?? []);
  return {
    losses: Float64Array.from(chosen, ({ loss }) => loss),
    objectives: Float64Array.from(chosen, ({ objective }) => objective),
    targets,
    diagonals: diagonals.length === batch.count ? diagonals : undefined,
  };
}

/** [count][channels]: by probes; without end for channels whose symbols stay. */
async function diagonalsOf(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  { modulations, used }: RoundSearch,
  signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const probed = await gramDiagonal(engine, net, batch.shape, modulations, new Rng(0), { signal });
  const own = probed.map((value, c) => (used[c] === 1 ? value : Number.POSITIVE_INFINITY));
  return new Array<Float64Array>(batch.count).fill(own);
}
