/**
 * The fixed part of the flow, from moments of the training set, on modulations in quantiser steps:
 *
 * - numbers that are almost always within half a step of zero stand alone: a uniform distribution with a logistic for the
 *   rest, brought to the normal distribution by its quantiles;
 * - the others are whitened together: each less what is predicted linearly from those before it, over what is left (the
 *   inverse of a Cholesky factor of their covariance).
 *
 * What it returns as `logSlope` is the logarithm of the determinant.
 */
import { choleskyFactor } from '../../src/core/cholesky.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { logRootTwoPi, normalBelow, normalQuantile } from './normal.ts';

export interface FlowBase {
  /** [m]: 1 for numbers that stand alone. */
  readonly alone: Uint8Array;
  /** [m]: mass of the logistic, for those alone; the mean, for the others. */
  readonly first: Float32Array;
  /** [m]: scale of the logistic, or the deviation. */
  readonly second: Float32Array;
  /** Rows of the lower triangle of the whitening, one after the other; the diagonal is above 0. */
  readonly whitening: Float32Array;
}

/** A number is left alone when fewer than this part of its symbols are not zero. */
const rare = 0.01;
/** Added to the correlations' diagonal: no number is foreseen to the last bit. */
const ridge = 1e-5;

/**
 * Of numbers `x` [count, m] in steps, uniform noise of one step not included: its variance is added. `products` of rows
 * [r, n] is the sum of their outer products, [n, n].
 */
export function fitBase(
  x: Float32Array,
  m: number,
  products: (rows: Float32Array, n: number) => Float32Array,
): FlowBase {
  const count = x.length / m;
  if (count < 2)
    throw new BadInputError('too-few-modulations', 'a flow is learnt from at least 2 modulations');
  const alone = new Uint8Array(m);
  const first = new Float32Array(m);
  const second = new Float32Array(m);
  for (let d = 0; d < m; d++) {
    let outside = 0;
    let size = 0;
    let sum = 0;
    let squares = 0;
    for (let at = d; at < x.length; at += m) {
      const symbol = Math.floor(x[at]! + 0.5);
      if (symbol !== 0) {
        outside++;
        size += Math.abs(symbol);
      }
      sum += symbol;
      squares += symbol * symbol;
    }
    if (outside < rare * count) {
      alone[d] = 1;
      first[d] = (outside + 0.5) / (count + 1);
      second[d] = outside === 0 ? 1 : size / outside;
    } else {
      first[d] = sum / count;
      second[d] = Math.sqrt(Math.max(squares / count - (sum / count) ** 2, 0) + 1 / 12);
    }
  }
  const together = indicesOf(alone);
  const correlations = correlationsOf(x, m, together, first, second, products);
  return { alone, first, second, whitening: whiteningOf(correlations, together.length) };
}

/** [m]: the numbers that are whitened together, in order. */
export function indicesOf(alone: Uint8Array): Int32Array {
  return Int32Array.from([...alone.keys()].filter((d) => alone[d] === 0));
}

/**
 * The numbers that stand alone, of one modulation in steps, into their places of `z`; the logarithm of the determinant of
 * the whole base is returned.
 */
export function forwardAlone(base: FlowBase, x: Float32Array, z: Float32Array): number {
  let logSlope = 0;
  for (let d = 0; d < x.length; d++) {
    if (base.alone[d] !== 1) continue;
    const [value, log] = alone(x[d]!, base.first[d]!, base.second[d]!);
    z[d] = value;
    logSlope += log;
  }
  return logSlope;
}

/** The determinant's logarithm of the numbers that are whitened together. */
export function logDeterminant({ second, whitening }: FlowBase, together: Int32Array): number {
  let sum = 0;
  for (let i = 0, at = 0; i < together.length; i++, at += i + 1) {
    sum += Math.log(whitening[at]!) - Math.log(second[together[i]!]!);
  }
  return sum;
}

/** [n, n] row-major, for matrix products: z = W x. */
export function denseWhitening({ whitening }: FlowBase, n: number): Float32Array {
  const dense = new Float32Array(n * n);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j <= i; j++) dense[i * n + j] = whitening[at++]!;
  return dense;
}

