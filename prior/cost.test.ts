import { describe, expect, it } from 'vitest';
import { makeBank, readBank } from './bank.ts';
import { bitsOfValue, CostMeter, frequencyBits } from './cost.ts';

const bank = readBank(makeBank());

describe('the cost of symbols', () => {
  it('is the logarithm of the frequency', () => {
    const bits = frequencyBits();
    expect([bits[65536], bits[32768], bits[1]]).toEqual([0, 1, 16]);
    for (const f of [3, 1000, 40000]) expect(bits[f]).toBeCloseTo(16 - Math.log2(f), 12);
  });

  it('is the same for one value as on the meter, escapes and raw bits included', () => {
    for (const notch of [0, 20, 63, 64, 90, 143]) {
      for (const value of [0, 1, -1, 5, -40, 300, -5000, 2 ** 20, -(2 ** 20)]) {
        const table = bank.table(0, notch, 50);
        const offset = bank.offset(notch, 50);
        const meter = new CostMeter();
        expect(meter.code(table, offset, value)).toBe(value);
        expect(bitsOfValue(table, offset, value)).toBeCloseTo(meter.bitCount, 9);
      }
    }
  });
});
