/**
 * One number through an affine map and a monotone rational-quadratic spline (C. Durkan et al., arXiv 1906.04032, section
 * 3.1), both of which a network chooses; with inverse and gradient in closed form. Beyond +-`bound` the spline is the
 * identity. Hot loops read local typed arrays behind `!`: every index is below the length.
 */

export const bins = 6;
/** Numbers that choose a map: a logarithm of a scale, a shift, widths, heights, and slopes at the inner knots. */
export const parameters = 2 + 3 * bins - 1;

const bound = 5;
const leastWidth = 1e-2;
const leastSlope = 1e-2;
/** The slope at zero parameters is 1: the map is the identity. */
const slopeStart = Math.log(Math.expm1(1 - leastSlope));
/** Scales lie between e^-maxLog and e^maxLog. */
const maxLog = 3;

/** Work space of one map: filled by `prepare`, read by what follows it. */
const widths = new Float64Array(bins);
const heights = new Float64Array(bins);
const slopes = new Float64Array(bins + 1);
const shares = { widths: new Float64Array(bins), heights: new Float64Array(bins) };

/** What a map made of a number, and what it makes of it at `log` of its slope. */
export interface Mapped {
  value: number;
  /** Natural logarithm of the derivative. */
  logSlope: number;
}

/** Forward, into `out`; parameters stand at `at`. */
export function forwardMap(x: number, theta: Float32Array, at: number, out: Mapped): void {
  const logScale = squash(theta[at]!);
  const u = x * Math.exp(logScale) + theta[at + 1]!;
  out.logSlope = logScale;
  out.value = u;
  if (!(u > -bound && u < bound)) return;
  prepare(theta, at + 2);
  const k = binOf(u, widths);
  const [left, low] = [startOf(k, widths), startOf(k, heights)];
  const [w, h, d0, d1] = [widths[k]!, heights[k]!, slopes[k]!, slopes[k + 1]!];
  const s = h / w;
  const xi = (u - left) / w;
  const t = xi * (1 - xi);
  const below = s + (d1 + d0 - 2 * s) * t;
  const slope = d1 * xi * xi + 2 * s * t + d0 * (1 - xi) * (1 - xi);
  out.value = low + (h * (s * xi * xi + d0 * t)) / below;
  out.logSlope += 2 * Math.log(s) + Math.log(slope) - 2 * Math.log(below);
}

/** The number that `forwardMap` takes to `y`: the root of equation 6 of the paper that lies in the bin. */
export function inverseMap(y: number, theta: Float32Array, at: number): number {
  let u = y;
  if (y > -bound && y < bound) {
    prepare(theta, at + 2);
    const k = binOf(y, heights);
    const [left, low] = [startOf(k, widths), startOf(k, heights)];
    const [w, h, d0, d1] = [widths[k]!, heights[k]!, slopes[k]!, slopes[k + 1]!];
    const s = h / w;
    const rise = y - low;
    const bend = d1 + d0 - 2 * s;
    const a = h * (s - d0) + rise * bend;
    const b = h * d0 - rise * bend;
    const c = -s * rise;
    const xi = (2 * c) / (-b - Math.sqrt(Math.max(0, b * b - 4 * a * c)));
    u = left + xi * w;
  }
  return (u - theta[at + 1]!) * Math.exp(-squash(theta[at]!));
}

/**
 * Adds to `gradTheta` at `at` what the parameters owe to `gradValue` d value + `gradLog` d logSlope, and returns what x owes.
 */
export function backwardMap(
  x: number,
  theta: Float32Array,
  at: number,
  gradValue: number,
  gradLog: number,
  gradTheta: Float32Array,
): number {
  const logScale = squash(theta[at]!);
  const scale = Math.exp(logScale);
  const u = x * scale + theta[at + 1]!;
  let gradU = gradValue;
  if (u > -bound && u < bound) gradU = backwardSpline(u, theta, at + 2, gradValue, gradLog, gradTheta);
  const raw = logScale / maxLog;
  gradTheta[at]! += (gradU * x * scale + gradLog) * (1 - raw * raw);
  gradTheta[at + 1]! += gradU;
  return gradU * scale;
}

