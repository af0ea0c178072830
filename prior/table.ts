/** Integer frequency tables: made from counts, packed into tensors, read back and checked. */
import { BadInputError } from '../src/core/errors.ts';
import { type Table, tableBits } from './prior.ts';

const total = 1 << tableBits;

/** Symbols a table may have: enough for any prior here, few enough that every one can have a frequency. */
export const maxTableSize = 4096;

/** Tables one after another, as tensors hold them. */
export interface PackedTables {
  /** Frequencies of all tables, each table's summing to 2^16. */
  readonly frequencies: Uint16Array;
  /** [tables]: symbols of each, the escape included. */
  readonly sizes: Uint16Array;
  /** [tables]: value of each table's first symbol. */
  readonly minima: Int16Array;
}

/** A table of these frequencies (sum 2^16, none zero, the last one the escape's). Throws BadInputError `prior-table`. */
export function tableOf(frequencies: ArrayLike<number>, min: number, shift = 0): Table {
  return { cdf: cumulate(frequencies, 0, frequencies.length, 'table'), min, shift };
}

/**
 * The table nearest to these counts: entry i is for value min + i, the last for the escape; none is left out, so a
 * count of 0 costs at least 16 bits and no more. Frequencies are proportional, rounded to sum to 2^16.
 */
export function tableFromCounts(counts: ArrayLike<number>, min: number): Table {
  return tableOf(frequenciesFromCounts(counts), min);
}

export function frequenciesFromCounts(counts: ArrayLike<number>): Uint16Array {
  const n = counts.length;
  if (n < 2 || n > maxTableSize)
    throw new BadInputError('prior-table', `a table has 2 to ${maxTableSize} symbols, not ${n}`);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += counts[i]!;
  const frequencies = new Uint16Array(n);
  let left = total;
  for (let i = 0; i < n; i++) {
    const share = sum > 0 ? (counts[i]! / sum) * total : total / n;
    frequencies[i] = Math.min(total - n + 1, Math.max(1, Math.floor(share + 0.5)));
    left -= frequencies[i]!;
  }
  // What rounding left over goes to, or comes from, the largest: that costs them least.
  const order = Array.from(frequencies.keys()).sort((a, b) => frequencies[b]! - frequencies[a]! || a - b);
  while (left !== 0) {
    for (const i of order) {
      if (left === 0) break;
      const change = Math.sign(left) * Math.max(1, Math.floor((Math.abs(left) * frequencies[i]!) / total));
      if (frequencies[i]! + change < 1) continue;
      frequencies[i]! += change;
      left -= change;
    }
  }
  return frequencies;
}

/** Packs tables of shift 0. */
export function packTables(tables: readonly Table[]): PackedTables {
  const sizes = Uint16Array.from(tables, ({ cdf }) => cdf.length - 1);
  const frequencies = new Uint16Array(sizes.reduce((sum, n) => sum + n, 0));
  let at = 0;
  for (const { cdf } of tables) {
    for (let i = 1; i < cdf.length; i++) frequencies[at++] = cdf[i]! - cdf[i - 1]!;
  }
  return { frequencies, sizes, minima: Int16Array.from(tables, ({ min }) => min) };
}

/** Unpacks and checks `count` tables. Throws BadInputError `prior-table` naming the one at fault. */
export function unpackTables(packed: PackedTables, name: string, count: number): Table[] {
  const { frequencies, sizes, minima } = packed;
  if (sizes.length !== count || minima.length !== count) {
    throw new BadInputError(
      'prior-table',
      `${name}: ${count} tables wanted, ${sizes.length} sizes and ${minima.length} minima`,
    );
  }
  let at = 0;
  const tables = Array.from(sizes, (n, i) => {
    const cdf = cumulate(frequencies, at, n, `${name} table ${i}`);
    at += n;
    return { cdf, min: minima[i]!, shift: 0 };
  });
  if (at !== frequencies.length) {
    throw new BadInputError(
      'prior-table',
      `${name}: ${frequencies.length} frequencies for tables of ${at} symbols in all`,
    );
  }
  return tables;
}

/** Largest frequency in these tables. */
export function largestFrequencyOf(tables: readonly Table[]): number {
  let largest = 0;
  for (const { cdf } of tables)
    for (let i = 1; i < cdf.length; i++) largest = Math.max(largest, cdf[i]! - cdf[i - 1]!);
  return largest;
}

function cumulate(frequencies: ArrayLike<number>, at: number, n: number, name: string): Uint32Array {
  if (n < 2 || n > maxTableSize || at + n > frequencies.length) {
    throw new BadInputError(
      'prior-table',
      `${name}: ${n} symbols, 2 to ${maxTableSize} wanted and ${frequencies.length - at} given`,
    );
  }
  const cdf = new Uint32Array(n + 1);
  for (let i = 0; i < n; i++) {
    const frequency = frequencies[at + i]!;
    if (!(frequency >= 1))
      throw new BadInputError('prior-table', `${name}: the frequency of symbol ${i} is zero`);
    cdf[i + 1] = cdf[i]! + frequency;
  }
  if (cdf[n] !== total)
    throw new BadInputError('prior-table', `${name}: frequencies sum to ${cdf[n]}, not ${total}`);
  return cdf;
}
