/**
 * The gradient of a large signal, window by window. What a kernel holds beside a signal (the mapped cells and their adjoints) is
 * about 500 bytes for each point that one request covers: with windows it does not grow with the signal.
 *
 * Every point belongs to one window. A window is a signal of its own: it starts where a cell of every level and a period of the features
 * start, so that its cells are cells of the whole, and it reaches so far beyond its own points that it has all cells which these
 * interpolate. The points of that margin have weight 0; where the signal ends there is none. Losses and gradients are sums over points, so
 * the sums over windows are those of the whole, but for the rounding of floats.
 */
import { isCircle } from '../field/coordinates.ts';
import { runsOfPart } from '../field/part.ts';
import { type FieldSpec, modulationLength, pointCount, tapCount } from '../field/spec.ts';
import type { Batch } from './engine.ts';

/** A part of one axis: the samples `start` to `end`, of which `from` to `to` are its own. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** One stretch for each axis. */
export type Window = readonly Stretch[];

/** Loss of a batch of one signal; its gradient [m] is written into `gradient`. */
export type GradientOf = (batch: Batch, modulation: Float32Array, gradient: Float32Array) => Promise<number>;

/**
 * Windows of about `most` points that cover a signal; undefined where it is not larger than that, or has no windows: it has no cells,
 * cells are not of whole samples, or features depend on the extent.
 */
export function windowsOf(spec: FieldSpec, shape: readonly number[], most: number): Window[] | undefined {
  const levels = spec.levels.flatMap((level) =>
    level.cell === null ? [] : [{ ...level, cell: level.cell }],
  );
  if (pointCount(shape) <= most || spec.features.global || levels.length === 0) return undefined;
  if (isCircle(spec, shape, 0)) return undefined;
  const { period } = spec.features;
  if (![...levels.flatMap(({ cell }) => cell), ...(period ?? [])].every(Number.isInteger)) return undefined;
  const axes = shape.map((extent, axis) => {
    const sizes = [...levels.map(({ cell }) => cell[axis]!), ...(period ? [period[axis]!] : [])];
    // A point interpolates the cells whose centres are nearer than half as many cells as there are taps.
    const margin = Math.max(...levels.map((level) => ((tapCount(level) - 1) * level.cell[axis]!) / 2));
    const unit = sizes.reduce(leastCommonMultiple);
    // A part of a circle would be no circle: it is taken whole.
    if (isCircle(spec, shape, axis)) return { extent, unit, margin: 0, least: extent };
    // The least that always has points of its own, wherever the next one of its own stands between two starts.
    const least = (Math.floor((2 * Math.ceil(margin)) / unit) + 2) * unit;
    return { extent, unit, margin: Math.ceil(margin), least };
  });
  const sides = sidesOf(axes, most);
  let windows: Window[] = [[]];
  axes.forEach((axis, a) => {
    const stretches = stretchesOf(axis, sides[a]!);
    windows = windows.flatMap((window) => stretches.map((stretch) => [...window, stretch]));
  });
  return windows.length > 1 ? windows : undefined;
}

