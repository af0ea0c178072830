/** Distances between sets of vectors [n, dimensions]: Frechet's, precision and recall, and nearness to a training set. */
import { type Multiply, plainMultiply, symmetricEigen } from '../../../src/core/eigen.ts';
import { BadInputError } from '../../../src/core/errors.ts';

export interface Vectors {
  /** [n, dimensions], row-major. */
  readonly values: Float32Array;
  readonly dimensions: number;
}

/**
 * Frechet distance of the normal distributions with the means and covariances of two sets:
 * |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^1/2 C_b C_a^1/2)^1/2) (D. Dowson and B. Landau, J. Multivariate Analysis 12, 1982).
 * Sets of few vectors are farther apart than what they were drawn from: compare sets of one size.
 */
export function frechet(a: Vectors, b: Vectors): number {
  checkAlike(a, b);
  const d = a.dimensions;
  const [ma, mb] = [moments(a), moments(b)];
  let distance = 0;
  for (let i = 0; i < d; i++) {
    distance += (ma.mean[i]! - mb.mean[i]!) ** 2 + ma.covariance[i * d + i]! + mb.covariance[i * d + i]!;
  }
  const root = squareRoot(ma.covariance, d);
  const inner = times(times(root, mb.covariance, d), root, d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const mean = (inner[i * d + j]! + inner[j * d + i]!) / 2;
      inner[i * d + j] = mean;
      inner[j * d + i] = mean;
    }
  }
  for (const value of symmetricEigen(inner, d).values) distance -= 2 * Math.sqrt(Math.max(0, value));
  return Math.max(0, distance);
}

export interface PrecisionRecall {
  /** Share of the samples that lie within the reach of a real vector: as far as its k-th neighbour. */
  readonly precision: number;
  /** Share of the real vectors that lie within the reach of a sample. */
  readonly recall: number;
}

/** T. Kynkäänniemi et al., arXiv 1904.06991, section 2. Sets of one size, k from 3 to 5 as a rule. */
export function precisionRecall(
  real: Vectors,
  samples: Vectors,
  k: number,
  multiply: Multiply = plainMultiply,
): PrecisionRecall {
  checkAlike(real, samples);
  for (const set of [real, samples]) {
    if (!(Number.isInteger(k) && k >= 1 && k < countOf(set))) {
      throw new BadInputError('bench-neighbours', `k is from 1 to under the size of both sets, not ${k}`);
    }
  }
  return {
    precision: covered(real, reaches(real, k, multiply), samples, multiply),
    recall: covered(samples, reaches(samples, k, multiply), real, multiply),
  };
}

/**
 * Median distance from a sample to its nearest training vector over that from a test vector to its own: about 1 for samples as
 * new as the test set, towards 0 for copies of the training set.
 */
export function memorisation(
  samples: Vectors,
  test: Vectors,
  train: Vectors,
  multiply: Multiply = plainMultiply,
): number {
  checkAlike(samples, train);
  checkAlike(test, train);
  const typical = (set: Vectors) => median(nearest(set, train, multiply));
  return typical(samples) / typical(test);
}

/** [n]: distance of each vector to the nearest of `others`. */
export function nearest(set: Vectors, others: Vectors, multiply: Multiply = plainMultiply): Float64Array {
  const found = new Float64Array(countOf(set)).fill(Number.POSITIVE_INFINITY);
  eachBlock(set, others, multiply, (first, rows, _from, columns, squares) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const square = squares[i * columns + j]!;
        if (square < found[first + i]!) found[first + i] = square;
      }
    }
  });
  return found.map(Math.sqrt);
}

/** [n]: squared distance of each vector to its k-th neighbour in its own set. */
function reaches(set: Vectors, k: number, multiply: Multiply): Float64Array {
  const n = countOf(set);
  // The k + 1 nearest of each, ascending: the vector itself is among them.
  const best = new Float64Array(n * (k + 1)).fill(Number.POSITIVE_INFINITY);
  eachBlock(set, set, multiply, (first, rows, _from, columns, squares) => {
    for (let i = 0; i < rows; i++) {
      const own = best.subarray((first + i) * (k + 1), (first + i + 1) * (k + 1));
      for (let j = 0; j < columns; j++) {
        const square = squares[i * columns + j]!;
        if (square >= own[k]!) continue;
        let at = k;
        for (; at > 0 && own[at - 1]! > square; at--) own[at] = own[at - 1]!;
        own[at] = square;
      }
    }
  });
  return Float64Array.from({ length: n }, (_, i) => best[i * (k + 1) + k]!);
}

