/**
 * How a value becomes symbols of a table, raw bits and, outside the table, an escape; written once for all coders.
 * A coder supplies the two primitives.
 *
 * Outside the table: the escape symbol, one bit (1: above), then the distance e >= 0 to the nearest value of the
 * table as an Exp-Golomb code of order 0: with j the bit length of e + 1 less one, j ones, a zero, and the j low
 * bits of e + 1, high part first in pieces of at most 16. A table of shift k codes value >> k this way, and the k
 * low bits follow raw.
 */
import { BadStreamError } from '../src/core/errors.ts';
import { maxSymbol, type SymbolCoder, type Table } from './prior.ts';

/** Longest j of an escape: e + 1 < 2^(maxEscapeBits + 1) covers every distance between two symbols. */
const maxEscapeBits = 22;

export abstract class TableCoder implements SymbolCoder {
  /** Codes symbol `index` of a table (decoders may take it for a guess) and returns the symbol. */
  protected abstract symbol(cdf: Uint32Array, index: number): number;

  /** Codes `count` (1 to 16) equally likely bits: `value` in [0, 2^count), ignored by decoders. Returns the value. */
  abstract bits(count: number, value: number): number;

  /** Where to say a fault is. */
  protected get at(): number {
    return 0;
  }

  code(table: Table, offset: number, value: number): number {
    const { cdf, min, shift } = table;
    const last = cdf.length - 2;
    const index = ((value - offset) >> shift) - min;
    const found = this.symbol(cdf, index >= 0 && index < last ? index : last);
    if (found === last) return this.#outside(table, offset, value, index);
    if (shift === 0) return offset + min + found;
    return offset + ((min + found) << shift) + this.bits(shift, (value - offset) & ((1 << shift) - 1));
  }

  #outside({ cdf, min, shift }: Table, offset: number, value: number, index: number): number {
    const size = cdf.length - 2;
    const above = this.bits(1, index >= size ? 1 : 0);
    const distance = this.#distance(index >= size ? index - size : -1 - index);
    const unit = 1 << shift;
    const low = shift === 0 ? 0 : this.bits(shift, (value - offset) & (unit - 1));
    // Products, not shifts: a damaged stream can ask for more than 32 bits hold.
    const found = offset + (min + (above === 1 ? size + distance : -1 - distance)) * unit + low;
    if (found < -maxSymbol || found > maxSymbol) {
      throw new BadStreamError('symbol-range', this.at, `a symbol of ${found} is beyond +-${maxSymbol}`);
    }
    return found;
  }

  #distance(wanted: number): number {
    const given = wanted + 1;
    const length = given >= 1 ? 31 - Math.clz32(given) : 0;
    let j = 0;
    while (this.bits(1, j < length ? 1 : 0) === 1) {
      if (++j > maxEscapeBits)
        throw new BadStreamError('symbol-range', this.at, 'an escape code is too long');
    }
    let found = 1;
    for (let left = j; left > 0; ) {
      const count = Math.min(16, left);
      left -= count;
      found = found * (1 << count) + this.bits(count, (given >>> left) & ((1 << count) - 1));
    }
    return found - 1;
  }
}
