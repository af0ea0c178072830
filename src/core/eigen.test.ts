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

/** Q' diag(values) Q with Q orthonormal, by Gram and Schmidt in float64. */
function withSpectrum(values: readonly number[], seed: number): Float64Array {
  const n = values.length;
  const rng = new Rng(seed);
  const basis: number[][] = [];
  for (let i = 0; i < n; i++) {
    let v = Array.from({ length: n }, () => rng.normal());
    for (let turn = 0; turn < 2; turn++) {
      for (const u of basis) {
        const share = v.reduce((sum, x, k) => sum + x * u[k]!, 0);
        v = v.map((x, k) => x - share * u[k]!);
      }
    }
    const norm = Math.hypot(...v);
    basis.push(v.map((x) => x / norm));
  }
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const entry = values.reduce((sum, value, k) => sum + value * basis[k]![i]! * basis[k]![j]!, 0);
      matrix[i * n + j] = matrix[j * n + i] = entry;
    }
  }
  return matrix;
}

const spectra: Readonly<Record<string, (n: number) => number[]>> = {
  'eight of any size, the rest zero': (n) => Array.from({ length: n }, (_, i) => (i < 8 ? 1 + i : 0)),
  'one of any size, the rest zero': (n) => Array.from({ length: n }, (_, i) => Number(i === 0)),
  'all equal': (n) => new Array<number>(n).fill(3),
  'two of many each': (n) => Array.from({ length: n }, (_, i) => 1 + (i % 2)),
  'falling over 200 decades': (n) => Array.from({ length: n }, (_, i) => 10 ** ((-200 * i) / n)),
  'of either sign': (n) => Array.from({ length: n }, (_, i) => (i % 3) - 1),
};

test.each(
  Object.entries(spectra).flatMap(([name, spectrum]) =>
    [1, 1e-40, 1e-160, 1e-305, 1e40, 1e160, 1e300].map((scale) => ({ name, spectrum, scale })),
  ),
)('eigenvalues $name, times $scale, come back, with orthonormal vectors', ({ spectrum, scale }) => {
  for (const n of [2, 9, 40]) {
    const wanted = spectrum(n).map((value) => value * scale);
    const { values, vectors } = symmetricEigen(withSpectrum(wanted, n), n);
    const largest = Math.max(...wanted.map(Math.abs));
    wanted.sort((a, b) => b - a);
    wanted.forEach((value, i) => {
      expect(Math.abs(values[i]! - value) / largest).toBeLessThan(1e-13);
    });
    for (let a = 0; a < n; a++) {
      for (let b = 0; b <= a; b++) {
        let inner = 0;
        for (let j = 0; j < n; j++) inner += vectors[a * n + j]! * vectors[b * n + j]!;
        expect(Math.abs(inner - Number(a === b))).toBeLessThan(1e-12);
      }
    }
  }
});

test.each([1, 1e-30, 1e-42, 1e30])(
  'the axes of eight different rows among three hundred equal ones are finite, at a scale of %d',
  (scale) => {
    const [n, dimensions, count] = [308, 64, 48];
    const rng = new Rng(7);
    const rows = new Float32Array(n * dimensions);
    for (let i = 0; i < 8 * dimensions; i++) rows[i] = rng.normal();
    for (let k = 0; k < dimensions; k++) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += rows[i * dimensions + k]! / n;
      for (let i = 0; i < n; i++) rows[i * dimensions + k]! = scale * (rows[i * dimensions + k]! - mean);
    }
    const { axes, variances } = principalAxes(rows, dimensions, count);
    expect(axes.every(Number.isFinite)).toBe(true);
    expect(variances.every(Number.isFinite)).toBe(true);
    const squares = rows.reduce((sum, x) => sum + (x / scale) ** 2, 0) / n;
    const kept = variances.reduce((sum, v) => sum + v, 0) / scale / scale;
    if (scale > 1e-40) expect(kept / squares).toBeCloseTo(1, 3);
    const gram = plainMultiply(axes, axes, { m: count, n: count, k: dimensions, transposeB: true });
    gram.forEach((x, i) => {
      const diagonal = i % (count + 1) === 0;
      expect(Math.min(Math.abs(x), diagonal ? Math.abs(x - 1) : Infinity)).toBeLessThan(1e-4);
    });
  },
);

test('rows that are all zero have axes of no length', () => {
  const { axes, variances } = principalAxes(new Float32Array(12), 4, 2);
  expect([...axes, ...variances]).toEqual(new Array(10).fill(0));
});

test('what is not finite is refused, not spread', () => {
  expect(() => symmetricEigen(Float64Array.from([1, Number.NaN, 0, 1]), 2)).toThrow(/finite/);
  expect(() => principalAxes(Float32Array.from([1, 2, Infinity, 0]), 2, 1)).toThrow(/finite/);
});
