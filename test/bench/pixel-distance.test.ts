import { expect, test } from 'vitest';
import {
  frechet,
  memorisation,
  nearest,
  precisionRecall,
  type Vectors,
} from '../../bench/generative/pixels/distance.ts';
import { Rng } from '../../src/core/rng.ts';

/** Normal vectors of a mean and a deviation of every number. */
function normal(n: number, dimensions: number, seed: number, mean = 0, deviation = 1): Vectors {
  const rng = new Rng(seed);
  const values = Float32Array.from({ length: n * dimensions }, () => mean + deviation * rng.normal());
  return { values, dimensions };
}

test('the Frechet distance of a set to itself is zero, and of a shifted one the square of the shift', () => {
  const set = normal(200, 5, 1);
  expect(frechet(set, set)).toBeCloseTo(0, 5);
  const shifted = { ...set, values: set.values.map((x) => x + 2) };
  expect(frechet(set, shifted)).toBeCloseTo(5 * 4, 3);
});

test('the Frechet distance of a stretched set is the squared difference of deviations along each axis', () => {
  const set = normal(300, 4, 2);
  const doubled = { ...set, values: set.values.map((x) => 2 * x) };
  // d^2 = |mean|^2 + sum (2 s - s)^2, with the eigenvalues s^2 of the covariance: its trace.
  let expected = 0;
  for (let i = 0; i < 4; i++) {
    const own = Array.from({ length: 300 }, (_, r) => set.values[r * 4 + i]!);
    const mean = own.reduce((sum, x) => sum + x, 0) / 300;
    expected += mean ** 2 + own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 299;
  }
  expect(frechet(set, doubled)).toBeCloseTo(expected, 4);
});

test('samples of the same distribution have high precision and recall, a narrow set low recall, a far one neither', () => {
  const real = normal(400, 3, 3);
  const same = precisionRecall(real, normal(400, 3, 4), 5);
  expect(Math.min(same.precision, same.recall)).toBeGreaterThan(0.85);
  const narrow = precisionRecall(real, normal(400, 3, 5, 0, 0.2), 5);
  expect(narrow.precision).toBeGreaterThan(0.95);
  expect(narrow.recall).toBeLessThan(0.3);
  expect(precisionRecall(real, normal(400, 3, 6, 50), 5)).toEqual({ precision: 0, recall: 0 });
});

test('copies of the training set are told from new samples by their nearest neighbours', () => {
  const train = normal(500, 4, 7);
  const copies = { ...train, values: train.values.slice(0, 400) };
  expect(memorisation(copies, normal(100, 4, 8), train)).toBeLessThan(0.01);
  const fresh = memorisation(normal(300, 4, 9), normal(300, 4, 10), train);
  expect(Math.abs(fresh - 1)).toBeLessThan(0.2);
});

test('the nearest of many is found across blocks of distances', () => {
  const others = normal(2500, 2, 11);
  const asked = { values: Float32Array.from([...others.values.slice(4200, 4202), 100, 0]), dimensions: 2 };
  const found = nearest(asked, others);
  expect(found[0]).toBeLessThan(1e-2);
  const far = Array.from({ length: 2500 }, (_, i) =>
    Math.hypot(others.values[2 * i]! - 100, others.values[2 * i + 1]!),
  );
  expect(found[1]).toBeCloseTo(Math.min(...far), 2);
});

test('sets of other dimensions, or k as large as a set, are refused', () => {
  const set = normal(10, 3, 12);
  expect(() => frechet(set, normal(10, 2, 1))).toThrow(expect.objectContaining({ code: 'bench-vectors' }));
  expect(() => precisionRecall(set, set, 10)).toThrow(expect.objectContaining({ code: 'bench-neighbours' }));
});
