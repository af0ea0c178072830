/** What symbols cost: the same traversal that would write them adds up bits instead. */
import { log2 } from '../src/core/detmath.ts';
import { look } from '../src/core/look.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import { TableCoder } from './coder.ts';
import { type ChannelTable, type Symbols, type Table, tableBits } from './prior.ts';

let bitsOfFrequency: Float64Array | undefined;

/** [2^16 + 1]: bits of a symbol of that frequency, 16 - log2 of it; made on first use. */
export function frequencyBits(): Float64Array {
  bitsOfFrequency ??= Float64Array.from({ length: (1 << tableBits) + 1 }, (_, f) =>
    f === 0 ? Number.POSITIVE_INFINITY : tableBits - log2(f),
  );
  return bitsOfFrequency;
}

/** Adds up the bits of what it is given. */
export class CostMeter extends TableCoder {
  bitCount = 0;
  readonly #bits = frequencyBits();

  protected symbol(cdf: Uint32Array, index: number): number {
    this.bitCount += this.#bits[cdf[index + 1]! - cdf[index]!]!;
    return index;
  }

  bits(count: number, value: number): number {
    this.bitCount += count;
    return value;
  }

  take(intervals: Uint32Array): void {
    this.bitCount = bitsOfIntervals(intervals, this.bitCount);
  }
}

/** `before`, and the bits of intervals, one by one. */
export function bitsOfIntervals(intervals: Uint32Array, before = 0): number {
  const bits = frequencyBits();
  let sum = before;
  for (let i = 0; i < intervals.length; i++) sum += bits[intervals[i]! >>> tableBits]!;
  return sum;
}

/** Bits of symbols by the tables of their channels, as a meter that walks would add them up but for the order of the sum, in much less time. */
export function bitsOfChannels(
  { levels }: ModulationLayout,
  tables: readonly ChannelTable[],
  symbols: Symbols,
): number {
  let bits = 0;
  for (const { at, count, channels, first } of levels) {
    look();
    for (let c = 0; c < channels; c++) {
      const { table, offset } = tables[first + c]!;
      // Most are 0.
      const zero = bitsOfValue(table, offset, 0);
      for (let i = at + c, cell = count; cell > 0; cell--, i += channels)
        bits += symbols[i] === 0 ? zero : bitsOfValue(table, offset, symbols[i]!);
    }
  }
  return bits;
}

/** Bits of one value under a table, the escape's included. */
export function bitsOfValue(table: Table, offset: number, value: number): number {
  const { cdf, min, shift } = table;
  const last = cdf.length - 2;
  const index = ((value - offset) >> shift) - min;
  const table16 = frequencyBits();
  if (index >= 0 && index < last) return table16[cdf[index + 1]! - cdf[index]!]! + shift;
  const distance = index >= last ? index - last : -1 - index;
  const length = 31 - Math.clz32(distance + 1);
  return table16[cdf[last + 1]! - cdf[last]!]! + 1 + 2 * length + 1 + shift;
}
