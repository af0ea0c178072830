/** The denoiser as a function of arrays: preconditioned, with the guidance of a label (J. Ho and T. Salimans, arXiv 2207.12598). */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { BadInputError, NotFoundError } from '../../src/core/errors.ts';
import { labelText } from '../../src/core/label.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { valuesOf } from '../train/loop.ts';
import type { Label } from '../train/standard.ts';
import { fromTokens, type TokenLayout, toTokens } from '../train/tokens.ts';
import { type DenoiserNet, levelFeatures } from './net.ts';
import { preconditioning } from './schedule.ts';

export interface DenoiseOptions {
  /** One of the prior's labels; absent: any. */
  readonly label?: Label | undefined;
  /** 1: what the label says; above: more of what sets it apart, 0: as without a label. Default 1. */
  readonly guidance?: number | undefined;
}

export interface Denoise {
  /**
   * Mean of z given z + sigma n: `noisy` and the result are [count, m], standardised. Throws BadInputError `sigma`,
   * `modulation`, `no-labels` or `guidance`, NotFoundError `unknown-label`.
   */
  denoise(noisy: Float32Array, sigma: number, options?: DenoiseOptions): Float32Array;
  /** [count, m]: the transposed Jacobian of `denoise` at `noisy` times `cotangent` [count, m]; and `denoise` itself. */
  pullBack(
    noisy: Float32Array,
    sigma: number,
    cotangent: (denoised: Float32Array) => Float32Array,
    options?: DenoiseOptions,
  ): { readonly denoised: Float32Array; readonly gradient: Float32Array };
}

export const maxGuidance = 20;

export function createDenoise(
  tf: TensorFlow,
  net: DenoiserNet,
  layout: TokenLayout,
  labels: readonly Label[],
): Denoise {
  const { tokens, slots, length } = layout;

  function prepare(noisy: Float32Array, sigma: number, { label, guidance = 1 }: DenoiseOptions) {
    if (!(Number.isFinite(sigma) && sigma > 0)) {
      throw new BadInputError('sigma', `a noise level is a number above 0, not ${sigma}`);
    }
    if (noisy.length === 0 || noisy.length % length !== 0) {
      throw new BadInputError('modulation', `numbers by the ${length} are needed, not ${noisy.length}`);
    }
    checkGuidance(guidance);
    const count = noisy.length / length;
    const index = labelIndex(labels, label);
    // Rows of the network: with the label, without it, or first with it and then without.
    const both = index !== undefined && guidance !== 1 && guidance !== 0;
    const withLabel = index !== undefined && guidance !== 0;
    const rows = both ? 2 * count : count;
    const features = levelFeatures(sigma);
    const { skip, out, in: scale } = preconditioning(sigma);

    const run = (x: Tensor3D): Tensor3D => {
      const level = tf.tile(tf.tensor2d(features, [1, features.length]), [rows, 1]);
      const ones = tf.tensor2d(oneHot(rows, labels.length, withLabel ? count : 0, index ?? 0), [
        rows,
        Math.max(1, labels.length),
      ]);
      const given = tf.mul(x, scale);
      const input = both ? tf.concat([given, given], 0) : given;
      const found = net.predict(
        input as Tensor3D,
        level as Tensor2D,
        labels.length > 0 ? (ones as Tensor2D) : undefined,
      );
      let field: Tensor = found;
      if (both) {
        const [toLabel, without] = tf.split(found, 2, 0);
        field = tf.add(without!, tf.mul(tf.sub(toLabel!, without!), guidance));
      }
      return tf.add(tf.mul(x, skip), tf.mul(field, out)) as Tensor3D;
    };
    const x = () => tf.tensor3d(toTokens(layout, noisy), [count, tokens, slots]);
    return { run, x };
  }

  const take = (of: () => Tensor) => valuesOf(tf, of);

  return {
    denoise(noisy, sigma, options = {}) {
      const { run, x } = prepare(noisy, sigma, options);
      return fromTokens(
        layout,
        take(() => run(x())),
      );
    },

    pullBack(noisy, sigma, cotangent, options = {}) {
      const { run, x } = prepare(noisy, sigma, options);
      let denoised: Float32Array = new Float32Array(0);
      const gradient = take(() => {
        // The cotangent needs the value: one pass gives both, through a product whose gradient is the cotangent.
        return tf.grad((at: Tensor) => {
          const found = run(at as Tensor3D);
          denoised = fromTokens(layout, found.dataSync() as Float32Array);
          const weights = tf.tensor3d(toTokens(layout, cotangent(denoised)), found.shape);
          return tf.sum(tf.mul(found, weights));
        })(x());
      });
      return { denoised, gradient: fromTokens(layout, gradient) };
    },
  };
}

/** Throws BadInputError `guidance`. */
export function checkGuidance(guidance: number): void {
  if (!(guidance >= 0 && guidance <= maxGuidance)) {
    throw new BadInputError('guidance', `guidance is a number from 0 to ${maxGuidance}, not ${guidance}`);
  }
}

/** Throws BadInputError `no-labels` for a prior without any, NotFoundError `unknown-label`. */
export function labelIndex(labels: readonly Label[], label: Label | undefined): number | undefined {
  if (label === undefined) return undefined;
  if (labels.length === 0) {
    throw new BadInputError('no-labels', 'this prior knows no labels; leave the label out');
  }
  const index = labels.findIndex((known) => labelText(known) === labelText(label));
  if (index >= 0) return index;
  throw new NotFoundError(
    'unknown-label',
    `no label is called ${String(label).slice(0, 64)}; there are: ${labels.join(', ')}`,
  );
}

/** [rows, labels]: the first `marked` rows carry label `index`. */
export function oneHot(rows: number, labels: number, marked: number, index: number): Float32Array {
  const values = new Float32Array(rows * Math.max(1, labels));
  for (let i = 0; i < marked; i++) values[i * labels + index] = 1;
  return values;
}
