import { describe, expect, it } from 'vitest';
import { BadInputError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import {
  frequenciesFromCounts,
  maxTableSize,
  packTables,
  tableFromCounts,
  tableOf,
  unpackTables,
} from './table.ts';

describe('tables', () => {
  it('have frequencies in proportion to the counts, none zero, that sum to 2^16', () => {
    const rng = new Rng(1);
    for (let trial = 0; trial < 300; trial++) {
      const n = 2 + rng.below(300);
      const counts = Array.from({ length: n }, () =>
        rng.below(3) === 0 ? 0 : rng.below(10 ** (1 + rng.below(6))),
      );
      const frequencies = frequenciesFromCounts(counts);
      const total = counts.reduce((sum, count) => sum + count, 0);
      expect(frequencies.reduce((sum, f) => sum + f, 0)).toBe(65536);
      expect(Math.min(...frequencies)).toBeGreaterThanOrEqual(1);
      counts.forEach((count, i) => {
        if (total > 0) expect(Math.abs(frequencies[i]! - (65536 * count) / total)).toBeLessThan(2 + n / 2);
      });
    }
  });

  it('cope with counts that are all zero, all in one place, or as many as a table holds', () => {
    expect([...frequenciesFromCounts([0, 0, 0, 0])]).toEqual([16384, 16384, 16384, 16384]);
    expect([...frequenciesFromCounts([0, 1e9, 0])]).toEqual([1, 65534, 1]);
    expect(frequenciesFromCounts(new Float64Array(maxTableSize)).every((f) => f === 16)).toBe(true);
    expect(() => frequenciesFromCounts([1])).toThrow(BadInputError);
    expect(() => frequenciesFromCounts(new Float64Array(maxTableSize + 1))).toThrow(BadInputError);
  });

  it('survive packing', () => {
    const tables = [tableFromCounts([5, 3, 1], -1), tableFromCounts([1, 0, 0, 9, 2], -300)];
    expect(unpackTables(packTables(tables), 'test', 2)).toEqual(tables);
  });

  it('are refused with a zero, a wrong sum, a wrong size or a wrong number', () => {
    const code = (act: () => unknown) => {
      try {
        act();
        return 'none';
      } catch (error) {
        return (error as BadInputError).code;
      }
    };
    expect(code(() => tableOf([0, 65536], 0))).toBe('prior-table');
    expect(code(() => tableOf([1, 65534], 0))).toBe('prior-table');
    expect(code(() => tableOf([65536], 0))).toBe('prior-table');
    const packed = packTables([tableFromCounts([5, 3, 1], 0)]);
    expect(code(() => unpackTables(packed, 'test', 2))).toBe('prior-table');
    expect(code(() => unpackTables({ ...packed, sizes: Uint16Array.of(2) }, 'test', 1))).toBe('prior-table');
    expect(code(() => unpackTables({ ...packed, sizes: Uint16Array.of(4) }, 'test', 1))).toBe('prior-table');
  });
});
