/**
 * Functions as vectors whose Euclidean distance ranks as the distance between their signals does.
 *
 *   values  z = A (f - mean): field values on a fixed grid of the signal, on their principal axes
 *   gram    z = A L' (phi - mean), G = L L' = E[J' J] (`gramMatrix`): the same to first order, without evaluating
 *
 * The axes are those of a sample of the functaset. What they leave out of a function has a length, which is its last
 * coordinate; a query has 0 there. Left-out parts of two signals are near orthogonal, so the squared distance gains what
 * it lost.
 *
 * Values are those of each function by its own network, so that functions of all qualities are compared. The metric gram compares
 * numbers of modulations, and so those of one network alone.
 */
import { type Multiply, principalAxes } from '../core/eigen.ts';
import { BadInputError } from '../core/errors.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { network64 } from '../field/field64.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { isSameNetwork } from '../session/functions.ts';
import { factorOf, gramMatrix } from './gram.ts';
import { placesOfSamples } from './observed.ts';
import type { Modulated, RelativePoints } from './places.ts';
import { allSamples, drawn, type SampledPoints } from './sampling.ts';

export type Metric = 'values' | 'gram';

export interface Embedding {
  readonly metric: Metric;
  /** Numbers of a function that are projected: values on the grid, or its modulation. */
  readonly inputs: number;
  /** Of a vector: the axes, then the length that they leave out. */
  readonly dimensions: number;
  /** [inputs]. */
  readonly mean: Float32Array;
  /** [dimensions - 1, inputs]. */
  readonly projection: Float32Array;
  /** Values (points times outputs) whose squared differences a squared distance sums. */
  readonly terms: number;
  /** Of the network whose modulations are compared in the metric gram; values are of every network. */
  readonly quality: number;
}

/** Axes kept, at most. */
export const maxAxes = 255;
/** Samples of a signal that its values are compared at, at most. */
const gridPoints = 4096;
/** Functions that G is averaged over. */
const gramFunctions = 32;

/** The last shape that was asked for: each question asks for that of its model, several times. */
let lastGrid: { readonly of: string; readonly places: RelativePoints } | undefined;

/** Where the metric `values` compares signals: at all samples, or a draw of 4096 of them. */
export function gridOf(shape: readonly number[]): RelativePoints {
  const of = shape.join();
  if (lastGrid?.of !== of)
    lastGrid = { of, places: placesOfSamples(shape, drawn(allSamples(shape), gridPoints)) };
  return lastGrid.places;
}

/** What an answer says of `gridOf`. */
export function gridSampled(shape: readonly number[]): SampledPoints {
  const of = pointCount(shape);
  return { points: Math.min(of, gridPoints), of };
}

/** Axes from the inputs [count, inputs] of sampled functions: their values on the grid, or their modulations at `quality`. */
export function makeEmbedding(
  metric: Metric,
  model: Model,
  count: number,
  sample: Float32Array,
  multiply: Multiply,
  quality = defaultQuality,
): Embedding {
  const inputs = sample.length / count;
  const rows = Float32Array.from(sample);
  const mean = centre(rows, inputs);
  if (metric === 'values') {
    const axes = axesOf(rows, inputs, multiply);
    return {
      metric,
      inputs,
      dimensions: axes.length / inputs + 1,
      mean,
      projection: axes,
      terms: inputs,
      quality,
    };
  }
  const { shape } = model.card;
  const stride = Math.max(1, Math.floor(count / gramFunctions));
  const probed = Array.from({ length: Math.min(count, gramFunctions) }, (_, i) =>
    sample.subarray(i * stride * inputs, (i * stride + 1) * inputs),
  );
  const gram = gramMatrix(network64(atQuality(model, quality).network), shape, probed);
  const factor = Float32Array.from(factorOf(gram, inputs));
  const along = multiply(rows, factor, { m: count, n: inputs, k: inputs });
  const axes = axesOf(along, inputs, multiply);
  const kept = axes.length / inputs;
  const projection = multiply(axes, factor, { m: kept, n: inputs, k: inputs, transposeB: true });
  const terms = pointCount(shape) * model.card.spec.outputs;
  return { metric, inputs, dimensions: kept + 1, mean, projection, terms, quality };
}

/** The modulation of a function of the model's own shape and the network at `quality`. Throws BadInputError `gram-shape`, `gram-quality`. */
export function inputOfGram(model: Model, fn: Modulated, quality: number): Float32Array {
  const { shape, modulation } = fn;
  const { card } = model;
  if (!isSameNetwork(model, fn.quality, quality)) {
    throw new BadInputError(
      'gram-quality',
      `the metric gram compares functions of one network, and ${card.name} has others at quality ${quality} and ${fn.quality}; use the metric values`,
    );
  }
  if (shape.join() === card.shape.join()) return modulation;
  throw new BadInputError(
    'gram-shape',
    `the metric gram compares functions of shape [${card.shape}] alone, and one is [${shape}]; use the metric values`,
  );
}

/** Vectors [n, dimensions] of inputs [n, inputs]; with `residual`, the last coordinate is what the axes leave out, else 0. */
export function embed(
  { metric, inputs, dimensions, mean, projection }: Embedding,
  rows: Float32Array,
  residual: boolean,
  multiply: Multiply,
): Float32Array {
  const n = rows.length / inputs;
  const centred = rows.map((x, i) => x - mean[i % inputs]!);
  const count = dimensions - 1;
  const along = multiply(centred, projection, { m: n, n: count, k: inputs, transposeB: true });
  const vectors = new Float32Array(n * dimensions);
  for (let i = 0; i < n; i++) {
    const z = along.subarray(i * count, (i + 1) * count);
    vectors.set(z, i * dimensions);
    // In the metric gram the inputs have no length of their own, and what is left out stays out.
    if (!residual || metric === 'gram') continue;
    const left = square(centred.subarray(i * inputs, (i + 1) * inputs)) - square(z);
    vectors[(i + 1) * dimensions - 1] = Math.sqrt(Math.max(0, left));
  }
  return vectors;
}

/** [kept, inputs], of centred rows [n, inputs]. */
function axesOf(rows: Float32Array, inputs: number, multiply: Multiply): Float32Array {
  const kept = Math.max(1, Math.min(maxAxes, inputs, rows.length / inputs - 1));
  return principalAxes(rows, inputs, kept, { rounds: 4, multiply }).axes;
}

/** In place; returns what was taken off. */
function centre(rows: Float32Array, inputs: number): Float32Array {
  const n = rows.length / inputs;
  const sum = new Float64Array(inputs);
  for (let i = 0; i < rows.length; i++) sum[i % inputs]! += rows[i]!;
  const mean = Float32Array.from(sum, (total) => total / n);
  for (let i = 0; i < rows.length; i++) rows[i]! -= mean[i % inputs]!;
  return mean;
}

function square(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! ** 2;
  return sum;
}
