/**
 * PCA of the training maps with our quantiser and coder, without a network: of whole maps, brought to the grid of the signal, and of blocks.
 * Axes come from every second map, tables from the others. Every coefficient has a table of its own (the `factorized` prior). Means and axes are
 * not counted, as our network is not.
 */
import { encodeFile } from '../../codec/index.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { type Multiply, principalAxes } from '../../src/core/eigen.ts';
import { Rng } from '../../src/core/rng.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import type { Model } from '../../src/field/model.ts';
import type { Axis } from '../../src/field/outputs.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { coefficientModel } from '../rate/pca.ts';
import type { Contender } from './contender.ts';
import { complete } from './fields.ts';

/** Step of quality 50: an error of 0.6 % of the range, as axes are orthonormal. */
const step = 0.02;
const qualities = [20, 30, 40, 50, 60, 70, 80, 90, 100];
/** Side of blocks, and how many of them are looked at. */
const [side, mostBlocks] = [16, 12_000];

/** Axes at most: of blocks all of them. */
const mostAxes = 256;

interface Coder {
  readonly model: Model;
  readonly mean: Float32Array;
  /** [count, mean.length]. */
  readonly axes: Float32Array;
}

export function pcaPeers(maps: readonly Signal[], multiply: Multiply): Contender[] {
  const whole = maps.filter(({ axes = [] }) => axes.at(-1)?.wraps === true);
  const ofGrids = new Map<string, Coder>();
  const ofBlocks = new Map<string, Coder>();
  const blocks = blocksOf(maps);
  const known = <K, V>(all: Map<K, V>, key: K, make: () => V): V => {
    const own = all.get(key) ?? make();
    all.set(key, own);
    return own;
  };
  return [
    {
      name: 'PCA',
      note: `up to ${mostAxes} axes of ${whole.length} maps of the training set on the grid of the signal, and upside down where its grid says no direction; every coefficient a table; whole files`,
      settings: qualities,
      code: async (signal, quality) => {
        const { shape, axes = [] } = signal;
        const key = JSON.stringify([shape, axes]);
        const coder = known(ofGrids, key, () =>
          coderOf(rowsOnGrid(whole, shape, axes), { cell: null, shape: [1] }, multiply),
        );
        const { bytes, values } = codeRows(coder, complete(signal.values), quality, multiply);
        return { bytes, values };
      },
    },
    {
      name: 'PCA of blocks',
      note: `of ${blocks.length} blocks of ${side} x ${side} of the training set; every coefficient a table; whole files`,
      settings: qualities,
      code: async ({ shape, values }, quality) => {
        const coder = known(ofBlocks, shape.join(), () =>
          coderOf(blocks, { cell: [side, side], shape }, multiply),
        );
        const coded = codeRows(coder, cut(complete(values), shape), quality, multiply);
        return { bytes: coded.bytes, values: joined(coded.values, shape) };
      },
    },
  ];
}

/** `rows` are vectors of one length; `cell` null: a signal is one of them, else one a cell of its shape. */
function coderOf(
  rows: readonly Float32Array[],
  { cell, shape }: { readonly cell: readonly number[] | null; readonly shape: readonly number[] },
  multiply: Multiply,
): Coder {
  const length = rows[0]!.length;
  const [own, others] = [0, 1].map((part) => rows.filter((_, i) => i % 2 === part)) as [
    Float32Array[],
    Float32Array[],
  ];
  const count = Math.min(length, own.length, mostAxes);
  const mean = new Float32Array(length);
  for (const row of own) for (const [k, v] of row.entries()) mean[k]! += v / own.length;
  const { axes } = principalAxes(centred(own, mean), length, count, { multiply });
  const counted = multiply(centred(others, mean), axes, {
    m: others.length,
    n: count,
    k: length,
    transposeB: true,
  });
  const levels = [{ cell, channels: count, interpolation: 'nearest' as const }];
  const model = coefficientModel({ levels, shape, step }, counted, qualities);
  return { model, mean, axes };
}

function codeRows({ model, mean, axes }: Coder, rows: Float32Array, quality: number, multiply: Multiply) {
  const length = mean.length;
  const sizes = { m: rows.length / length, n: axes.length / length, k: length };
  const less = rows.map((v, i) => v - mean[i % length]!);
  const coefficients = multiply(less, axes, { ...sizes, transposeB: true });
  const { spec, shape } = model.card;
  const layout = modulationLayout(spec, shape);
  const steps = stepsAt(model.steps, quality);
  const symbols = quantise(layout, coefficients, steps);
  const { length: bytes } = encodeFile(model, symbols, shape, quality, 'factorized');
  const found = multiply(dequantise(layout, symbols, steps), axes, { ...sizes, n: length, k: sizes.n });
  return { bytes, values: found.map((v, i) => v + mean[i % length]!) };
}

