/** Cholesky's factor of a symmetric matrix. */

/**
 * L [n, n], lower, zeros above the diagonal, with A = L L' for A [n, n], of which the lower triangle is read (Golub and Van Loan, 4.2.1). What is
 * left for a square of the diagonal is at least `least`: rounding may leave less of a matrix that is almost singular.
 */
export function choleskyFactor(matrix: Float64Array, n: number, least: number): Float64Array {
  const l = Float64Array.from(matrix);
  for (let j = 0; j < n; j++) {
    const rowJ = l.subarray(j * n, j * n + j);
    const pivot = Math.sqrt(Math.max(least, l[j * n + j]! - dot(rowJ, rowJ)));
    l[j * n + j] = pivot;
    for (let i = j + 1; i < n; i++) {
      l[i * n + j] = (l[i * n + j]! - dot(l.subarray(i * n, i * n + j), rowJ)) / pivot;
    }
    l.fill(0, j * n + j + 1, (j + 1) * n);
  }
  return l;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
