/**
 * Points as TensorFlow.js sees them: constant tensors of features, and interpolation in the latent grids as operations.
 */
import { axisTaps, coveringGrid, features, gridPositions, levelStencil } from '../../field/coordinates.ts';
import { modulationLayout } from '../../field/layout.ts';
import { type FieldSpec, featureCount, pointCount } from '../../field/spec.ts';
import type { TensorFlow } from './backend.ts';

export type Tensor = import('@tensorflow/tfjs-core').Tensor;

/** A set of points: their features [points, features] or none, and the adjointable map from modulations [signals, m] to u [signals * points, channels]. */
export interface Sites {
  readonly points: number;
  readonly features: Tensor | undefined;
  readonly interpolate: (phi: Tensor) => Tensor;
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
      levelStencil(spec, level, shape, positionOf(spec, positions, p)),
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
export function sampleSites(tf: TensorFlow, spec: FieldSpec, shape: readonly number[]): Sites {
  const levels = gridLevels(spec, shape).map(({ level, at, cells, sizes }) => {
    const along = sizes.map((n, axis) => {
      const matrix = new Float32Array(shape[axis]! * n);
      for (let i = 0; i < shape[axis]!; i++) {
        for (const { cell, weight } of axisTaps(spec, level, shape, axis, i + 0.5))
          matrix[i * n + cell]! += weight;
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
  const { levels } = modulationLayout(spec, shape);
  return levels.map(({ at, count, cells }, k) => ({
    level: spec.levels[k]!,
    at,
    cells: count,
    sizes: cells,
  }));
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

function positionOf(spec: FieldSpec, positions: Float64Array, p: number): Float64Array {
  return positions.subarray(p * spec.axes, (p + 1) * spec.axes);
}
