import { expect, test } from 'vitest';
import { orthonormalise, plainMultiply, principalAxes, symmetricEigen } from './eigen.ts';
import { Rng } from './rng.ts';

function symmetric(n: number, seed: number): Float64Array {
  const rng = new Rng(seed);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = rng.normal();
  return matrix;
}

test.each([1, 2, 3, 17, 40])(
  'a symmetric matrix of %i rows is its eigenvalues times its orthonormal eigenvectors',
  (n) => {
    const matrix = symmetric(n, n);
    const { values, vectors } = symmetricEigen(matrix, n);
    for (let v = 0; v < n; v++) {
      if (v > 0) expect(values[v]!).toBeLessThanOrEqual(values[v - 1]!);
      const vector = vectors.subarray(v * n, (v + 1) * n);
      for (let i = 0; i < n; i++) {
        let product = 0;
        let inner = 0;
        for (let j = 0; j < n; j++) {
          product += matrix[i * n + j]! * vector[j]!;
          inner += vectors[i * n + j]! * vector[j]!;
        }
        expect(product).toBeCloseTo(values[v]! * vector[i]!, 10);
        expect(inner).toBeCloseTo(i === v ? 1 : 0, 10);
      }
    }
  },
);

test('a diagonal matrix, and one of zeros, have the axes as eigenvectors', () => {
  const { values, vectors } = symmetricEigen(Float64Array.from([1, 0, 0, 0, 5, 0, 0, 0, 3]), 3);
  expect([...values]).toEqual([5, 3, 1]);
  expect([...vectors].map(Math.abs)).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
  expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
});

test('principal axes are found again from vectors made of them', () => {
  const [n, dimensions, count] = [400, 24, 3];
  const rng = new Rng(5);
  const made = Float32Array.from({ length: count * dimensions }, () => rng.normal());
  orthonormalise(made, dimensions);
  const spread = [5, 2, 1];
  const rows = new Float32Array(n * dimensions);
  for (let r = 0; r < n; r++) {
    for (let a = 0; a < count; a++) {
      const size = spread[a]! * rng.normal();
      for (let k = 0; k < dimensions; k++) rows[r * dimensions + k]! += size * made[a * dimensions + k]!;
    }
  }
  const { axes, variances } = principalAxes(rows, dimensions, count);
  const squares = rows.reduce((sum, x) => sum + x * x, 0) / n;
  expect(variances.reduce((sum, v) => sum + v, 0)).toBeCloseTo(squares, 3);
  const found = plainMultiply(axes, made, { m: count, n: count, k: dimensions, transposeB: true });
  for (let a = 0; a < count; a++) expect(Math.abs(found[a * count + a]!)).toBeGreaterThan(0.98);
  const gram = plainMultiply(axes, axes, { m: count, n: count, k: dimensions, transposeB: true });
  gram.forEach((x, i) => {
    expect(x).toBeCloseTo(i % (count + 1) === 0 ? 1 : 0, 5);
  });
});

test('products with either side transposed agree', () => {
  const a = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const b = Float32Array.from([1, 0, 2, 1, 1, 3]);
  const at = Float32Array.from([1, 4, 2, 5, 3, 6]);
  const bt = Float32Array.from([1, 2, 1, 0, 1, 3]);
  const sizes = { m: 2, n: 2, k: 3 };
  const plain = [...plainMultiply(a, b, sizes)];
  expect(plain).toEqual([8, 11, 20, 23]);
  expect([...plainMultiply(at, b, { ...sizes, transposeA: true })]).toEqual(plain);
  expect([...plainMultiply(a, bt, { ...sizes, transposeB: true })]).toEqual(plain);
});
