import { expect, test } from 'vitest';
import { Adam, clipScale, cosineSchedule, gradientNorm } from './adam.ts';

test('the first steps are those of the paper, worked by hand', () => {
  const parameters = Float64Array.of(1, -2);
  const adam = new Adam([{ name: 'a', parameters, learningRate: 0.1 }], {
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 0,
  });
  adam.step([Float64Array.of(3, -0.5)]);
  expect([...parameters]).toEqual([expect.closeTo(0.9, 12), expect.closeTo(-1.9, 12)]);
  adam.step([Float64Array.of(-1, -0.5)]);
  const m = (0.9 * 0.3 - 0.1) / (1 - 0.81);
  const v = (0.99 * 0.09 + 0.01) / (1 - 0.9801);
  expect(parameters[0]).toBeCloseTo(0.9 - (0.1 * m) / Math.sqrt(v), 12);
  expect(parameters[1]).toBeCloseTo(-1.8, 12);
});

test('a group without gradient keeps its parameters and starts its own count later', () => {
  const a = Float64Array.of(0);
  const b = Float64Array.of(0);
  const adam = new Adam([
    { name: 'a', parameters: a, learningRate: 0.1 },
    { name: 'b', parameters: b, learningRate: 0.2 },
  ]);
  for (let k = 0; k < 5; k++) adam.step([Float64Array.of(1), null]);
  expect(b[0]).toBe(0);
  adam.step([Float64Array.of(1), Float64Array.of(1)]);
  expect(b[0]).toBeCloseTo(-0.2, 6);
  expect(adam.moments.map(({ count }) => count)).toEqual([6, 1]);
});

test('a quadratic bowl is descended', () => {
  const x = Float64Array.of(3, -4);
  const adam = new Adam([{ name: 'x', parameters: x, learningRate: 0.1 }]);
  for (let k = 0; k < 500; k++)
    adam.step([Float64Array.of(2 * x[0]!, 20 * x[1]!)], cosineSchedule(k, 500, 10, 0));
  expect(Math.hypot(x[0]!, x[1]!)).toBeLessThan(1e-2);
});

test('a norm is that of all groups, and tells when a number is not finite', () => {
  expect(gradientNorm([Float64Array.of(3), null, Float64Array.of(4)])).toBe(5);
  expect(gradientNorm([Float64Array.of(1, Number.NaN)])).toBeNaN();
  expect(gradientNorm([Float64Array.of(Number.POSITIVE_INFINITY)])).toBe(Number.POSITIVE_INFINITY);
});

test('clipping shortens long gradients alone, and 0 turns it off', () => {
  expect(clipScale(10, 5)).toBe(0.5);
  expect(clipScale(4, 5)).toBe(1);
  expect(clipScale(1e9, 0)).toBe(1);
});

test('the schedule warms up, falls, and ends at its share', () => {
  expect(cosineSchedule(0, 1000, 50, 0.02)).toBeCloseTo(0.02, 5);
  expect(cosineSchedule(49, 1000, 50, 0.02)).toBeGreaterThan(0.99);
  expect(cosineSchedule(500, 1000, 50, 0.02)).toBeCloseTo(0.51, 6);
  expect(cosineSchedule(1000, 1000, 50, 0.02)).toBeCloseTo(0.02, 12);
});