/** Share of `asked` within the reach of any of `balls`. */
function covered(balls: Vectors, reach: Float64Array, asked: Vectors, multiply: Multiply): number {
  const inside = new Uint8Array(countOf(asked));
  eachBlock(asked, balls, multiply, (first, rows, from, columns, squares) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        if (squares[i * columns + j]! <= reach[from + j]!) inside[first + i] = 1;
      }
    }
  });
  return inside.reduce((sum, x) => sum + x, 0) / inside.length;
}

/** Vectors of each side in a block of distances: 16 MB of them. */
const block = 2048;

type Visit = (first: number, rows: number, from: number, columns: number, squares: Float32Array) => void;

/** Squared distances by |a|^2 + |b|^2 - 2 a b, a block [rows, columns] at a time. */
function eachBlock(a: Vectors, b: Vectors, multiply: Multiply, visit: Visit): void {
  const k = a.dimensions;
  const [normsA, normsB] = [norms(a), norms(b)];
  for (let first = 0; first < countOf(a); first += block) {
    const m = Math.min(block, countOf(a) - first);
    const left = a.values.subarray(first * k, (first + m) * k);
    for (let from = 0; from < countOf(b); from += block) {
      const n = Math.min(block, countOf(b) - from);
      const right = b.values.subarray(from * k, (from + n) * k);
      const squares = multiply(left, right, { m, n, k, transposeB: true });
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const at = i * n + j;
          squares[at] = Math.max(0, normsA[first + i]! + normsB[from + j]! - 2 * squares[at]!);
        }
      }
      visit(first, m, from, n, squares);
    }
  }
}

function norms({ values, dimensions }: Vectors): Float64Array {
  const found = new Float64Array(values.length / dimensions);
  values.forEach((x, i) => {
    found[Math.floor(i / dimensions)]! += x * x;
  });
  return found;
}

function moments(set: Vectors): { mean: Float64Array; covariance: Float64Array } {
  const { values, dimensions: d } = set;
  const n = countOf(set);
  if (n < 2)
    throw new BadInputError('bench-too-few-vectors', `a covariance is of at least 2 vectors, not ${n}`);
  const mean = new Float64Array(d);
  for (let i = 0; i < values.length; i++) mean[i % d]! += values[i]! / n;
  const covariance = new Float64Array(d * d);
  const centred = new Float64Array(d);
  for (let r = 0; r < n; r++) {
    for (let i = 0; i < d; i++) centred[i] = values[r * d + i]! - mean[i]!;
    for (let i = 0; i < d; i++) {
      const ci = centred[i]! / (n - 1);
      for (let j = 0; j <= i; j++) covariance[i * d + j]! += ci * centred[j]!;
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) covariance[j * d + i] = covariance[i * d + j]!;
  return { mean, covariance };
}

/** Of a symmetric matrix without negative eigenvalues. */
function squareRoot(matrix: Float64Array, d: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, d);
  const root = new Float64Array(d * d);
  for (let v = 0; v < d; v++) {
    const scale = Math.sqrt(Math.max(0, values[v]!));
    for (let i = 0; i < d; i++) {
      const share = scale * vectors[v * d + i]!;
      for (let j = 0; j < d; j++) root[i * d + j]! += share * vectors[v * d + j]!;
    }
  }
  return root;
}

function times(a: Float64Array, b: Float64Array, d: number): Float64Array {
  const c = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < d; k++) {
      const x = a[i * d + k]!;
      for (let j = 0; j < d; j++) c[i * d + j]! += x * b[k * d + j]!;
    }
  }
  return c;
}

function median(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function countOf({ values, dimensions }: Vectors): number {
  return values.length / dimensions;
}

function checkAlike(a: Vectors, b: Vectors): void {
  const whole = [a, b].every((set) => Number.isInteger(countOf(set)) && countOf(set) >= 1);
  if (!whole || a.dimensions !== b.dimensions) {
    throw new BadInputError(
      'bench-vectors',
      `sets of vectors are compared in one space: ${a.values.length} numbers of ${a.dimensions}, ${b.values.length} of ${b.dimensions}`,
    );
  }
}