function centred(rows: readonly Float32Array[], mean: Float32Array): Float32Array {
  const all = new Float32Array(rows.length * mean.length);
  for (const [r, row] of rows.entries())
    for (let k = 0; k < mean.length; k++) all[r * mean.length + k] = row[k]! - mean[k]!;
  return all;
}

/** Blocks without missing values, drawn from all maps alike. */
function blocksOf(maps: readonly Signal[]): Float32Array[] {
  const rng = new Rng(1);
  const found: Float32Array[] = [];
  for (let tries = 0; tries < 4 * mostBlocks && found.length < mostBlocks; tries++) {
    const { shape, values } = maps[rng.below(maps.length)]!;
    const [rows, columns] = shape as [number, number];
    const [y, x] = [rng.below(rows - side + 1), rng.below(columns - side + 1)];
    const block = Float32Array.from(
      { length: side * side },
      (_, i) => values[(y + Math.floor(i / side)) * columns + x + (i % side)]!,
    );
    if (!block.some(Number.isNaN)) found.push(block);
  }
  return found;
}

/** Block after block; beyond the ends values are those at them. */
function cut(values: Float32Array, shape: readonly number[]): Float32Array {
  const found = new Float32Array(blockPlaces(shape).length);
  for (const [i, place] of blockPlaces(shape).entries()) found[i] = values[place]!;
  return found;
}

function joined(blocks: Float32Array, shape: readonly number[]): Float32Array {
  const values = new Float32Array(shape[0]! * shape[1]!);
  // Backwards, so that what lies beyond an end does not replace what lies at it.
  const places = blockPlaces(shape);
  for (let i = places.length - 1; i >= 0; i--) values[places[i]!] = blocks[i]!;
  return values;
}

function blockPlaces(shape: readonly number[]): Int32Array {
  const [rows, columns] = shape as [number, number];
  const [down, across] = [Math.ceil(rows / side), Math.ceil(columns / side)];
  return Int32Array.from({ length: down * across * side * side }, (_, i) => {
    const block = Math.floor(i / (side * side));
    const inner = i % (side * side);
    const y = Math.min(rows - 1, Math.floor(block / across) * side + Math.floor(inner / side));
    const x = Math.min(columns - 1, (block % across) * side + (inner % side));
    return y * columns + x;
  });
}

/** Maps read along lines at the places of another grid; twice, once upside down, where that says nothing of its latitudes. */
function rowsOnGrid(
  maps: readonly Signal[],
  shape: readonly number[],
  axes: readonly Axis[],
): Float32Array[] {
  const [rows, columns] = shape as [number, number];
  const isKnown = axes[0]?.start !== undefined;
  const rowsOf = (isTurned: boolean) =>
    maps.map((map) => {
      const values = complete(map.values);
      const [height, width] = map.shape as [number, number];
      const [latitude, longitude] = map.axes as [Axis, Axis];
      const ys = Float64Array.from({ length: rows }, (_, y) => {
        const share = ((y + 0.5) / rows) * height - 0.5;
        return isKnown ? (at(axes[0]!, y) - latitude.start!) / latitude.step! : share;
      });
      const xs = Float64Array.from(
        { length: columns },
        (_, x) => (at(axes[1]!, x) - longitude.start!) / longitude.step!,
      );
      const read = (y: number, x: number) => {
        const [top, left] = [Math.floor(y), Math.floor(x)];
        const row = (i: number) => Math.min(height - 1, Math.max(0, i));
        const column = (i: number) => ((i % width) + width) % width;
        const sample = (i: number, j: number) => values[row(i) * width + column(j)]!;
        const line = (i: number) => sample(i, left) + (x - left) * (sample(i, left + 1) - sample(i, left));
        return line(top) + (y - top) * (line(top + 1) - line(top));
      };
      return Float32Array.from({ length: rows * columns }, (_, i) => {
        const y = Math.floor(i / columns);
        return read(ys[isTurned ? rows - 1 - y : y]!, xs[i % columns]!);
      });
    });
  return isKnown ? rowsOf(false) : [...rowsOf(false), ...rowsOf(true)];
}

function at({ start = 0, step: by = 1 }: Axis, i: number): number {
  return start + i * by;
}
