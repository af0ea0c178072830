/** Principal axes of many vectors: orthogonal iteration (Golub and Van Loan, 8.2.4), then Rayleigh and Ritz in what it found. */
import { BadInputError, BugError } from './errors.ts';
import { look } from './look.ts';
import { Rng } from './rng.ts';

/** c [m, n] = a [m, k] b [k, n], where `a` may be stored as [k, m] and `b` as [n, k]; row-major. */
export type Multiply = (
  a: Float32Array,
  b: Float32Array,
  sizes: { m: number; n: number; k: number; transposeA?: boolean; transposeB?: boolean },
) => Float32Array;

export interface Axes {
  /** [count, dimensions], orthonormal, by falling variance. */
  readonly axes: Float32Array;
  /** [count]: mean square of the data along each. */
  readonly variances: Float64Array;
}

/**
 * The `count` axes of largest variance of `rows` [n, dimensions], which are centred already. Axes of small and near variances
 * may mix after `rounds` turns: they are an orthonormal basis whatever. Where the rows span fewer than `count` dimensions, the
 * axes beyond are orthonormal to the others, or zero. Throws BadInputError `not-finite`.
 */
export function principalAxes(
  rows: Float32Array,
  dimensions: number,
  count: number,
  { rounds = 3, multiply = plainMultiply }: { rounds?: number; multiply?: Multiply } = {},
): Axes {
  const n = rows.length / dimensions;
  const unit = powerOfTwo(rows);
  // Squares of float32 leave their range long before the numbers do. A power of two changes no digit.
  const scaled = unit === 1 ? rows : rows.map((x) => x / unit);
  const rng = new Rng(1);
  let basis = Float32Array.from({ length: count * dimensions }, () => rng.uniform() - 0.5);
  orthonormalise(basis, dimensions, multiply);
  for (let round = 0; round < rounds; round++) {
    const along = multiply(scaled, basis, { m: n, n: count, k: dimensions, transposeB: true });
    basis = Float32Array.from(multiply(along, scaled, { m: count, n: dimensions, k: n, transposeA: true }));
    orthonormalise(basis, dimensions, multiply);
  }
  // Rows that became zero would mix with what has no variance, and leave axes that are not of length 1.
  const whole = rowsThatAreNotZero(basis, dimensions);
  const kept = whole.length / dimensions;
  if (kept === 0) return { axes: new Float32Array(count * dimensions), variances: new Float64Array(count) };
  const along = multiply(scaled, whole, { m: n, n: kept, k: dimensions, transposeB: true });
  const covariance = Float64Array.from(
    multiply(along, along, { m: kept, n: kept, k: n, transposeA: true }),
    (sum) => sum / n,
  );
  const { values, vectors } = symmetricEigen(covariance, kept);
  const axes = new Float32Array(count * dimensions);
  axes.set(multiply(Float32Array.from(vectors), whole, { m: kept, n: dimensions, k: kept }));
  const variances = new Float64Array(count);
  for (let i = 0; i < kept; i++) variances[i] = values[i]! * unit * unit;
  return { axes, variances };
}

function rowsThatAreNotZero(basis: Float32Array, length: number): Float32Array {
  const rows = Array.from({ length: basis.length / length }, (_, i) =>
    basis.subarray(i * length, (i + 1) * length),
  ).filter((row) => row.some((x) => x !== 0));
  const whole = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    whole.set(row, i * length);
  });
  return whole;
}

/** Rows made orthogonal to those before them in one product. */
const block = 32;

/**
 * In place: rows [count, length] are made orthonormal from the first to the last (Gram and Schmidt, block by block, each twice).
 * A row in the span of those before it becomes zero, or, of those before its block, any direction at right angles to them.
 */
export function orthonormalise(basis: Float32Array, length: number, multiply = plainMultiply): void {
  const count = basis.length / length;
  for (let first = 0; first < count; first += block) {
    const m = Math.min(block, count - first);
    const before = basis.subarray(0, first * length);
    const rows = basis.subarray(first * length, (first + m) * length);
    // What is left of a row in the span of others is short: made long, so is what is left in it of them. Hence the second turn.
    for (let turn = 0; turn < 2; turn++) {
      look();
      if (first > 0) {
        const shares = multiply(rows, before, { m, n: first, k: length, transposeB: true });
        const known = multiply(shares, before, { m, n: length, k: first });
        for (let i = 0; i < rows.length; i++) rows[i]! -= known[i]!;
      }
      for (let i = 0; i < m; i++) orthonormaliseRow(rows, i, length);
    }
  }
}

function orthonormaliseRow(rows: Float32Array, i: number, length: number): void {
  const row = rows.subarray(i * length, (i + 1) * length);
  const before = normOf(row);
  for (let turn = 0; turn < 2; turn++) {
    for (let j = 0; j < i; j++) {
      const other = rows.subarray(j * length, (j + 1) * length);
      const share = dot(row, other);
      for (let k = 0; k < length; k++) row[k]! -= share * other[k]!;
    }
  }
  const norm = normOf(row);
  const scale = norm > 1e-5 * before ? 1 / norm : 0;
  for (let k = 0; k < length; k++) row[k]! *= scale;
}

