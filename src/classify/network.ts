/** The network of a classifier in TensorFlow.js: as it is trained, and as it is used. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Variable } from '@tensorflow/tfjs-core';
import type { Rng } from '../core/rng.ts';
import { type Tensor as StoredTensor, takeTensor, tensor } from '../core/tensor.ts';
import type { TensorFlow } from '../engine/tfjs/backend.ts';
import { pointCount } from '../field/spec.ts';
import { type Architecture, type Layer, layersOf, mapInputCount } from './architecture.ts';
import { type Convolution, convolution, mergingConvolution, normalised, normEpsilon } from './layers.ts';

export interface LearningNetwork {
  readonly variables: readonly Variable[];
  /**
   * Logits [batch, classes] of x [batch, cells, channels]; differentiable in the variables. `mask` [batch, features]
   * multiplies the features: dropout.
   */
  logits(x: Tensor3D, mask: Tensor2D | undefined): Tensor2D;
  /** Running mean and variance of the inputs of each normalisation: with the variables, the state of training. */
  readonly moments: readonly Float32Array[];
  /** Moments after so many batches; the variables are the caller's to assign. */
  restore(moments: readonly Float32Array[], batches: number): void;
  /** Weights for `openNetwork`, with the normalisation folded in by running means of its moments. */
  export(): Map<string, StoredTensor>;
  dispose(): void;
}

export interface Network {
  /** [count, features] and [count, classes] of maps [count, cells, channels]. */
  run(maps: Float32Array): { readonly features: Float32Array; readonly logits: Float32Array };
  dispose(): void;
}

/** Weight of a new batch in the running moments; those of the first batches are plain means of them. */
const newest = 0.02;

export function createNetwork(tf: TensorFlow, architecture: Architecture, rng: Rng): LearningNetwork {
  const layers = layersOf(architecture);
  const grids = openGrids(tf, layers);
  const make = (values: Float32Array, shape: number[]) =>
    tf.tidy(() => tf.variable(tf.tensor(values, shape, 'float32')));
  const normals = (count: number, deviation: number) =>
    Float32Array.from({ length: count }, () => deviation * rng.normal());
  const parts = layers.map(({ inputs, outputs, taps }) => ({
    // Rectified units: variance 2 / fan-in (He et al., arXiv 1502.01852).
    weights: make(normals(taps * inputs * outputs, Math.sqrt(2 / (taps * inputs))), [taps * inputs, outputs]),
    gain: make(new Float32Array(outputs).fill(1), [outputs]),
    bias: make(new Float32Array(outputs), [outputs]),
    mean: new Float32Array(outputs),
    variance: new Float32Array(outputs).fill(1),
    batches: 0,
  }));
  const features = mapInputCount(architecture);
  const { classes } = architecture;
  const head = {
    weights: make(new Float32Array(features * classes), [features, classes]),
    bias: make(new Float32Array(classes), [classes]),
  };
  const variables = [
    ...parts.flatMap(({ weights, gain, bias }) => [weights, gain, bias]),
    head.weights,
    head.bias,
  ];

  function layer(x: Tensor3D, i: number): Tensor3D {
    const part = parts[i]!;
    const { kind, outputs } = layers[i]!;
    const grid = grids[i]!;
    const weights = part.weights as unknown as Tensor2D;
    // Below the first nothing learns, so its input gets no gradient.
    const sums =
      kind === 'start'
        ? (tf.matMul(grid.columns(x), weights) as Tensor2D)
        : (tf.reshape(grid.apply(x, weights), [-1, outputs]) as Tensor2D);
    const rectified = normalised(
      tf,
      sums,
      part.gain as unknown as Tensor1D,
      part.bias as unknown as Tensor1D,
      (mean, variance) => {
        const weight = Math.max(newest, 1 / ++part.batches);
        follow(part.mean, mean, weight);
        follow(part.variance, variance, weight);
      },
    );
    const made = tf.reshape(rectified, [x.shape[0], -1, outputs]) as Tensor3D;
    return kind === 'block' ? tf.add(x, made) : made;
  }

  const moments = parts.flatMap(({ mean, variance }) => [mean, variance]);
  return {
    variables,
    moments,

    restore(saved, batches) {
      moments.forEach((running, i) => {
        running.set(saved[i]!);
      });
      for (const part of parts) part.batches = batches;
    },

    logits(x, mask) {
      let maps = x;
      for (let i = 0; i < layers.length; i++) maps = layer(maps, i);
      const found = tf.mean(maps, 1) as Tensor2D;
      const seen = mask ? tf.mul(found, mask) : found;
      return tf.add(tf.matMul(seen, head.weights as unknown as Tensor2D), head.bias);
    },

    export() {
      const tensors = new Map<string, StoredTensor>();
      parts.forEach((part, i) => {
        const { outputs } = layers[i]!;
        const [gain, bias] = [part.gain.dataSync(), part.bias.dataSync()];
        const slope = part.variance.map((v, c) => gain[c]! / Math.sqrt(v + normEpsilon));
        const weights = Float32Array.from(part.weights.dataSync(), (w, k) => w * slope[k % outputs]!);
        tensors.set(`layer.${i}.weights`, tensor(weights, part.weights.shape));
        tensors.set(`layer.${i}.bias`, tensor(slope.map((s, c) => bias[c]! - s * part.mean[c]!)));
      });
      tensors.set('head.weights', tensor(Float32Array.from(head.weights.dataSync()), head.weights.shape));
      tensors.set('head.bias', tensor(Float32Array.from(head.bias.dataSync())));
      return tensors;
    },

    dispose() {
      tf.dispose([...variables]);
      for (const grid of grids) grid.dispose();
    },
  };
}

