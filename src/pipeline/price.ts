/** What a prior charges for symbols, for choosing them: the true costs that rounding weighs against error. */
import { bitsOf } from '../../prior/cost.ts';
import type { EntropyPrior, SymbolCoder, SymbolLayout, Table } from '../../prior/prior.ts';
import type { PricedSymbols } from '../learn/index.ts';

const natsPerBit = Math.LN2;

/** In one walk. What a move does to the tables of later symbols is not in its change. */
export function priceWith(
  prior: EntropyPrior,
  layout: SymbolLayout,
  quality: number,
  symbols: Int32Array,
): PricedSymbols {
  const meter = new MoveMeter(layout.length);
  prior.walk(layout, quality, symbols, meter);
  const { now, up, down, zero } = meter;
  return {
    nats: now.reduce((sum, bits) => sum + bits, 0) * natsPerBit,
    change: (i, from, to) =>
      ((to === from + 1 ? up : to === from - 1 ? down : zero)[i]! - now[i]!) * natsPerBit,
  };
}

/** Bits of every symbol, of its two neighbours and of zero. */
class MoveMeter implements SymbolCoder {
  readonly now: Float64Array;
  readonly up: Float64Array;
  readonly down: Float64Array;
  readonly zero: Float64Array;
  #next = 0;

  constructor(length: number) {
    this.now = new Float64Array(length);
    this.up = new Float64Array(length);
    this.down = new Float64Array(length);
    this.zero = new Float64Array(length);
  }

  code(table: Table, offset: number, value: number): number {
    const i = this.#next++;
    this.now[i] = bitsOf(table, offset, value);
    this.up[i] = bitsOf(table, offset, value + 1);
    this.down[i] = bitsOf(table, offset, value - 1);
    this.zero[i] = bitsOf(table, offset, 0);
    return value;
  }
}
