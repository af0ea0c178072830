import { describe, expect, it } from 'vitest';
import { BadInputError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { coinppBits, dequantiseCoinpp, fitCoinpp, quantiseCoinpp } from './coinpp.ts';

function gaussian(seed: number, count: number): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length: count }, () => 2 + 0.5 * rng.normal());
}

describe("COIN++'s coder", () => {
  it('spends on a normal distribution what 31 steps over 6 deviations ask for', () => {
    const coder = fitCoinpp([gaussian(1, 50_000)], 5);
    const test = gaussian(2, 50_000);
    // The entropy of a normal variable clipped to 3 deviations in steps of 6/31 of one.
    expect(coinppBits(coder, quantiseCoinpp(coder, test)) / test.length).toBeCloseTo(4.416, 1);
  });

  it('clips at three deviations and rounds halves to even', () => {
    const coder = { bits: 2, mean: 1, deviation: 2, counts: new Float64Array(4) };
    // Levels stand at -5, -1, 3, 7; halves between them at -3, 1, 5.
    expect([...quantiseCoinpp(coder, Float32Array.of(-99, -5, -3, -1, 1, 3, 5, 99))]).toEqual([
      0, 0, 0, 1, 2, 2, 2, 3,
    ]);
    expect([...dequantiseCoinpp(coder, Uint16Array.of(0, 1, 2, 3))].map(Math.round)).toEqual([-5, -1, 3, 7]);
  });

  it('takes its statistics from the training set alone, and prices unseen levels as seen once', () => {
    const coder = fitCoinpp([Float32Array.of(-1, -1, 1, 1)], 4);
    expect(coder.mean).toBe(0);
    expect(coder.deviation).toBeCloseTo(Math.sqrt(4 / 3));
    expect(coinppBits(coder, Uint16Array.of(0))).toBe(2);
  });

  it('refuses what has no deviation', () => {
    expect(() => fitCoinpp([], 5)).toThrow(BadInputError);
    expect(() => fitCoinpp([Float32Array.of(3, 3)], 5)).toThrow(BadInputError);
    expect(() => fitCoinpp([Float32Array.of(1, 2)], 0)).toThrow(BadInputError);
  });
});