function backwardSpline(
  u: number,
  theta: Float32Array,
  at: number,
  gradValue: number,
  gradLog: number,
  gradTheta: Float32Array,
): number {
  prepare(theta, at);
  const k = binOf(u, widths);
  const left = startOf(k, widths);
  const [w, h, d0, d1] = [widths[k]!, heights[k]!, slopes[k]!, slopes[k + 1]!];
  const s = h / w;
  const xi = (u - left) / w;
  const t = xi * (1 - xi);
  const bend = d1 + d0 - 2 * s;
  // value = low + h over / below, logSlope = 2 ln s + ln slope - 2 ln below.
  const over = s * xi * xi + d0 * t;
  const below = s + bend * t;
  const slope = d1 * xi * xi + 2 * s * t + d0 * (1 - xi) * (1 - xi);
  const toOver = (gradValue * h) / below;
  const toBelow = (-gradValue * h * over) / (below * below) - (2 * gradLog) / below;
  const toSlope = gradLog / slope;
  const toXi =
    toOver * (2 * s * xi + d0 * (1 - 2 * xi)) +
    toBelow * bend * (1 - 2 * xi) +
    toSlope * (2 * d1 * xi + 2 * s * (1 - 2 * xi) - 2 * d0 * (1 - xi));
  const toS = toOver * xi * xi + toBelow * (1 - 2 * t) + toSlope * 2 * t + (2 * gradLog) / s;
  const toD0 = toOver * t + toBelow * t + toSlope * (1 - xi) * (1 - xi);
  const toD1 = toBelow * t + toSlope * xi * xi;
  const toH = (gradValue * over) / below + toS / w;
  const toW = (-toS * s - toXi * xi) / w;
  // Where the bin begins depends on all before it.
  spread(gradTheta, at, shares.widths, k, -toXi / w, toW);
  spread(gradTheta, at + bins, shares.heights, k, gradValue, toH);
  const knots = at + 2 * bins - 1;
  if (k > 0) gradTheta[knots + k]! += toD0 * logistic(theta[knots + k]! + slopeStart);
  if (k < bins - 1) gradTheta[knots + k + 1]! += toD1 * logistic(theta[knots + k + 1]! + slopeStart);
  return toXi / w;
}

/** Through the shares of a softmax: what bins before `k` owe each, and what bin `k` owes. */
function spread(
  grad: Float32Array,
  at: number,
  share: Float64Array,
  k: number,
  before: number,
  own: number,
): void {
  const unit = 2 * bound * (1 - bins * leastWidth);
  let mean = share[k]! * own;
  for (let j = 0; j < k; j++) mean += share[j]! * before;
  for (let j = 0; j < bins; j++) {
    const to = j < k ? before : j === k ? own : 0;
    grad[at + j]! += unit * share[j]! * (to - mean);
  }
}

/** The bin that `value` lies in, bins being as wide as `parts`. */
function binOf(value: number, parts: Float64Array): number {
  let end = -bound;
  let k = 0;
  while (k < bins - 1 && value >= end + parts[k]!) end += parts[k++]!;
  return k;
}

/** Where bin `k` begins. */
function startOf(k: number, parts: Float64Array): number {
  let start = -bound;
  for (let j = 0; j < k; j++) start += parts[j]!;
  return start;
}

function prepare(theta: Float32Array, at: number): void {
  divide(theta, at, shares.widths, widths);
  divide(theta, at + bins, shares.heights, heights);
  slopes[0] = 1;
  slopes[bins] = 1;
  for (let k = 1; k < bins; k++) {
    slopes[k] = leastSlope + softplus(theta[at + 2 * bins + k - 1]! + slopeStart);
  }
}

/** [-bound, bound] in parts by a softmax. */
function divide(theta: Float32Array, at: number, share: Float64Array, parts: Float64Array): void {
  let largest = theta[at]!;
  for (let k = 1; k < bins; k++) if (theta[at + k]! > largest) largest = theta[at + k]!;
  let sum = 0;
  for (let k = 0; k < bins; k++) {
    share[k] = Math.exp(theta[at + k]! - largest);
    sum += share[k]!;
  }
  for (let k = 0; k < bins; k++) {
    share[k]! /= sum;
    parts[k] = 2 * bound * (leastWidth + (1 - bins * leastWidth) * share[k]!);
  }
}

function squash(raw: number): number {
  return maxLog * Math.tanh(raw / maxLog);
}

function softplus(x: number): number {
  return x > 30 ? x : Math.log1p(Math.exp(x));
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
