/**
 * The field of spec.ts and its inner loss as TensorFlow.js operations, for stacks of latent grids of any number of
 * axes. Only operations with registered gradients of every order are used, so `tf.grads` can be nested at will.
 */
import { axisTaps, coveringGrid, features, gridPositions, levelStencil } from '../../field/coordinates.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  featureCount,
  gridCells,
  modulationLength,
  pointCount,
  totalChannels,
  weightLayout,
} from '../../field/spec.ts';
import type { Batch } from '../engine.ts';
import type { TensorFlow } from './backend.ts';

export type Tensor = import('@tensorflow/tfjs-core').Tensor;

/** A set of points: their features [points, features] or none, and the adjointable map from modulations [signals, m] to u [signals * points, channels]. */
interface Sites {
  readonly points: number;
  readonly features: Tensor | undefined;
  readonly interpolate: (phi: Tensor) => Tensor;
}

/** Field values [signals, points, outputs]; `phi` [signals, m] is absent where m is 0. */
export function fieldValues(
  tf: TensorFlow,
  spec: FieldSpec,
  sites: Sites,
  theta: Tensor,
  phi: Tensor | undefined,
  signals: number,
): Tensor {
  const { width, layers, outputs, w0 } = spec;
  const layout = weightLayout(spec);
  const block = (at: number, rows: number, columns: number) =>
    tf.reshape(tf.slice(theta, [at], [rows * columns]), [rows, columns]);
  const rows = signals * sites.points;
  const shifts =
    phi && tf.matMul(sites.interpolate(phi), block(layout.m, totalChannels(spec), layout.mColumns));
  const shifted = (z: Tensor, column: number, columns: number) =>
    shifts ? tf.add(z, tf.slice(shifts, [0, column], [rows, columns])) : z;
  let h = sites.features && everySignal(tf, sites.features, signals);
  for (let l = 0; l < layers; l++) {
    const { at, rows: inputs } = layout.w[l]!;
    const bias = block(layout.b[l]!, 1, width);
    const z = h
      ? tf.add(tf.matMul(h, block(at, inputs, width)), bias)
      : tf.add(tf.zeros([rows, width]), bias);
    h = tf.sin(tf.mul(shifted(z, l * width, width), w0));
  }
  const f = tf.add(tf.matMul(h!, block(layout.wo, width, outputs)), block(layout.bo, 1, outputs));
  return tf.reshape(shifted(f, layers * width, outputs), [signals, sites.points, outputs]);
}

/** theta, phi -> inner loss [signals] of a batch. */
export function innerLosses(
  tf: TensorFlow,
  spec: FieldSpec,
  batch: Batch,
): (theta: Tensor, phi: Tensor | undefined) => Tensor {
  const { count } = batch;
  const points = pointCount(batch.shape);
  const sites = sampleSites(tf, spec, batch.shape);
  const targets = tf.tensor(batch.targets, [count, points, spec.outputs]);
  const weights = batch.weights && tf.tensor(batch.weights, [count, points, 1]);
  return (theta, phi) => {
    const square = tf.square(tf.sub(fieldValues(tf, spec, sites, theta, phi, count), targets));
    return tf.mul(tf.sum(weights ? tf.mul(square, weights) : square, [1, 2]), 0.5);
  };
}

/** The inner rate of every float of a modulation [m]. */
export function entryRates(net: BaseNetwork, shape: readonly number[]): Float32Array {
  const rates: number[] = [];
  let first = 0;
  for (const level of net.spec.levels) {
    const own = net.rates.subarray(first, first + level.channels);
    for (let cell = pointCount(gridCells(level, shape)); cell > 0; cell--) rates.push(...own);
    first += level.channels;
  }
  return Float32Array.from(rates);
}

/** The same as a tensor [1, m], from rates [channels] that may be differentiated. */
export function spreadRates(
  tf: TensorFlow,
  spec: FieldSpec,
  shape: readonly number[],
  rates: Tensor,
): Tensor {
  let first = 0;
  const parts = spec.levels.map((level) => {
    const cells = pointCount(gridCells(level, shape));
    const own = tf.reshape(tf.slice(rates, [first], [level.channels]), [1, level.channels]);
    first += level.channels;
    return tf.reshape(tf.matMul(tf.ones([cells, 1]), own), [1, cells * level.channels]);
  });
  return tf.concat(parts, 1);
}

