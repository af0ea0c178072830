import { expect, test } from 'vitest';
import { choleskyFactor } from './cholesky.ts';

test('the factor times its transpose is the matrix', () => {
  const l = choleskyFactor(Float64Array.of(4, 2, -2, 2, 10, 5, -2, 5, 9), 3, 0);
  expect([...l]).toEqual([2, 0, 0, 1, 3, 0, -1, 2, 2]);
});

test('the triangle above the diagonal is not read', () => {
  const l = choleskyFactor(Float64Array.of(4, Number.NaN, 2, 10), 2, 0);
  expect([...l]).toEqual([2, 0, 1, 3]);
});

test('what is left of a singular matrix is the least that was asked for', () => {
  const l = choleskyFactor(Float64Array.of(1, 1, 1, 1), 2, 0.25);
  expect([...l]).toEqual([1, 0, 1, 0.5]);
});
