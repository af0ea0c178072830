/**
 * Encoding by prediction: the modulation of a signal from its samples, in one pass. A network that is almost linear in its modulation has a modulation that is almost
 * linear in the signal, and what a modulation's cell is depends on the samples around it alone: so each block of samples goes through one linear map, which was learnt
 * (predict-learn.ts). What is left is for a step or two of a search.
 *
 * Indices of hot loops are below the lengths that the shapes make.
 */
import { plainMultiply } from '../core/eigen.ts';
import { look } from '../core/look.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { octavesAt } from '../field/at-quality.ts';
import type { Encoder, EncoderPart, EncoderShape } from '../field/encoder.ts';
import { type ModulationLayout, modulationLayout } from '../field/layout.ts';
import { type FieldSpec, pointCount, unravel } from '../field/spec.ts';

/** Numbers of the inputs that are made at a time: 16 MB. */
const mostInputs = 2 ** 22;

/** Signals of a batch; weights are not looked at. */
export type Seen = Pick<Batch, 'shape' | 'count' | 'targets'>;

/** Modulations [count, m] of a batch; undefined where points have weight 0: what is missing is not known to an encoder. */
export function predict(
  encoder: Encoder,
  engine: Pick<Engine, 'multiply'>,
  spec: FieldSpec,
  batch: Batch,
  quality: number,
): Float32Array | undefined {
  if (batch.weights?.includes(0)) return undefined;
  const multiply = engine.multiply ?? plainMultiply;
  const layout = modulationLayout(spec, batch.shape);
  const out = new Float32Array(batch.count * layout.length);
  const octaves = octavesOf(encoder, quality);
  for (const part of encoder.parts) {
    const map = mapAt(part, octaves);
    const { inputs: k, outputs: n } = part;
    forEachRun(part, batch, (run, inputs) => {
      const found = multiply(inputs, map, { m: run.count, n, k });
      visitCells(part, layout, batch.shape, run, (at, from, length) => {
        for (let i = 0; i < length; i++) out[at + i] = found[from + i]!;
      });
    });
  }
  return out;
}

/** Octaves of a quality, as far as they were learnt. */
export function octavesOf({ card: { qualities } }: Pick<Encoder, 'card'>, quality: number): number {
  const [lowest, highest] = qualities;
  return octavesAt(Math.min(highest, Math.max(lowest, quality)));
}

/** By octaves: as many as a signal is fitted at. */
const made = new WeakMap<EncoderPart, Map<number, Float32Array>>();
const mostMade = 4;

/** [inputs, outputs]; the last few are kept. */
function mapAt(part: EncoderPart, octaves: number): Float32Array {
  const all = made.get(part) ?? new Map<number, Float32Array>();
  made.set(part, all);
  const known = all.get(octaves);
  if (known !== undefined) return known;
  const { weights } = part;
  const half = weights.length / 2;
  const map = weights.slice(0, half);
  for (let i = 0; i < half; i++) map[i]! += octaves * weights[half + i]!;
  if (all.size >= mostMade) all.delete(all.keys().next().value!);
  all.set(octaves, map);
  return map;
}

/** Blocks along each axis. */
function blocksOf({ block }: EncoderShape, shape: readonly number[]): number[] {
  return shape.map((n, axis) => Math.ceil(n / block[axis]!));
}

/** Blocks one after the other, of one signal after the other. */
export interface BlockRun {
  readonly first: number;
  readonly count: number;
}

/** The inputs [count, inputs] of runs of the blocks of all signals, in order. */
export function forEachRun(
  part: EncoderShape,
  { shape, count, targets }: Seen,
  visit: (run: BlockRun, inputs: Float32Array) => void,
): void {
  const { pool, inputs } = part;
  const outputs = targets.length / (count * pointCount(shape));
  const blocks = blocksOf(part, shape);
  const each = pointCount(blocks);
  const most = Math.max(1, Math.floor(mostInputs / inputs));
  const grid = shape.map((n, axis) => Math.ceil(n / pool[axis]!));
  const pooled = pool.some((size) => size > 1);
  const perSignal = targets.length / count;
  const offsets = windowOffsets(part, blocks, grid);
  const valuesOf = (s: number) => {
    const own = targets.subarray(s * perSignal, (s + 1) * perSignal);
    return pooled ? means(own, shape, pool, outputs) : own;
  };
  let signal = 0;
  let values = valuesOf(0);
  for (let first = 0; first < count * each; first += most) {
    look();
    const run = { first, count: Math.min(most, count * each - first) };
    const rows = new Float32Array(run.count * inputs);
    for (let b = 0; b < run.count; b++) {
      const s = Math.floor((first + b) / each);
      if (s !== signal) values = valuesOf(s);
      signal = s;
      gather(values, outputs, offsets((first + b) % each), rows, b * inputs);
    }
    visit(run, rows);
  }
}