/** As `gradientOf` of the whole signal, from its windows. */
export async function gradientInWindows(
  windows: readonly Window[],
  spec: FieldSpec,
  batch: Batch,
  modulation: Float32Array,
  gradient: Float32Array,
  gradientOf: GradientOf,
): Promise<number> {
  const shapes = windows.map((window) => window.map(({ start, end }) => end - start));
  const points = Math.max(...shapes.map(pointCount));
  const longest = Math.max(...shapes.map((shape) => modulationLength(spec, shape)));
  const targets = new Float32Array(points * spec.outputs);
  const weights = new Float32Array(points);
  const cells = { modulation: new Float32Array(longest), gradient: new Float32Array(longest) };
  gradient.fill(0);
  let loss = 0;
  for (const [i, window] of windows.entries()) {
    const shape = shapes[i]!;
    const n = pointCount(shape);
    const part = {
      shape,
      count: 1,
      targets: targets.subarray(0, n * spec.outputs),
      weights: weights.subarray(0, n).fill(0),
    };
    copyPoints(batch, part, spec.outputs, window);
    const m = modulationLength(spec, shape);
    const [own, slope] = [cells.modulation.subarray(0, m), cells.gradient.subarray(0, m)];
    const samples = { start: window.map(({ start }) => start), count: shape };
    const runs = [...runsOfPart(spec, batch.shape, samples)];
    for (const { whole, at, length } of runs) own.set(modulation.subarray(whole, whole + length), at);
    loss += await gradientOf(part, own, slope);
    for (const { whole, at, length } of runs)
      for (let j = 0; j < length; j++) gradient[whole + j]! += slope[at + j]!;
  }
  return loss;
}

interface Axis {
  readonly extent: number;
  /** What starts of windows are multiples of. */
  readonly unit: number;
  /** Samples between a window's end and its own points. */
  readonly margin: number;
  /** Samples of a window, at least. */
  readonly least: number;
}

/** Most samples of a window along each axis: alike on all, but for axes that are shorter. */
function sidesOf(axes: readonly Axis[], most: number): number[] {
  const sides: number[] = [];
  const rank = ({ extent, least }: Axis) => (least >= extent ? 0 : extent);
  const order = axes.map((_, a) => a).sort((a, b) => rank(axes[a]!) - rank(axes[b]!));
  let left = most;
  order.forEach((a, i) => {
    const { extent, unit, least } = axes[a]!;
    const side = Math.floor(left ** (1 / (axes.length - i)) / unit) * unit;
    sides[a] = Math.min(extent, Math.max(side, least));
    left = Math.max(1, left / sides[a]!);
  });
  return sides;
}

function stretchesOf({ extent, unit, margin }: Axis, side: number): Stretch[] {
  const stretches: Stretch[] = [];
  for (let from = 0; from < extent; from = stretches.at(-1)!.to) {
    const start = Math.max(0, Math.floor((from - margin) / unit) * unit);
    const end = Math.min(extent, start + side);
    stretches.push({ start, end, from, to: end === extent ? extent : end - margin });
  }
  return stretches;
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return (a / divisor) * b;
}

/** Targets of all points of a window, weights of its own. */
function copyPoints(
  { shape, targets, weights }: Batch,
  part: Batch & { readonly weights: Float32Array },
  outputs: number,
  window: Window,
): void {
  const { start, end, from, to } = window.at(-1)!;
  const starts = window.map((stretch) => stretch.start);
  for (const { whole, at, index } of linesOf(shape, starts, part.shape)) {
    part.targets.set(targets.subarray(whole * outputs, (whole + end - start) * outputs), at * outputs);
    const own = index.every((i, axis) => {
      const stretch = window[axis]!;
      return i >= stretch.from - stretch.start && i < stretch.to - stretch.start;
    });
    if (!own) continue;
    const first = from - start;
    if (weights === undefined) part.weights.fill(1, at + first, at + to - start);
    else part.weights.set(weights.subarray(whole + first, whole + to - start), at + first);
  }
}

/** Lines along the last axis of a box at `start` of a row-major array: where each begins in that and in the box, and its place along the other axes. */
function* linesOf(
  shape: readonly number[],
  start: readonly number[],
  box: readonly number[],
): Generator<{ whole: number; at: number; index: readonly number[] }> {
  const length = box.at(-1)!;
  const index = box.slice(0, -1).fill(0);
  for (let at = 0; at < pointCount(box); at += length) {
    const whole = shape.reduce((sum, n, axis) => sum * n + start[axis]! + (index[axis] ?? 0), 0);
    yield { whole, at, index };
    for (let axis = index.length - 1; axis >= 0 && ++index[axis]! === box[axis]; axis--) index[axis] = 0;
  }
}
