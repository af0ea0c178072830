import { describe, expect, it } from 'vitest';
import { makeBank, readBank } from './bank.ts';
import { Chooser } from './choose.ts';
import { bitsOf } from './cost.ts';

const bank = readBank(makeBank());
const table = bank.table(0, 24, 40);
const offset = bank.offset(24, 40);

describe('choosing symbols by rate and distortion', () => {
  it('keeps the nearest when bits are free, and takes the cheapest near by when they are dear', () => {
    const targets = [3.4, -2.6, 0.4];
    const choose = (lambda: number) => {
      const chooser = new Chooser({ targets, weights: [1, 1, 1], lambda });
      return targets.map((target) => chooser.code(table, offset, Math.round(target)));
    };
    expect(choose(0)).toEqual([3, -3, 0]);
    expect(choose(1e9)).toEqual([1, 1, 1]);
  });

  it('never costs more than rounding does, and counts its bits', () => {
    for (let i = 0; i < 200; i++) {
      const target = (i - 100) / 13;
      const chooser = new Chooser({ targets: [target], weights: [2], lambda: 0.3 });
      const cost = (symbol: number) => 2 * (symbol - target) ** 2 + 0.3 * bitsOf(table, offset, symbol);
      const chosen = chooser.code(table, offset, Math.round(target));
      expect(cost(chosen)).toBeLessThanOrEqual(cost(Math.round(target)));
      expect(chooser.bitCount).toBe(bitsOf(table, offset, chosen));
    }
  });
});