/**
 * Eigenvalues, falling, and eigenvectors [n, n] (a row each) of a symmetric matrix [n, n]: Householder reduction to a tridiagonal
 * one, then QL with implicit shifts (Wilkinson and Reinsch, Handbook II/2 and II/3, as in EISPACK's tred2 and tql2). Singular
 * matrices, and matrices of any scale, have finite vectors. Throws BadInputError `not-finite`.
 */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
): { values: Float64Array; vectors: Float64Array } {
  // Squares of very small and very large entries leave the range of float64. A power of two changes no digit.
  const unit = powerOfTwo(matrix);
  // Vectors are the columns of EISPACK's matrix; here its transpose is held, so that the inner loops run along rows.
  const z = matrix.map((x) => x / unit);
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  reduce(z, n, d, e);
  implicitShifts(z, n, d, e);
  const order = Array.from(d.keys()).sort((a, b) => d[b]! - d[a]! || a - b);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(z.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values: Float64Array.from(order, (i) => d[i]! * unit), vectors };
}

const negligible = 2 ** -100;

/** To tridiagonal form, diagonal `d` and `e` [1..n) below it; `z` becomes the transform, a row for every later eigenvector. */
function reduce(z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  const reflections: { v: Float64Array; beta: number }[] = [];
  const p = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    look();
    const v = new Float64Array(n);
    let largest = 0;
    for (let i = k + 1; i < n; i++) largest = Math.max(largest, Math.abs(z[k * n + i]!));
    d[k] = z[k * n + k]!;
    // Below this share of the largest entry of the matrix, which is about 1, a column is a rounding error.
    if (largest < negligible) {
      e[k + 1] = 0;
      reflections.push({ v, beta: 0 });
      continue;
    }
    // Scaled by its largest entry, as tred2 does: the square of a tiny column is nothing, and 2 divided by it has no end.
    for (let i = k + 1; i < n; i++) v[i] = z[k * n + i]! / largest;
    const norm = Math.sqrt(dotFrom(v, v, k + 1));
    const alpha = v[k + 1]! > 0 ? -norm : norm;
    v[k + 1]! -= alpha;
    const beta = 2 / dotFrom(v, v, k + 1);
    e[k + 1] = alpha * largest;
    reflections.push({ v, beta });
    // A <- H A H on what is left: p = beta A v, w = p - beta (p v) v / 2, A -= v w' + w v'.
    for (let i = k + 1; i < n; i++) p[i] = beta * dotFrom(z.subarray(i * n, (i + 1) * n), v, k + 1);
    const half = 0.5 * beta * dotFrom(p, v, k + 1);
    for (let i = k + 1; i < n; i++) p[i]! -= half * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const [vi, pi, at] = [v[i]!, p[i]!, i * n];
      for (let j = k + 1; j < n; j++) z[at + j]! -= vi * p[j]! + pi * v[j]!;
    }
  }
  for (let k = Math.max(0, n - 2); k < n; k++) d[k] = z[k * n + k]!;
  if (n > 1) e[n - 1] = z[(n - 2) * n + n - 1]!;
  // Rows of z: the columns of H_0 H_1 ..., that is (... H_1 H_0) of the unit matrix from the right.
  z.fill(0);
  for (let i = 0; i < n; i++) z[i * n + i] = 1;
  for (let k = reflections.length - 1; k >= 0; k--) {
    look();
    const { v, beta } = reflections[k]!;
    for (let i = k + 1; i < n; i++) {
      const row = z.subarray(i * n, (i + 1) * n);
      const share = beta * dotFrom(row, v, k + 1);
      if (share !== 0) for (let j = k + 1; j < n; j++) row[j]! -= share * v[j]!;
    }
  }
}

/** A few each are usual. */
const mostShifts = 200;

function implicitShifts(z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  for (let i = 1; i < n; i++) e[i - 1] = e[i]!;
  e[n - 1] = 0;
  // Next to zeros on the diagonal nothing is small beside its neighbours; it is beside the whole matrix.
  const isSplit = (m: number) =>
    Math.abs(e[m]!) <= Math.max(negligible, Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!)));
  for (let l = 0; l < n; l++) {
    for (let turn = 0; ; turn++) {
      look();
      let m = l;
      while (m < n - 1 && !isSplit(m)) m++;
      if (m === l) break;
      if (turn === mostShifts) throw new BugError('the eigenvalues of a symmetric matrix were not found');
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      let r = Math.hypot(g, 1);
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        const [low, high] = [i * n, (i + 1) * n];
        for (let k = 0; k < n; k++) {
          const upper = z[high + k]!;
          const lower = z[low + k]!;
          z[high + k] = s * lower + c * upper;
          z[low + k] = c * lower - s * upper;
        }
      }
      if (r === 0 && i >= l) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

/** The power of two at the largest magnitude, so that the largest over it is about 1; 1 of zeros. Throws BadInputError `not-finite`. */
function powerOfTwo(numbers: Float32Array | Float64Array): number {
  let largest = 0;
  for (let i = 0; i < numbers.length; i++) {
    const magnitude = Math.abs(numbers[i]!);
    if (!(magnitude < Infinity)) {
      throw new BadInputError('not-finite', `number ${i} of a matrix is ${numbers[i]}; give finite numbers`);
    }
    if (magnitude > largest) largest = magnitude;
  }
  // Within the range in which its inverse is no subnormal number either.
  return largest === 0 ? 1 : 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
}

function normOf(row: Float32Array): number {
  return Math.sqrt(dot(row, row));
}

/** In float64 sums; slow, and anywhere. */
export const plainMultiply: Multiply = (a, b, { m, n, k, transposeA = false, transposeB = false }) => {
  const left = transposeA ? transposed(a, k, m) : a;
  const right = transposeB ? b : transposed(b, k, n);
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    look();
    const row = left.subarray(i * k, (i + 1) * k);
    for (let j = 0; j < n; j++) c[i * n + j] = dot(row, right.subarray(j * k, (j + 1) * k));
  }
  return c;
};

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j]!;
  return out;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function dotFrom(a: Float64Array, b: Float64Array, from: number): number {
  let sum = 0;
  for (let i = from; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
