/**
 * A network for one signal alone (COIN, arXiv 2103.03123, section 2): all weights are learnt, by Adam on the whole signal, and the best
 * that were met are kept. The learning rate falls along a cosine, which reaches in thousands of iterations what a constant one takes
 * tens of thousands for.
 */
import { aNumber, aShape, check } from '../core/check.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { allFinite } from '../engine/check.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { initialWeights } from '../field/initialise.ts';
import { type FieldSpec, pointCount, weightLayout } from '../field/spec.ts';
import { Adam, cosineSchedule } from './adam.ts';
import { massOf } from './batch.ts';

export interface OwnNetwork {
  /** Flat, in the order of `weightLayout`. */
  readonly weights: Float32Array;
  /** Half the weighted sum of squared errors, in field units. */
  readonly loss: number;
}

export interface OwnFitOptions extends CallOptions {
  /** Steps of Adam, each over all points. */
  readonly iterations: number;
  /** At the start. Default: `learningRateOf`. */
  readonly learningRate?: number | undefined;
  /** Of the weights to begin with; the same seed gives the same weights. Default 0. */
  readonly seed?: number | undefined;
  /** Weights to begin with, in place of random ones. */
  readonly start?: Float32Array | undefined;
  /**
   * What a decoder makes of weights. Errors and gradients are taken there, and pass to the weights as if nothing had been done to them
   * (straight through); what is returned is what this gave.
   */
  readonly through?: ((weights: Float32Array) => Float32Array) | undefined;
  /** After each iteration: how many are done, and the least mean squared error so far, in field units. */
  readonly onIteration?: ((done: number, mse: number) => void) | undefined;
}

/** Networks of a setup of COIN: that many layers of sines, each so wide. */
export interface OwnSize {
  readonly layers: number;
  readonly width: number;
}

/**
 * Published setups: of COIN on Kodak (its table 1), and of COIN in the comparison of COIN++ on CIFAR-10 (arXiv 2201.12904), whose rates
 * are those of these sizes at 16 bits a weight.
 */
export const publishedSizes: Readonly<Record<'kodak' | 'cifar10', readonly OwnSize[]>> = {
  kodak: [
    { layers: 5, width: 20 },
    { layers: 5, width: 30 },
    { layers: 10, width: 28 },
    { layers: 10, width: 40 },
    { layers: 13, width: 49 },
  ],
  cifar10: [12, 14, 16, 18, 20, 22].map((width) => ({ layers: 2, width })),
};

/** Weights of a default network for so many points: those that published setups have, in the middle of their range. */
const weightsPerRoot = 12;
const leastWidth = 4;

/**
 * The size of network that a signal takes unless told otherwise: 2 x 16 for 32 x 32 pixels, 10 x 28 for 768 x 512.
 *
 * @example
 * const { layers, width } = ownSizeFor([32, 32], 3);
 */
export function ownSizeFor(shape: readonly number[], outputs: number): OwnSize {
  check('ownSizeFor', aShape(shape, 'shape'), aNumber(outputs, 'outputs'));
  const points = pointCount(shape);
  const layers = points < smallSignal ? 2 : points < 2 ** 17 ? 5 : 10;
  const most = weightsPerRoot * Math.sqrt(points);
  let width = leastWidth;
  while (weightsOfSize(shape.length, outputs, { layers, width: width + 1 }) <= most) width++;
  return { layers, width };
}

/** Below so many points signals have few waves for sines to follow, and networks two layers. */
const smallSignal = 2 ** 13;

/**
 * w0 unless told otherwise: 30 as published, and half of it for small signals. 32 x 32 pixels, 2 x 16, 5,000 iterations, eight pictures of
 * CIFAR-10's validation split: 29.3 dB at 30, 30.7 dB at 20, 31.1 dB at 15.
 *
 * @example
 * const w0 = w0For([32, 32]);
 */
export function w0For(shape: readonly number[]): number {
  check('w0For', aShape(shape, 'shape'));
  return pointCount(shape) < smallSignal ? 15 : 30;
}

/** Weights of a network of this size. */
export function weightsOfSize(axes: number, outputs: number, { layers, width }: OwnSize): number {
  return (axes + 1) * width + (layers - 1) * (width + 1) * width + (width + 1) * outputs;
}

/** Deep networks diverge at what shallow ones learn fastest by. */
export function learningRateOf({ layers }: Pick<FieldSpec, 'layers'>): number {
  return layers <= 2 ? 3e-3 : 1e-3;
}

/** Throws BadInputError `iterations`, `learning-rate`, `weight-count` or `diverged`, AbortedError, and what engines throw. */
export async function fitOwnNetwork(
  engine: Engine,
  spec: FieldSpec,
  batch: Batch,
  options: OwnFitOptions,
): Promise<OwnNetwork> {
  const { iterations, learningRate = learningRateOf(spec), seed = 0, start, through, signal } = options;
  if (!Number.isSafeInteger(iterations) || iterations < 0)
    throw new BadInputError('iterations', `iterations are a whole number of at least 0, not ${iterations}`);
  if (!(learningRate > 0 && Number.isFinite(learningRate)))
    throw new BadInputError('learning-rate', `a learning rate is above 0, not ${learningRate}`);
  const { length } = weightLayout(spec);
  if (start !== undefined && start.length !== length)
    throw new BadInputError('weight-count', `this field has ${length} weights, not ${start.length}`);
  const rng = new Rng(seed);
  const latent = start?.slice() ?? initialWeights(spec, () => rng.uniform());
  const parameters = Float64Array.from(latent);
  const adam = new Adam([{ name: 'weights', parameters, learningRate }]);
  const gradient = new Float64Array(length);
  const { values } = massOf(batch);
  let best: OwnNetwork | undefined;
  for (let done = 0; done <= iterations; done++) {
    const weights = through?.(latent) ?? latent.slice();
    const found = await lossAndGradient(engine, spec, batch, weights, signal);
    if (found.loss < (best?.loss ?? Number.POSITIVE_INFINITY)) best = { weights, loss: found.loss };
    options.onIteration?.(done, (2 * (best?.loss ?? Number.NaN)) / values);
    // What has diverged does not come back; the best before it stands.
    if (done === iterations || !allFinite(found.gradient)) break;
    gradient.set(found.gradient);
    // Losses are sums: per value, the learning rate means the same for signals of any size. Adam minds little, but for its epsilon.
    adam.step([gradient], cosineSchedule(done, iterations, 0, 0), 1 / values);
    latent.set(parameters);
  }
  if (best !== undefined) return best;
  throw new BadInputError('diverged', 'no iteration has a finite error; give a lower learning rate');
}

/** The inner loss of one signal under these weights, and its gradient by them, [weights]. */
export async function lossAndGradient(
  engine: Engine,
  spec: FieldSpec,
  batch: Batch,
  weights: Float32Array,
  signal?: AbortSignal,
): Promise<{ readonly loss: number; readonly gradient: Float32Array }> {
  if (signal?.aborted) throw new AbortedError();
  const net = { spec, weights, rates: new Float32Array(0) };
  // No inner steps over no modulation: the outer gradient is the plain gradient of the weights.
  const nothing = { trajectory: new Float32Array(0), losses: new Float64Array(0) };
  const found = await engine.metaGradient(net, batch, nothing, { distortionWeight: 1 }, { signal });
  return { loss: found.losses[0]!, gradient: found.weights };
}