/** Scattered points [n, axes]: u is gathered cell by cell. One signal; not for gradients, which few backends have fast. */
export function scatteredSites(
  tf: TensorFlow,
  spec: FieldSpec,
  shape: readonly number[],
  positions: Float64Array,
): Sites {
  const points = positions.length / spec.axes;
  const levels = gridLevels(spec, shape).map(({ level, at, cells }) => {
    const stencils = Array.from({ length: points }, (_, p) =>
      levelStencil(level, shape, positionOf(spec, positions, p)),
    );
    const taps = stencils.flat();
    const corners = taps.length / points;
    const index = tf.tensor1d(
      Int32Array.from(taps, (tap) => tap.cell),
      'int32',
    );
    const weight = tf.tensor(
      Float32Array.from(taps, (tap) => tap.weight),
      [points, corners, 1],
    );
    return { channels: level.channels, at, cells, corners, index, weight };
  });
  const interpolate = (phi: Tensor) =>
    tf.concat(
      levels.map(({ channels, at, cells, corners, index, weight }) => {
        const grid = tf.reshape(tf.slice(phi, [0, at], [1, cells * channels]), [cells, channels]);
        return tf.sum(tf.mul(tf.reshape(tf.gather(grid, index), [points, corners, channels]), weight), 1);
      }),
      1,
    );
  return { points, features: featureRows(tf, spec, shape, positions), interpolate };
}

/** The samples of a signal: interpolation is separable, one constant matrix [samples, cells] an axis. */
function sampleSites(tf: TensorFlow, spec: FieldSpec, shape: readonly number[]): Sites {
  const levels = gridLevels(spec, shape).map(({ level, at, cells }) => {
    const sizes = gridCells(level, shape);
    const along = sizes.map((n, axis) => {
      const matrix = new Float32Array(shape[axis]! * n);
      for (let i = 0; i < shape[axis]!; i++) {
        for (const { cell, weight } of axisTaps(level, axis, n, i + 0.5)) matrix[i * n + cell]! += weight;
      }
      return tf.tensor(matrix, [shape[axis]!, n]);
    });
    return { channels: level.channels, at, cells, sizes, along };
  });
  const interpolate = (phi: Tensor) => {
    const signals = phi.shape[0]!;
    const parts = levels.map(({ channels, at, cells, sizes, along }) => {
      let grid = tf.reshape(tf.slice(phi, [0, at], [signals, cells * channels]), [
        signals,
        ...sizes,
        channels,
      ]);
      along.forEach((matrix, axis) => {
        grid = contract(tf, matrix, grid, axis + 1);
      });
      return tf.reshape(grid, [-1, channels]);
    });
    return tf.concat(parts, 1);
  };
  const positions = gridPositions(coveringGrid(shape));
  return { points: pointCount(shape), features: featureRows(tf, spec, shape, positions), interpolate };
}

/** Replaces `axis` of x, of length k, by the rows of `matrix` [n, k]. */
function contract(tf: TensorFlow, matrix: Tensor, x: Tensor, axis: number): Tensor {
  const order = [axis, ...x.shape.keys()].filter((a, i) => i === 0 || a !== axis);
  const back = order.map((_, a) => order.indexOf(a));
  const front = tf.transpose(x, order);
  const product = tf.matMul(matrix, tf.reshape(front, [x.shape[axis]!, -1]));
  return tf.transpose(tf.reshape(product, [matrix.shape[0]!, ...front.shape.slice(1)]), back);
}

function gridLevels(spec: FieldSpec, shape: readonly number[]) {
  let at = 0;
  return spec.levels.map((level) => {
    const cells = pointCount(gridCells(level, shape));
    const here = { level, at, cells };
    at += cells * level.channels;
    return here;
  });
}

function featureRows(
  tf: TensorFlow,
  spec: FieldSpec,
  shape: readonly number[],
  positions: Float64Array,
): Tensor | undefined {
  const columns = featureCount(spec);
  if (columns === 0) return undefined;
  const points = positions.length / spec.axes;
  const rows = new Float32Array(points * columns);
  for (let p = 0; p < points; p++)
    rows.set(features(spec, shape, positionOf(spec, positions, p)), p * columns);
  return tf.tensor(rows, [points, columns]);
}

function everySignal(tf: TensorFlow, rows: Tensor, signals: number): Tensor {
  return signals === 1 ? rows : tf.tile(rows, [signals, 1]);
}

function positionOf(spec: FieldSpec, positions: Float64Array, p: number): Float64Array {
  return positions.subarray(p * spec.axes, (p + 1) * spec.axes);
}

/** [count, m] as a tensor; absent where a modulation has no entries. */
export function modulationTensor(
  tf: TensorFlow,
  spec: FieldSpec,
  shape: readonly number[],
  values: Float32Array,
): Tensor | undefined {
  const m = modulationLength(spec, shape);
  return m === 0 ? undefined : tf.tensor(values, [values.length / m, m]);
}
