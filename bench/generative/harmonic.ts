/**
 * The harmonic fill of what is hidden of a signal: every hidden value is the mean of its neighbours (Laplace's equation on the grid,
 * the known values as its border, nothing beyond the border of the signal). The plainest fill that is smooth; a prior that is worth
 * its name does better.
 *
 * Solved by conjugate gradients: the matrix, number of neighbours less neighbours, is symmetric and positive where a component of
 * hidden points touches a known one. A component that does not gets the mean of what is known.
 *
 * Indices of hot loops are below points.
 */
import { pointCount } from '../../src/field/spec.ts';

/** Of the right side: where the search ends. */
const closely = 1e-8;

/** [points, channels] of `values`, with those filled whose point has a 0 in `observed` [points]. */
export function harmonicFill(
  values: Float32Array,
  shape: readonly number[],
  channels: number,
  observed: Uint8Array,
): Float32Array {
  const points = pointCount(shape);
  const neighbours = neighboursOf(shape);
  const reached = reachedFrom(observed, neighbours);
  const hidden = Array.from({ length: points }, (_, p) => p).filter(
    (p) => observed[p] !== 1 && reached[p] === 1,
  );
  const filled = values.slice();
  for (let c = 0; c < channels; c++) {
    let [sum, n] = [0, 0];
    for (let p = 0; p < points; p++) {
      if (observed[p] !== 1) continue;
      sum += values[p * channels + c]!;
      n++;
    }
    const mean = n > 0 ? sum / n : 0;
    // Hidden points outside the component keep the mean of what is known.
    const known = Float64Array.from({ length: points }, (_, p) =>
      observed[p] === 1 ? values[p * channels + c]! : 0,
    );
    const solved = solve(hidden, neighbours, observed, known, mean);
    for (let p = 0; p < points; p++) {
      if (observed[p] !== 1) filled[p * channels + c] = reached[p] === 1 ? solved[p]! : mean;
    }
  }
  return filled;
}

function solve(
  hidden: readonly number[],
  neighbours: readonly (readonly number[])[],
  observed: Uint8Array,
  known: Float64Array,
  start: number,
): Float64Array {
  const points = known.length;
  const apply = (v: Float64Array, out: Float64Array) => {
    for (const p of hidden) {
      let sum = neighbours[p]!.length * v[p]!;
      for (const q of neighbours[p]!) if (observed[q] !== 1) sum -= v[q]!;
      out[p] = sum;
    }
  };
  const dot = (a: Float64Array, b: Float64Array) => hidden.reduce((sum, p) => sum + a[p]! * b[p]!, 0);
  const right = new Float64Array(points);
  for (const p of hidden) for (const q of neighbours[p]!) if (observed[q] === 1) right[p]! += known[q]!;
  const x = new Float64Array(points);
  for (const p of hidden) x[p] = start;
  const residual = new Float64Array(points);
  const product = new Float64Array(points);
  apply(x, product);
  for (const p of hidden) residual[p] = right[p]! - product[p]!;
  const direction = residual.slice();
  let square = dot(residual, residual);
  const enough = closely * closely * Math.max(dot(right, right), Number.MIN_VALUE);
  for (let turn = 0; turn < 4 * hidden.length && square > enough; turn++) {
    apply(direction, product);
    const length = square / dot(direction, product);
    for (const p of hidden) {
      x[p]! += length * direction[p]!;
      residual[p]! -= length * product[p]!;
    }
    const next = dot(residual, residual);
    for (const p of hidden) direction[p] = residual[p]! + (next / square) * direction[p]!;
    square = next;
  }
  return x;
}

/** Points one step away along an axis, of every point. */
function neighboursOf(shape: readonly number[]): number[][] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  return Array.from({ length: pointCount(shape) }, (_, p) =>
    shape.flatMap((n, axis) => {
      const stride = strides[axis]!;
      const at = Math.floor(p / stride) % n;
      return [...(at > 0 ? [p - stride] : []), ...(at < n - 1 ? [p + stride] : [])];
    }),
  );
}

/** 1 where a way over neighbours leads to a point that is observed. */
function reachedFrom(observed: Uint8Array, neighbours: readonly (readonly number[])[]): Uint8Array {
  const reached = Uint8Array.from(observed, (known) => Number(known === 1));
  const waiting = Array.from(reached.keys()).filter((p) => reached[p] === 1);
  for (let p = waiting.pop(); p !== undefined; p = waiting.pop()) {
    for (const q of neighbours[p]!) {
      if (reached[q] === 1) continue;
      reached[q] = 1;
      waiting.push(q);
    }
  }
  return reached;
}
