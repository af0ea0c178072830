/**
 * A picture between its samples: cubic convolution of them (R. G. Keys, IEEE Transactions on Acoustics, Speech and Signal Processing
 * 29(6), 1981, with a = -1/2, which keeps ramps and parabolas as they are). A network is learnt at samples, where a wave of two samples
 * has two values alone; what it gives in between is made up. ADR 23.
 *
 * Indices of hot loops are below the lengths of rows.
 */
import type { Tap } from '../field/coordinates.ts';

/** A regular grid of positions along both axes, in signal units. */
export interface GridPoints {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly count: readonly number[];
}

/** Field values [rows, columns, channels] at the samples from [row, column] on. */
export type SampleField = (
  from: readonly [row: number, column: number],
  count: readonly [rows: number, columns: number],
) => Promise<Float32Array>;

/** Coarser than so many samples, an output point is not drawn from those around it. */
const coarsest = 2;

/** Whether points of these steps are drawn from samples: pictures enlarged, or made smaller down to a half; at the samples themselves nothing has to be. */
export function isBetween({ start, step }: Omit<GridPoints, 'count'>): boolean {
  return step.length === 2 && !isAtSamples({ start, step }) && step.every((s) => s <= coarsest);
}

export function isAtSamples({ start, step }: Omit<GridPoints, 'count'>): boolean {
  return step.every((s, axis) => s === 1 && start[axis]! % 1 === 0.5);
}

/** Samples that are computed for a grid of points on a signal of `shape`. */
export function samplesBehind(shape: readonly number[], grid: GridPoints): number {
  return [0, 1].reduce((product, axis) => {
    const [first, last] = reachOf(shape, grid, axis);
    return product * (last - first + 1);
  }, 1);
}

/** Draws blocks of rows of one picture, from the top; each sample is computed once. */
export class Interpolator {
  readonly #shape: readonly number[];
  readonly #channels: number;
  readonly #samples: SampleField;
  /** Rows of samples by their index, [columns, channels] from the first column that is reached. */
  readonly #rows = new Map<number, Float32Array>();
  #across: { readonly left: number; readonly columns: number; readonly taps: AxisTaps } | undefined;

  constructor(shape: readonly number[], channels: number, samples: SampleField) {
    this.#shape = shape;
    this.#channels = channels;
    this.#samples = samples;
  }

  /** Values [rows, columns, channels] at a block of points; the columns are those of the first block. */
  async block(grid: GridPoints): Promise<Float32Array> {
    const [left, right] = reachOf(this.#shape, grid, 1);
    this.#across ??= { left, columns: right - left + 1, taps: tapsAlong(this.#shape, grid, 1, left) };
    const { columns, taps: across } = this.#across;
    const [first, last] = reachOf(this.#shape, grid, 0);
    await this.#compute(first, last, left, columns);
    const down = tapsAlong(this.#shape, grid, 0, 0);
    const line = new Float32Array(columns * this.#channels);
    const width = (across.cells.length / taps) * this.#channels;
    const values = new Float32Array((down.cells.length / taps) * width);
    for (let y = 0; y * taps < down.cells.length; y++) {
      line.fill(0);
      for (let t = y * taps; t < (y + 1) * taps; t++) {
        const row = this.#rows.get(down.cells[t]!)!;
        const weight = down.weights[t]!;
        for (let i = 0; i < line.length; i++) line[i]! += weight * row[i]!;
      }
      drawLine(line, across, this.#channels, values.subarray(y * width, (y + 1) * width));
    }
    return values;
  }

  /** Has the rows of samples from `first` to `last`, and forgets those above. */
  async #compute(first: number, last: number, left: number, columns: number): Promise<void> {
    for (const row of this.#rows.keys()) if (row < first) this.#rows.delete(row);
    let from = first;
    while (from <= last && this.#rows.has(from)) from++;
    if (from > last) return;
    const found = await this.#samples([from, left], [last - from + 1, columns]);
    const length = columns * this.#channels;
    for (let row = from; row <= last; row++)
      this.#rows.set(row, found.subarray((row - from) * length, (row - from + 1) * length));
  }
}

/** Of cubic convolution. */
const taps = 4;

/** [points of the axis][taps]: samples, and how much of each. */
interface AxisTaps {
  readonly cells: Int32Array;
  readonly weights: Float64Array;
}

/** Of every point along an axis; samples are counted from `origin`. */
function tapsAlong(shape: readonly number[], grid: GridPoints, axis: number, origin: number): AxisTaps {
  const n = grid.count[axis]!;
  const cells = new Int32Array(n * taps);
  const weights = new Float64Array(n * taps);
  for (let i = 0; i < n; i++)
    tapsAt(shape, grid, axis, i).forEach(({ cell, weight }, t) => {
      cells[i * taps + t] = cell - origin;
      weights[i * taps + t] = weight;
    });
  return { cells, weights };
}

function tapsAt(shape: readonly number[], { start, step }: GridPoints, axis: number, i: number): Tap[] {
  return cubicTaps(start[axis]! + i * step[axis]!, shape[axis]!);
}

/** The four samples around `x`, in signal units, and how much of each; beyond the outermost samples all are as these. */
export function cubicTaps(x: number, size: number): Tap[] {
  return tapsAround(x, size, (f) => [far(f), near(f), near(1 - f), far(1 - f)]);
}

/** Derivatives of these weights by `x`. */
export function cubicSlopes(x: number, size: number): Tap[] {
  return tapsAround(x, size, (f) => [farSlope(f), nearSlope(f), -nearSlope(1 - f), -farSlope(1 - f)]);
}

function tapsAround(x: number, size: number, weightsOf: (share: number) => number[]): Tap[] {
  const p = x - 0.5;
  const below = Math.floor(p);
  return weightsOf(p - below).map((weight, t) => ({
    cell: Math.min(Math.max(below - 1 + t, 0), size - 1),
    weight,
  }));
}

/** The kernel at d and at 1 + d, for 0 <= d <= 1, and its derivatives by d. */
const near = (d: number) => (1.5 * d - 2.5) * d * d + 1;
const far = (d: number) => -0.5 * d * (1 - d) * (1 - d);
const nearSlope = (d: number) => (4.5 * d - 5) * d;
const farSlope = (d: number) => -0.5 * (1 - d) * (1 - 3 * d);

/** The samples along an axis that a grid's points reach. */
function reachOf(shape: readonly number[], grid: GridPoints, axis: number): [first: number, last: number] {
  const at = (i: number) => tapsAt(shape, grid, axis, i).map(({ cell }) => cell);
  return [Math.min(...at(0)), Math.max(...at(grid.count[axis]! - 1))];
}

/** Draws a line of samples [columns, channels] at the points of `across`, into [points, channels]. */
function drawLine(
  line: Float32Array,
  { cells, weights }: AxisTaps,
  channels: number,
  into: Float32Array,
): void {
  for (let x = 0, i = 0; i < into.length; x += taps)
    for (let c = 0; c < channels; c++, i++) {
      let sum = 0;
      for (let t = x; t < x + taps; t++) sum += weights[t]! * line[cells[t]! * channels + c]!;
      into[i] = sum;
    }
}
