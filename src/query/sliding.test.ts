/** Sums under a pattern that slides, against sums that are written out. */
import { expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { SlidingPattern } from './sliding.ts';

/** By compensated summation (Kahan): of many numbers a plain sum is off by as much as the transforms. */
function exactSum(numbers: Float64Array): number {
  let [sum, rest] = [0, 0];
  for (const x of numbers) {
    const next = sum + (x - rest);
    rest = next - sum - (x - rest);
    sum = next;
  }
  return sum;
}

const turn = () => Promise.resolve();

it.each([
  ['a short pattern', 300, 12],
  ['one number', 300, 1],
  ['as long as the row', 500, 500],
  ['a row of many blocks', 9000, 700],
  ['a pattern of many parts', 40_000, 17_000],
])('gives the sums of every place: %s', async (_, n, length) => {
  const rng = new Rng(7);
  const row = Float64Array.from({ length: n }, () => rng.normal());
  const known = Float64Array.from({ length }, () => Number(rng.uniform() < 0.7));
  known[length - 1] = 1;
  const weights = known.map((is) => is * rng.normal());
  let next = 0;
  const pattern = await SlidingPattern.of({ weights, known }, turn);
  for await (const { first, count, moments, products, ...off } of pattern.slide(row, turn)) {
    expect(first).toBe(next);
    next += count;
    // Of long ones some places do.
    for (let i = 0; i < count; i += length > 100 ? 97 : 1) {
      const x = row.subarray(first + i, first + i + length);
      const sum = exactSum(known.map((is, p) => is * x[p]!));
      const squares = exactSum(known.map((is, p) => is * x[p]! ** 2));
      const product = exactSum(weights.map((w, p) => w * x[p]!));
      expect(Math.abs(moments[2 * i]! - sum)).toBeLessThan(off.momentsOff);
      expect(Math.abs(moments[2 * i + 1]! - squares)).toBeLessThan(off.momentsOff);
      expect(Math.abs(products[2 * i]! - product)).toBeLessThan(off.productsOff);
      expect(Math.max(off.momentsOff, off.productsOff)).toBeLessThan(1e-9);
    }
  }
  expect(next).toBe(n - length + 1);
});
