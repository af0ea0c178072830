/**
 * Rate-distortion optimised rounding: modulations to multiples of their steps so that
 *   J = 1/2 sum of weighted squared errors + weight * nats
 * is low, not so that each is near. Cells overlap and channels interfere: what one symbol loses another can make up.
 *
 * From the nearest symbols, a linear field shows what is best of all overlaps in a few turns (descent.ts); where the field is not
 * linear over a step, true gradients find what that one does not see (moves.ts). J never rises. Symbols of channels that are not
 * in use at a quality are 0.
 */
import { AbortedError, BadInputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { channelLayout, channelOfSymbol } from '../field/channels.ts';
import { type BaseNetwork, totalChannels } from '../field/spec.ts';
import { type Bounds, descend } from './descent.ts';
import { priceLone } from './lone.ts';
import { moveSymbols } from './moves.ts';
import { channelsInUse, logisticPrices, type Price } from './pricing.ts';
import type { RateTerm } from './refine.ts';
import { gramDiagonal } from './start-rates.ts';

export interface RoundOptions extends CallOptions {
  readonly rate: RateTerm;
  /** Default: the logistics of `rate`. */
  readonly price?: Price | undefined;
  /** Turns of the descent: true errors and prices that are computed at most; 1 rounds each to the nearest. */
  readonly turns: number;
  /** Gradients that further moves are worth; none by default. */
  readonly moves?: number | undefined;
  /** What a symbol of the finest cells with only zeros around it has to be worth beyond its price (lone.ts), in nats; default: 0. */
  readonly loneNats?: number | undefined;
  /** Of field values, where a decoder clips them; none by default. */
  readonly bounds?: Bounds | undefined;
}

export interface Rounded {
  /** [count, m]: modulation = symbol * step. */
  readonly symbols: Int32Array;
  /** [count]: half the weighted sum of squared errors there. */
  readonly losses: Float64Array;
  /** [count]: J there; never above that of rounding to the nearest. */
  readonly objectives: Float64Array;
  /** [count, points, outputs]: the targets, and the field's own values where those are beyond a bound that a target is at. */
  readonly targets: Float32Array;
}

/** Slopes of one signal in memory at most: a larger one is left to the moves alone. A quarter of a gigabyte. */
const MOST_SLOPES = 1 << 26;

/** Rounds `modulations` [count, m]. Throws BadInputError `turns`. */
export async function roundBatch(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  modulations: Float32Array,
  { rate, turns, moves = 0, loneNats = 0, bounds, signal, price }: RoundOptions,
): Promise<Rounded> {
  if (!Number.isInteger(turns) || turns < 1) {
    throw new BadInputError('turns', `turns is a whole number of at least 1, not ${turns}`);
  }
  const layout = channelLayout(net.spec, batch.shape);
  const channelOf = channelOfSymbol(layout);
  const steps = new Float64Array(layout.length);
  for (let i = 0; i < steps.length; i++) steps[i] = rate.steps[channelOf[i]!]!;
  const channels = channelsInUse(layout, rate);
  const used = Uint8Array.from({ length: layout.channels }, (_, c) => Number(channels.includes(c)));
  const symbols = new Int32Array(modulations.length);
  for (let start = 0; start < symbols.length; start += steps.length) {
    if (signal?.aborted) throw new AbortedError();
    for (let i = 0; i < steps.length; i++)
      if (used[channelOf[i]!] === 1)
        symbols[start + i] = Math.floor(modulations[start + i]! / steps[i]! + 0.5);
  }
  const bits = price ?? logisticPrices(channelOf, rate);
  const pricing = { price: priceLone(bits, net.spec, batch.shape, loneNats), weight: rate.weight };
  const linear = (batch.targets.length / batch.count) * totalChannels(net.spec) <= MOST_SLOPES;
  const descending = linear ? turns : 1;
  const descended = await descend(engine, net, batch, symbols, steps, pricing, {
    turns: descending,
    channels,
    bounds,
    signal,
  });
  const targets = new Float32Array(batch.targets.length);
  descended.forEach(({ met }, s) => {
    targets.set(met, s * met.length);
  });
  const moving = moves + turns - descending;
  const found = moving > 0 ? await move() : descended;
  return {
    symbols,
    losses: Float64Array.from(found, ({ loss }) => loss),
    objectives: Float64Array.from(found, ({ objective }) => objective),
    targets,
  };

  async function move() {
    const known = descended.flatMap(({ diagonal }) => diagonal ?? []);
    const diagonals =
      known.length === batch.count
        ? known
        : new Array<Float64Array>(batch.count).fill(
            (await gramDiagonal(engine, net, batch.shape, modulations, new Rng(0), { signal })).map(
              (own, c) => (used[c] === 1 ? own : Number.POSITIVE_INFINITY),
            ),
          );
    const movable = { symbols, channelOf, steps, diagonals };
    // True gradients know of no bounds: what is beyond one has nothing to win, and stays where it is.
    return moveSymbols(engine, net, { ...batch, targets }, movable, pricing, { turns: moving, signal });
  }
}
