/** Sums under a pattern that slides, against sums that are written out. */
import { expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { SlidingPattern } from './sliding.ts';

it.each([
  ['a short pattern', 300, 12],
  ['one number', 300, 1],
  ['as long as the row', 500, 500],
  ['a row of many blocks', 9000, 700],
  ['a pattern of many parts', 40_000, 17_000],
])('gives the sums of every place: %s', (_, n, length) => {
  const rng = new Rng(7);
  const row = Float64Array.from({ length: n }, () => rng.normal());
  const known = Float64Array.from({ length }, () => Number(rng.uniform() < 0.7));
  known[length - 1] = 1;
  const weights = known.map((is) => is * rng.normal());
  let next = 0;
  for (const { first, count, moments, products } of new SlidingPattern({ weights, known }).slide(row)) {
    expect(first).toBe(next);
    next += count;
    // Of long ones some places do.
    for (let i = 0; i < count; i += length > 100 ? 97 : 1) {
      let [sum, squares, product] = [0, 0, 0];
      for (let p = 0; p < length; p++) {
        const x = known[p]! * row[first + i + p]!;
        sum += x;
        squares += x * x;
        product += weights[p]! * row[first + i + p]!;
      }
      expect(moments[2 * i]).toBeCloseTo(sum, 9);
      expect(moments[2 * i + 1]).toBeCloseTo(squares, 9);
      expect(products[2 * i]).toBeCloseTo(product, 9);
    }
  }
  expect(next).toBe(n - length + 1);
});
