/**
 * The field of spec.ts and its inner loss as TensorFlow.js operations, for stacks of latent grids of any number of
 * axes. Only operations with registered gradients of every order are used, so `tf.grads` can be nested at will.
 */
import { modulationLayout, ofEachNumber } from '../../field/layout.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  modulationLength,
  pointCount,
  ratesAt,
  totalChannels,
  weightLayout,
} from '../../field/spec.ts';
import type { Batch } from '../engine.ts';
import type { TensorFlow } from './backend.ts';
import { type Sites, sampleSites, type Tensor } from './sites.ts';

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

/** The inner rate of every float of a modulation [m] in a step. */
export function entryRates(net: BaseNetwork, shape: readonly number[], step: number): Float32Array {
  const rates = net.rates.subarray(ratesAt(net, step));
  return Float32Array.from(ofEachNumber(modulationLayout(net.spec, shape), rates));
}

/** The same as a tensor [1, m], from rates [rows * channels] that may be differentiated. */
export function spreadRates(
  tf: TensorFlow,
  net: BaseNetwork,
  shape: readonly number[],
  step: number,
  rates: Tensor,
): Tensor {
  const start = ratesAt(net, step);
  const parts = modulationLayout(net.spec, shape).levels.map(({ count, channels, first }) => {
    const own = tf.reshape(tf.slice(rates, [start + first], [channels]), [1, channels]);
    return tf.reshape(tf.matMul(tf.ones([count, 1]), own), [1, count * channels]);
  });
  return tf.concat(parts, 1);
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

function everySignal(tf: TensorFlow, rows: Tensor, signals: number): Tensor {
  return signals === 1 ? rows : tf.tile(rows, [signals, 1]);
}
