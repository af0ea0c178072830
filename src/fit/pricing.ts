/** What symbols cost those who choose them. */
import type { ModulationLayout } from '../field/layout.ts';
import { logisticNats } from './rate.ts';
import type { RateTerm } from './refine.ts';

/** What symbols cost, and what it changes to replace one of them, the others staying. In nats. */
export interface PricedSymbols {
  readonly nats: number;
  /** From the symbol `from` at index `i` to `to`. */
  change(i: number, from: number, to: number): number;
}

/** Prices symbols [m] of one signal. */
export type Price = (symbols: Int32Array) => PricedSymbols;

export interface Pricing {
  readonly price: Price;
  /** Inner loss that one nat is worth. */
  readonly weight: number;
}

/** Symbols other than 0 that a channel is expected to have in a signal at least, to be in use. */
const LEAST_EXPECTED = 0.01;

/** Channels that signals of this layout use at all, by the logistics of `rate`; at low qualities the fewest. */
export function channelsInUse({ levels }: ModulationLayout, { steps, scales }: RateTerm): number[] {
  return levels.flatMap(({ count, channels, first }) =>
    Array.from({ length: channels }, (_, k) => first + k).filter(
      (c) => (2 * count) / (1 + Math.exp(steps[c]! / (2 * scales[c]!))) >= LEAST_EXPECTED,
    ),
  );
}

/** Each symbol by itself, under the logistic of its channel. */
export function logisticPrices(channelOf: Uint32Array, { steps, scales }: RateTerm): Price {
  const tabled = 64;
  const compute = (c: number, k: number) => logisticNats(k * steps[c]!, steps[c]!, scales[c]!);
  let channels = 0;
  for (let i = 0; i < channelOf.length; i++) channels = Math.max(channels, channelOf[i]! + 1);
  const tables = Array.from({ length: channels }, (_, c) =>
    Float64Array.from({ length: tabled }, (_, k) => compute(c, k)),
  );
  const nats = (i: number, symbol: number) => {
    const c = channelOf[i]!;
    const k = symbol < 0 ? -symbol : symbol;
    return k < tabled ? tables[c]![k]! : compute(c, k);
  };
  const change = (i: number, from: number, to: number) => nats(i, to) - nats(i, from);
  return (symbols) => {
    let sum = 0;
    for (let i = 0; i < symbols.length; i++) sum += nats(i, symbols[i]!);
    return { nats: sum, change };
  };
}