function follow(running: Float32Array, found: Tensor, weight: number): void {
  const values = found.dataSync();
  for (let c = 0; c < running.length; c++) running[c]! += weight * (values[c]! - running[c]!);
}

/**
 * A trained network. Throws BadInputError `tensor-missing`, `tensor-dtype` or `tensor-shape` where the tensors are not those
 * of the architecture.
 */
export function openNetwork(
  tf: TensorFlow,
  architecture: Architecture,
  tensors: ReadonlyMap<string, StoredTensor>,
): Network {
  const layers = layersOf(architecture);
  const width = mapInputCount(architecture);
  const { classes } = architecture;
  const take = (name: string, shape: number[]) =>
    tf.tensor(
      takeTensor(
        tensors,
        name,
        'F32',
        shape.reduce((product, n) => product * n, 1),
      ).slice(),
      shape,
      'float32',
    );
  const parts = layers.map(({ inputs, outputs, taps }, i) => ({
    weights: take(`layer.${i}.weights`, [taps * inputs, outputs]) as Tensor2D,
    bias: take(`layer.${i}.bias`, [outputs]) as Tensor1D,
  }));
  const head = {
    weights: take('head.weights', [width, classes]) as Tensor2D,
    bias: take('head.bias', [classes]) as Tensor1D,
  };
  const grids = openGrids(tf, layers);
  const inputs = pointCount(architecture.cells) * architecture.channels;

  return {
    run(maps) {
      const count = maps.length / inputs;
      const [features, logits] = tf.tidy(() => {
        let x = tf.tensor3d(maps.slice(), [count, pointCount(architecture.cells), architecture.channels]);
        for (const [i, { kind, outputs }] of layers.entries()) {
          const { weights, bias } = parts[i]!;
          const rows = tf.fused.matMul({ a: grids[i]!.columns(x), b: weights, bias, activation: 'relu' });
          const made = tf.reshape(rows, [count, -1, outputs]) as Tensor3D;
          x = kind === 'block' ? tf.add(x, made) : made;
        }
        const found = tf.mean(x, 1) as Tensor2D;
        return [found, tf.fused.matMul({ a: found, b: head.weights, bias: head.bias })] as const;
      });
      const found = {
        features: Float32Array.from(features.dataSync()),
        logits: Float32Array.from(logits.dataSync()),
      };
      tf.dispose([features, logits]);
      return found;
    },

    dispose() {
      tf.dispose([...parts.flatMap(({ weights, bias }) => [weights, bias]), head.weights, head.bias]);
      for (const grid of grids) grid.dispose();
    },
  };
}

function openGrids(tf: TensorFlow, layers: readonly Layer[]): Convolution[] {
  return layers.map(({ kind, cells }) =>
    kind === 'merge' ? mergingConvolution(tf, cells) : convolution(tf, cells),
  );
}