/** For each axis the points of the grid that a window reads, as offsets; those beyond it are the nearest in it. */
function windowOffsets(
  { block, pool, window }: EncoderShape,
  blocks: readonly number[],
  grid: readonly number[],
): (block: number) => Int32Array[] {
  const strides = grid.map((_, axis) => pointCount(grid.slice(axis + 1)));
  const byAxis = blocks.map((n, axis) =>
    Array.from({ length: n }, (_, b) => {
      const start = (b * block[axis]! - block[axis]! / 2) / pool[axis]!;
      return Int32Array.from({ length: window[axis]! }, (_, i) => {
        const at = Math.min(grid[axis]! - 1, Math.max(0, Math.floor(start) + i));
        return at * strides[axis]!;
      });
    }),
  );
  return (index) => unravel(blocks, index).map((b, axis) => byAxis[axis]![b]!);
}

/** Writes a window of `values` [grid, outputs], and the 1 behind it. */
function gather(
  values: Float32Array,
  outputs: number,
  axes: readonly Int32Array[],
  rows: Float32Array,
  at: number,
): void {
  const line = axes.at(-1)!;
  const outer = axes.slice(0, -1);
  const lines = outer.reduce((product, { length }) => product * length, 1);
  let to = at;
  for (let k = 0; k < lines; k++) {
    let start = 0;
    for (let axis = outer.length - 1, rest = k; axis >= 0; axis--) {
      const { length } = outer[axis]!;
      start += outer[axis]![rest % length]!;
      rest = Math.floor(rest / length);
    }
    for (let i = 0; i < line.length; i++) {
      const from = (start + line[i]!) * outputs;
      for (let c = 0; c < outputs; c++) rows[to++] = values[from + c]!;
    }
  }
  rows[to] = 1;
}

/** Means over runs of `pool` samples along each axis, [grid, outputs]; of what there is where the last run is shorter. */
function means(
  values: Float32Array,
  shape: readonly number[],
  pool: readonly number[],
  outputs: number,
): Float32Array {
  const grid = shape.map((n, axis) => Math.ceil(n / pool[axis]!));
  const strides = grid.map((_, axis) => pointCount(grid.slice(axis + 1)));
  const sums = new Float32Array(pointCount(grid) * outputs);
  const counts = new Float32Array(pointCount(grid));
  const line = shape.at(-1)!;
  const wide = pool.at(-1)!;
  for (let first = 0; first < values.length / outputs; first += line) {
    const row = unravel(shape, first).reduce(
      (sum, n, axis) => sum + Math.floor(n / pool[axis]!) * strides[axis]!,
      0,
    );
    for (let i = 0, from = first * outputs; i < line; i++) {
      const cell = row + Math.floor(i / wide);
      counts[cell]! += 1;
      for (let c = 0; c < outputs; c++) sums[cell * outputs + c]! += values[from++]!;
    }
  }
  for (let i = 0; i < sums.length; i++) sums[i]! /= counts[Math.floor(i / outputs)]!;
  return sums;
}

/** Where the numbers of each cell of a run of blocks stand: in modulations, and in [count, outputs]. Cells beyond the signal are left out. */
export function visitCells(
  part: EncoderShape,
  { levels: all, length: m }: ModulationLayout,
  shape: readonly number[],
  { first, count }: BlockRun,
  visit: (at: number, from: number, length: number) => void,
): void {
  const { block, levels, outputs } = part;
  const blocks = blocksOf(part, shape);
  const each = pointCount(blocks);
  let column = 0;
  for (const k of levels) {
    const { at, cells, cell, channels } = all[k]!;
    const inBlock = block.map((size, axis) => size / cell![axis]!);
    const places = Array.from({ length: pointCount(inBlock) }, (_, i) => unravel(inBlock, i));
    for (let b = 0; b < count; b++) {
      const corner = unravel(blocks, (first + b) % each);
      const start = Math.floor((first + b) / each) * m + at;
      places.forEach((place, i) => {
        let index = 0;
        for (let axis = 0; axis < place.length; axis++) {
          const own = corner[axis]! * inBlock[axis]! + place[axis]!;
          if (own >= cells[axis]!) return;
          index = index * cells[axis]! + own;
        }
        visit(start + index * channels, b * outputs + column + i * channels, channels);
      });
    }
    column += places.length * channels;
  }
}
