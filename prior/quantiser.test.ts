import { describe, expect, it } from 'vitest';
import { BadInputError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { layoutOfGrids } from '../src/field/layout.ts';
import { maxSymbol } from './prior.ts';
import { dequantise, quantise, stepsAt } from './quantiser.ts';

const layout = layoutOfGrids([
  { cells: [1, 1], channels: 2, cell: null },
  { cells: [2, 3], channels: 1, cell: [4, 4] },
]);
const steps = Float32Array.of(0.5, 0.25, 2);

describe('the quantiser', () => {
  it('halves its steps every ten points of quality', () => {
    expect([...stepsAt(steps, 50)]).toEqual([0.5, 0.25, 2]);
    expect([...stepsAt(steps, 60)]).toEqual([0.25, 0.125, 1]);
    expect([...stepsAt(steps, 20)]).toEqual([4, 2, 16]);
    expect(stepsAt(steps, 55)[0]).toBeCloseTo(0.5 / Math.SQRT2, 12);
  });

  it('uses the step of each channel', () => {
    const modulation = Float32Array.of(1, 1, 4, -3, 5, 0.9, 1, -1);
    expect([...quantise(layout, modulation, stepsAt(steps, 50))]).toEqual([2, 4, 2, -1, 3, 0, 1, 0]);
  });

  it('is wrong by half a step at most, and right on what it gave back itself', () => {
    const rng = new Rng(1);
    for (const quality of [1, 33, 50, 100]) {
      const at = stepsAt(steps, quality);
      const modulation = Float32Array.from({ length: 8 }, () => 3 * rng.normal());
      const symbols = quantise(layout, modulation, at);
      const back = dequantise(layout, symbols, at);
      back.forEach((value, i) => {
        const step = at[Math.min(i, 2)]!;
        expect(Math.abs(value - modulation[i]!)).toBeLessThanOrEqual(step / 2 + 1e-6);
      });
      expect(quantise(layout, back, at)).toEqual(symbols);
    }
  });

  it('refuses what is not finite, too large or of another size', () => {
    const at = stepsAt(steps, 50);
    const one = (value: number) => Float32Array.of(value, 0, 0, 0, 0, 0, 0, 0);
    expect(() => quantise(layout, one(Number.NaN), at)).toThrow(/modulation\[0\] is NaN/);
    expect(() => quantise(layout, one(Number.POSITIVE_INFINITY), at)).toThrow(/Infinity/);
    expect(() => quantise(layout, one(maxSymbol), at)).toThrow(/lower quality/);
    expect(() => quantise(layout, new Float32Array(7), at)).toThrow(BadInputError);
    expect(() => dequantise(layout, new Int32Array(8), [1, 2])).toThrow(BadInputError);
    for (const quality of [0, 101, 50.5, Number.NaN])
      expect(() => stepsAt(steps, quality)).toThrow(BadInputError);
  });
});
