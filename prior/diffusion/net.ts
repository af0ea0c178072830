/**
 * The denoiser's network: a transformer over tokens whose normalisations are shifted, scaled and gated by noise level and
 * label (W. Peebles and S. Xie, arXiv 2212.09748, section 3.2, with one modulation network for all blocks as in arXiv
 * 2310.00426). With one token there is nothing to attend to, and what remains is a residual MLP.
 *
 * Here is what it is made of. net-native.ts computes it with the dense kernels, net-tfjs.ts with TensorFlow.js, which is also the
 * oracle of the gradients that are written by hand (net.test.ts).
 */
import type { Rng } from '../../src/core/rng.ts';

/** Of the MLPs; files without one were trained with `relu`. */
export const activations = ['relu', 'gelu'] as const;
export type Activation = (typeof activations)[number];

export interface DenoiserSize {
  readonly tokens: number;
  readonly slots: number;
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  /** Labels that a sample may be asked for; 0: none. */
  readonly labels: number;
  readonly activation: Activation;
  /** Tokens may be noisy to different degrees: each is told its own level, beside the highest of its item. */
  readonly tokenLevels: boolean;
}

export interface DenoiserInput {
  readonly count: number;
  /** [count, tokens, slots], scaled to unit variance. */
  readonly x: Float32Array;
  /** [count, 64] from `levelFeatures`: of the highest level of an item. */
  readonly level: Float32Array;
  /** [count, tokens, 64]: of each token; without `tokenLevels` it is not read. */
  readonly levels: Float32Array;
  /** [count, labels]: one in the column of the label, all zeros for none; without labels it is not read. */
  readonly label: Float32Array;
}

/** From what the network found to the gradient with respect to it, both [count, tokens, slots]. */
export type Cotangent = (found: Float32Array) => Float32Array;

export interface DenoiserNet {
  /** In the order of `denoiserShapes`; after a change, `refresh` tells the network. */
  readonly weights: readonly Float32Array[];
  refresh(): void;
  /** [count, tokens, slots]. */
  predict(input: DenoiserInput): Float32Array;
  /** The gradient with respect to `x`. */
  pullToInput(input: DenoiserInput, cotangent: Cotangent): Float32Array;
  /** Gradients with respect to the weights, in their order; views that the next call overwrites. */
  pullToWeights(input: DenoiserInput, cotangent: Cotangent): readonly Float32Array[];
  dispose(): void;
}

/** Inner units of a block's MLP over its width. */
export const expansion = 4;
const frequencies = 32;
const rates = Array.from({ length: frequencies }, (_, i) => 32 ** (i / (frequencies - 1)));
export const levelNumbers = 2 * frequencies;

/** Names and shapes of all weights, in the order of the variables. */
export function denoiserShapes(size: DenoiserSize): Map<string, number[]> {
  const { tokens, slots, width, blocks, labels, tokenLevels } = size;
  const shapes = new Map<string, number[]>([
    ['in.weights', [slots, width]],
    ['in.bias', [width]],
    ['in.places', [tokens, width]],
    ['level.weights', [levelNumbers, width]],
    ['level.bias', [width]],
    ['condition.weights', [width, width]],
    ['condition.bias', [width]],
    ['modulation.weights', [width, 6 * width]],
    ['out.modulation.weights', [width, 2 * width]],
    ['out.modulation.bias', [2 * width]],
    ['out.weights', [width, slots]],
    ['out.bias', [slots]],
  ]);
  if (labels > 0) shapes.set('label.weights', [labels, width]);
  if (tokenLevels) shapes.set('in.levels', [levelNumbers, width]);
  for (let b = 0; b < blocks; b++) {
    shapes.set(`block${b}.modulation`, [6 * width]);
    if (tokens > 1) {
      for (const name of ['query', 'key', 'value', 'join']) shapes.set(`block${b}.${name}`, [width, width]);
    }
    shapes.set(`block${b}.up.weights`, [width, expansion * width]);
    shapes.set(`block${b}.up.bias`, [expansion * width]);
    shapes.set(`block${b}.down.weights`, [expansion * width, width]);
    shapes.set(`block${b}.down.bias`, [width]);
  }
  return shapes;
}

/** Random weights of variance 1 / fan-in; gates, levels of tokens and output start at zero, so that blocks start as identities. */
export function startWeights(size: DenoiserSize, rng: Rng): Float32Array[] {
  return [...denoiserShapes(size)].map(([name, shape]) => {
    const values = new Float32Array(shape.reduce((n, k) => n * k, 1));
    if (name === 'label.weights' || name === 'in.places') return values.map(() => 0.1 * rng.normal());
    const zero = /modulation|bias|levels|^out\./.test(name);
    return zero ? values : values.map(() => rng.normal() / Math.sqrt(shape[0]!));
  });
}

/** [64] of ln(sigma) / 4: sines and cosines. */
export function levelFeatures(sigma: number): Float32Array {
  const features = new Float32Array(levelNumbers);
  for (let i = 0; i < frequencies; i++) {
    const angle = (Math.log(sigma) / 4) * rates[i]!;
    features[2 * i] = Math.cos(angle);
    features[2 * i + 1] = Math.sin(angle);
  }
  return features;
}