/** z [m] back to a modulation x [m] in steps; `scratch` holds a number for each that is whitened. */
export function inverseBase(
  base: FlowBase,
  together: Int32Array,
  z: Float32Array,
  x: Float32Array,
  scratch: Float64Array,
): void {
  for (let d = 0; d < x.length; d++) {
    if (base.alone[d] === 1) x[d] = aloneInverse(z[d]!, base.first[d]!, base.second[d]!);
  }
  const { whitening } = base;
  let at = 0;
  for (let i = 0; i < together.length; i++) {
    const d = together[i]!;
    let rest = z[d]!;
    for (let j = 0; j < i; j++) rest -= whitening[at++]! * scratch[j]!;
    scratch[i] = rest / whitening[at++]!;
    x[d] = scratch[i]! * base.second[d]! + base.first[d]!;
  }
}

/** Through the distribution (1 - mass) U(-1/2, 1/2) + mass Logistic(scale) to the normal one. */
function alone(x: number, mass: number, scale: number): readonly [z: number, logSlope: number] {
  const e = Math.exp(-Math.abs(x) / scale);
  const inside = Math.abs(x) < 0.5;
  const density = (inside ? 1 - mass : 0) + (mass * e) / (scale * (1 + e) ** 2);
  const near = (mass * e) / (1 + e) + (1 - mass) * Math.max(0, 0.5 - Math.abs(x));
  const z = Math.abs(normalQuantile(near, 1 - near));
  return [x < 0 ? -z : z, Math.log(density) + 0.5 * z * z + logRootTwoPi];
}

/** By bisection: the distribution has kinks. */
function aloneInverse(z: number, mass: number, scale: number): number {
  const wanted = normalBelow(-Math.abs(z));
  const above = (x: number) => {
    const e = Math.exp(-x / scale);
    return (mass * e) / (1 + e) + (1 - mass) * Math.max(0, 0.5 - x);
  };
  let low = 0;
  let high = 0.5;
  while (above(high) > wanted && high < 1e6) [low, high] = [high, 2 * high];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (above(middle) > wanted) low = middle;
    else high = middle;
  }
  return z < 0 ? -high : high;
}

const chunk = 2048;

/** [n, n] of the standardised symbols with their noise. */
function correlationsOf(
  x: Float32Array,
  m: number,
  together: Int32Array,
  mean: Float32Array,
  deviation: Float32Array,
  products: (rows: Float32Array, n: number) => Float32Array,
): Float64Array {
  const n = together.length;
  const sums = new Float64Array(n * n);
  const count = x.length / m;
  for (let start = 0; start < count; start += chunk) {
    const rows = new Float32Array(Math.min(chunk, count - start) * n);
    for (let i = 0; i < rows.length; i++) {
      const d = together[i % n]!;
      const symbol = Math.floor(x[(start + Math.floor(i / n)) * m + d]! + 0.5);
      rows[i] = (symbol - mean[d]!) / deviation[d]!;
    }
    const found = products(rows, n);
    for (let i = 0; i < sums.length; i++) sums[i]! += found[i]! / count;
  }
  for (let j = 0; j < n; j++) sums[j * n + j] = 1 + ridge;
  return sums;
}

/** Rows of the inverse of the Cholesky factor. */
function whiteningOf(correlations: Float64Array, n: number): Float32Array {
  const lower = choleskyFactor(correlations, n, ridge);
  // Row i of the inverse: e_i over the diagonal, less the rows before it by the factor's row.
  const rows: Float64Array[] = [];
  const packed = new Float32Array((n * (n + 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(i + 1);
    for (let k = 0; k < i; k++) {
      const by = lower[i * n + k]!;
      const before = rows[k]!;
      for (let j = 0; j <= k; j++) row[j]! -= by * before[j]!;
    }
    row[i] = 1;
    rows.push(row.map((value) => value / lower[i * n + i]!));
    packed.set(rows[i]!, at);
    at += i + 1;
  }
  return packed;
}
