import { expect, test } from 'vitest';
import { fromHalf, toHalf } from './half.ts';

test.each([
  [1, 1],
  [-2.5, -2.5],
  [0.1, 0.0999755859375],
  [2049, 2048],
  [2051, 2052],
  [65519, 65504],
  [1e9, 65504],
  [2 ** -24, 2 ** -24],
  [2 ** -25, 0],
  [3 * 2 ** -26, 2 ** -24],
  [6.1e-5, 6.097555160522461e-5],
  [0, 0],
])('%d in half precision is %d', (value, half) => {
  expect([...fromHalf(toHalf(Float32Array.of(value, -value)))]).toEqual([half, -half]);
});
