/**
 * Layers in TensorFlow.js whose work is matrix products: convolutions over any number of axes by tables of neighbours, and
 * batch normalisation with its rectifier (S. Ioffe and C. Szegedy, arXiv 1502.03167), both with gradients written out.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../engine/tfjs/backend.ts';
import { merging, neighbours, placesIn, type Stencil } from './stencil.ts';

/** A stencil with its tables in TensorFlow.js. */
export interface Convolution {
  readonly stencil: Stencil;
  /** [batch, from, C] to [batch * to, taps * C]. */
  columns(x: Tensor3D): Tensor2D;
  /** [batch, from, C] and weights [taps * C, D] to [batch, to, D]; differentiable in both. */
  apply(x: Tensor3D, weights: Tensor2D): Tensor3D;
  dispose(): void;
}

type Save = (tensors: Tensor[]) => void;

/** 3 cells along each axis. */
export function convolution(tf: TensorFlow, cells: readonly number[]): Convolution {
  const stencil = neighbours(cells);
  const { taps } = stencil;
  const backwards = tf.tensor1d(
    Array.from({ length: taps }, (_, tap) => taps - 1 - tap),
    'int32',
  );
  const made = makeConvolution(tf, stencil, (gather) => (dy, weights) => {
    const [rows, outputs] = weights.shape;
    // The adjoint looks at the same cells in the opposite order.
    const turned = tf.gather(tf.reshape(weights, [taps, rows / taps, outputs]), backwards, 0);
    const flipped = tf.reshape(tf.transpose(turned, [0, 2, 1]), [taps * outputs, rows / taps]);
    return tf.matMul(gather(dy), flipped as Tensor2D);
  });
  return withTensor(made, backwards);
}

/** 2 cells along each axis become one. */
export function mergingConvolution(tf: TensorFlow, cells: readonly number[]): Convolution {
  const stencil = merging(cells);
  const places = tf.tensor1d(placesIn(stencil), 'int32');
  const made = makeConvolution(tf, stencil, () => (dy, weights) => {
    const [batch, to, outputs] = dy.shape;
    const columns = tf.matMul(tf.reshape(dy, [batch * to, outputs]) as Tensor2D, weights, false, true);
    const spread = tf.reshape(columns, [batch, to * stencil.taps, weights.shape[0] / stencil.taps]);
    return tf.gather(spread, places, 1);
  });
  return withTensor(made, places);
}

function withTensor(made: Convolution, tensor: Tensor): Convolution {
  return {
    ...made,
    dispose() {
      made.dispose();
      tensor.dispose();
    },
  };
}

function makeConvolution(
  tf: TensorFlow,
  stencil: Stencil,
  adjoint: (gather: (x: Tensor3D) => Tensor2D) => (dy: Tensor3D, weights: Tensor2D) => Tensor,
): Convolution {
  const table = tf.tensor1d(stencil.table, 'int32');
  const to = stencil.table.length / stencil.taps;
  const columns = (x: Tensor3D): Tensor2D => {
    const [batch, , channels] = x.shape;
    const padded = tf.pad(x, [
      [0, 0],
      [0, 1],
      [0, 0],
    ]);
    return tf.reshape(tf.gather(padded, table, 1), [batch * to, stencil.taps * channels]);
  };
  const back = adjoint(columns);
  const product = tf.customGrad((...args) => {
    const [x, weights, save] = args as unknown as [Tensor3D, Tensor2D, Save];
    save([x, weights]);
    return {
      value: tf.matMul(columns(x), weights),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, by] = saved as [Tensor3D, Tensor2D];
        const rows = tf.matMul(columns(at), dy as Tensor2D, true, false);
        const outer = tf.reshape(dy, [at.shape[0], to, by.shape[1]]) as Tensor3D;
        return [tf.reshape(back(outer, by), at.shape), rows];
      },
    };
  });
  return {
    stencil,
    columns,
    apply: (x, weights) => tf.reshape(product(x, weights), [x.shape[0], to, weights.shape[1]]),
    dispose: () => table.dispose(),
  };
}

export const normEpsilon = 1e-5;

/**
 * relu(gain (x - mean) / deviation + bias) over the rows of x [rows, C]; differentiable in all three. `onMoments` gets the
 * mean and the variance [C] of this batch, which it may keep.
 */
export function normalised(
  tf: TensorFlow,
  x: Tensor2D,
  gain: Tensor1D,
  bias: Tensor1D,
  onMoments: (mean: Tensor1D, variance: Tensor1D) => void,
): Tensor2D {
  const run = tf.customGrad((...args) => {
    const [rows, by, plus, save] = args as unknown as [Tensor2D, Tensor1D, Tensor1D, Save];
    const n = rows.shape[0];
    const mean = tf.mean(rows, 0) as Tensor1D;
    const variance = tf.relu(tf.sub(tf.mean(tf.square(rows), 0), tf.square(mean))) as Tensor1D;
    onMoments(mean, variance);
    const inverse = tf.rsqrt(tf.add(variance, normEpsilon));
    const slope = tf.mul(by, inverse);
    const value = tf.relu(tf.add(tf.mul(rows, slope), tf.sub(plus, tf.mul(mean, slope))));
    save([rows, value, mean, inverse, slope]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, out, centre, scale, factor] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
        const dz = tf.mul(dy, tf.step(out));
        const dBias = tf.sum(dz, 0);
        const dGain = tf.mul(scale, tf.sub(tf.sum(tf.mul(dz, at), 0), tf.mul(centre, dBias)));
        // dx = slope (dz - mean(dz) - xhat mean(dz xhat)), gathered by what multiplies x.
        const along = tf.mul(tf.mul(factor, scale), tf.div(dGain, -n));
        const constant = tf.sub(tf.mul(factor, tf.div(dBias, -n)), tf.mul(centre, along));
        const dx = tf.add(tf.add(tf.mul(dz, factor), tf.mul(at, along)), constant);
        return [dx, dGain, dBias];
      },
    };
  });
  return run(x, gain, bias) as Tensor2D;
}
