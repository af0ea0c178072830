/** The meta-gradient by nested automatic differentiation: the inner loop is run again under `tf.grads`. */
import type { BaseNetwork } from '../../field/spec.ts';
import type { Adapted, Batch, OuterLoss } from '../engine.ts';
import type { TensorFlow } from './backend.ts';
import { innerLosses, modulationTensor, spreadRates } from './field.ts';
import type { Tensor } from './sites.ts';

/** Tensors of a MetaGradient; rates and modulations are absent where modulations have no entries. */
export interface MetaTensors {
  readonly losses: Tensor;
  readonly weights: Tensor;
  readonly rates?: Tensor;
  readonly modulations?: Tensor;
}

/** To be called within `tf.tidy`. `steps` is the number of inner steps of `adapted`. */
export function metaTensors(
  tf: TensorFlow,
  net: BaseNetwork,
  batch: Batch,
  adapted: Adapted,
  outer: OuterLoss,
  steps: number,
): MetaTensors {
  const { spec } = net;
  const loss = innerLosses(tf, spec, batch);
  const total = (theta: Tensor, phi: Tensor | undefined) => tf.sum(loss(theta, phi));
  const tensor = (values: Float32Array) => modulationTensor(tf, spec, batch.shape, values);
  const length = adapted.trajectory.length / (steps + 1);
  const after = (k: number) => tensor(adapted.trajectory.subarray(k * length, (k + 1) * length));
  const theta = tf.tensor1d(net.weights);
  const start = after(0);
  if (!start) {
    const weights = tf.grad((t: Tensor) => tf.mul(total(t, undefined), outer.distortionWeight))(theta);
    return { losses: loss(theta, undefined), weights };
  }

  const innerGradient = (t: Tensor, phi: Tensor) => tf.grad((p: Tensor) => total(t, p))(phi);
  const offset = outer.offset && tensor(outer.offset);
  const shifted = (phi: Tensor) => (offset ? tf.add(phi, offset) : phi);
  const extra = outer.extraGradient && tensor(outer.extraGradient);
  // First order: the inner gradients are numbers, computed here, outside of what is differentiated.
  const held =
    outer.secondOrder === false
      ? Array.from({ length: steps }, (_, k) => innerGradient(theta, after(k)!))
      : [];

  const outerLoss = (t: Tensor, r: Tensor) => {
    let phi = start;
    for (let k = 0; k < steps; k++) {
      const rates = spreadRates(tf, net, batch.shape, k, r);
      phi = tf.sub(phi, tf.mul(rates, held[k] ?? innerGradient(t, phi)));
    }
    // Rates have a part in the loss, if of weight 0, where there are no steps: tf.grads insists on one.
    const distortion = tf.add(tf.mul(total(t, shifted(phi)), outer.distortionWeight), tf.mul(tf.sum(r), 0));
    return extra ? tf.add(distortion, tf.sum(tf.mul(extra, phi))) : distortion;
  };
  const [weights, rates] = tf.grads(outerLoss)([theta, tf.tensor1d(net.rates)]);
  const final = shifted(after(steps)!);
  const modulations = tf.mul(innerGradient(theta, final), outer.distortionWeight);
  return { losses: loss(theta, final), weights: weights!, rates: rates!, modulations };
}
