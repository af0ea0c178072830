/**
 * The context network of one level in TensorFlow.js: variables, and the bits it asks for rows of symbols. Its function is
 * that of `autoregressive-export.ts`, where the equations stand.
 */
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { Rng } from '../../src/core/rng.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import {
  blankLevelNetwork,
  type FloatLevelNetwork,
  inputUnit,
  maxActivation,
} from '../autoregressive-export.ts';
import { bankShapes, firstOctave, maxNotch, notchesPerOctave, shapeNames } from '../bank.ts';
import type { CellRows } from './rows.ts';

/** No symbol is charged more bits than this: about what an escape costs. */
const mostBits = 24;
const lowestLog2Scale = firstOctave;
const highestLog2Scale = firstOctave + maxNotch / notchesPerOctave;

export interface LevelNet {
  readonly channels: number;
  readonly inputs: number;
  readonly variables: readonly Variable[];
  /** All but the weights that lead to hidden units: few numbers, which an adaptation moves. */
  readonly light: readonly Variable[];
  /** [count, channels] bits of the symbols of `rows`, under shapes [channels]. Differentiable in the variables. */
  bits(rows: CellRows, shapes: Uint8Array): Tensor2D;
  /** The weights as arrays. */
  export(shapes: Uint8Array): FloatLevelNetwork;
  dispose(): void;
}

/** From scales [channels], log2 in symbols at quality 50; or from a network of the same sizes. */
export type LevelStart = { readonly log2Scales: readonly number[] } | { readonly network: FloatLevelNetwork };

/**
 * A network that starts as independent logistics of the given scales, which follow the quality as the quantiser's steps do.
 * `channels`, `inputs` and `auxiliary` as in `FloatLevelNetwork`; `hidden`: units of each hidden layer.
 */
export function createLevelNet(
  tf: TensorFlow,
  size: Pick<FloatLevelNetwork, 'channels' | 'inputs' | 'auxiliary'>,
  hidden: readonly number[],
  start: LevelStart,
  rng: Rng,
): LevelNet {
  const { channels, inputs } = size;
  const blank = blankLevelNetwork(size, hidden);
  const known = 'network' in start ? start.network : undefined;
  const make = (values: Float32Array, shape: number[]) => {
    const first = tf.tensor(values, shape, 'float32');
    const variable = tf.variable(first);
    first.dispose();
    return variable;
  };
  const normals = (values: Float32Array, deviation: number) => values.map(() => deviation * rng.normal());
  let rows = inputs;
  const layers = blank.hidden.map(({ weights, bias }, j) => {
    const units = bias.length;
    const own = known?.hidden[j];
    // Rectified units: variance 2 / fan-in (He et al., arXiv 1502.01852).
    const layer = {
      weights: make(own?.weights ?? normals(weights, Math.sqrt(2 / rows)), [rows, units]),
      bias: make(own?.bias ?? bias.fill(0.1), [units]),
    };
    rows = units;
    return layer;
  });
  const head = (which: 'mean' | 'scale') => {
    const { output, bias, linear } = known?.[which] ?? blank[which];
    if (which === 'scale' && 'log2Scales' in start) {
      bias.set(start.log2Scales);
      // The first input is (quality - 50) / 16, and ten points of quality are one octave of the symbols' scale.
      linear.fill(inputUnit / 10, 0, channels);
    }
    return {
      output: make(known ? output : normals(output, 0.1 / Math.sqrt(Math.max(1, rows))), [
        hidden.length > 0 ? rows : 0,
        channels,
      ]),
      bias: make(bias, [channels]),
      linear: make(linear, [inputs, channels]),
      own: make(ownSquare(known?.[which].own, channels, known?.reach ?? 0), [channels, channels]),
    };
  };
  const mean = head('mean');
  const scale = head('scale');
  // Row d leads to the channels after d.
  const later = tf.tensor2d(
    Float32Array.from({ length: channels * channels }, (_, i) =>
      i % channels > Math.floor(i / channels) ? 1 : 0,
    ),
    [channels, channels],
  );
  const variables = [
    ...layers.flatMap((layer) => [layer.weights, layer.bias]),
    ...[mean, scale].flatMap((h) => Object.values(h)),
  ];

  function predicted(h: typeof mean, inputsOf: Tensor, own: Tensor, features: Tensor): Tensor {
    let sums = tf.add(tf.matMul(inputsOf as Tensor2D, h.linear as Tensor2D), h.bias);
    if (hidden.length > 0) sums = tf.add(sums, tf.matMul(features as Tensor2D, h.output as Tensor2D));
    if (channels > 1) sums = tf.add(sums, tf.matMul(own as Tensor2D, tf.mul(h.own, later) as Tensor2D));
    return sums;
  }

  const heavy = new Set<Variable>(layers.map(({ weights }) => weights));

  return {
    channels,
    inputs,
    variables,
    light: variables.filter((variable) => !heavy.has(variable)),

    bits(rows, shapes) {
      return tf.tidy(() => {
        const wide = (values: Float32Array) => tf.tensor2d(values, [rows.count, inputs]);
        const narrow = (values: Float32Array) => tf.tensor2d(values, [rows.count, channels]);
        let features: Tensor = wide(rows.x);
        for (const { weights, bias } of layers) {
          const sums = tf.add(tf.matMul(features as Tensor2D, weights as Tensor2D), bias);
          features = tf.clipByValue(sums, 0, maxActivation);
        }
        const centre = predicted(mean, wide(rows.v), narrow(rows.seen), features);
        const log2Scale = predicted(scale, wide(rows.y), narrow(rows.sizes), features);
        const distance = tf.sub(narrow(rows.symbols), centre);
        return intervalBits(tf, distance, log2Scale, shapes) as Tensor2D;
      });
    },

    export(shapes) {
      const net = { ...blank, shapes: shapes.slice() };
      layers.forEach(({ weights, bias }, j) => {
        net.hidden[j]!.weights.set(weights.dataSync());
        net.hidden[j]!.bias.set(bias.dataSync());
      });
      for (const [from, to] of [
        [mean, net.mean],
        [scale, net.scale],
      ] as const) {
        to.output.set(from.output.dataSync());
        to.bias.set(from.bias.dataSync());
        to.linear.set(from.linear.dataSync());
        const own = from.own.dataSync();
        for (let d = 0; d < channels; d++) {
          for (let c = d + 1; c < channels; c++) to.own[d * net.reach + c - d - 1] = own[d * channels + c]!;
        }
      }
      return net;
    },

    dispose() {
      tf.dispose([...variables, later]);
    },
  };
}

/** [channels, channels] of what leads from a channel to later ones: row d, column c. */
function ownSquare(own: Float32Array | undefined, channels: number, reach: number): Float32Array {
  const square = new Float32Array(channels * channels);
  if (own === undefined) return square;
  for (let d = 0; d < channels; d++)
    for (let j = 0; j < reach && d + 1 + j < channels; j++)
      square[d * channels + d + 1 + j] = own[d * reach + j]!;
  return square;
}

/**
 * Bits of the unit interval around `distance` from the mean, under a mixture of two logistics of scale 2^log2Scale:
 * with b - a = 1 / s, F(b) - F(a) = F(b) F(-a) (1 - e^(a - b)), whose logarithm loses nothing in the tails.
 */
export function intervalBits(
  tf: TensorFlow,
  distance: Tensor,
  log2Scale: Tensor,
  shapes: Uint8Array,
): Tensor {
  const clipped = clip(tf, log2Scale, lowestLog2Scale, highestLog2Scale);
  const inverse = tf.exp(tf.mul(clipped, -Math.LN2));
  const relative = tf.mul(distance, inverse);
  const half = tf.mul(inverse, 0.5);
  const mixtures = Array.from(shapes, (shape) => bankShapes[shapeNames[shape]!]);
  const two = mixtures.some((mixture) => mixture.length > 1);
  const parts = (two ? [0, 1] : [0]).map((i) => {
    const row = (of: 'weight' | 'mean' | 'scale', without: number) =>
      tf.tensor1d(mixtures.map((mixture) => mixture[i]?.[of] ?? without));
    const spread = row('scale', 1);
    const from = tf.sub(relative, row('mean', 0));
    const below = tf.softplus(tf.div(tf.neg(tf.add(from, half)), spread));
    const above = tf.softplus(tf.div(tf.sub(from, half), spread));
    const width = tf.log(tf.neg(tf.expm1(tf.neg(tf.div(inverse, spread)))));
    return tf.add(tf.sub(width, tf.add(below, above)), tf.log(row('weight', 1e-30)));
  });
  const density = parts.length === 2 ? logAddExp(tf, parts[0]!, parts[1]!) : parts[0]!;
  return tf.mul(logAddExp(tf, density, tf.scalar(-mostBits * Math.LN2)), -1 / Math.LN2);
}

function logAddExp(tf: TensorFlow, a: Tensor, b: Tensor): Tensor {
  return tf.add(b, tf.softplus(tf.sub(a, b)));
}

/** Clips, and lets a gradient through that leads back into the range: a scale that left it can return. */
function clip(tf: TensorFlow, x: Tensor, low: number, high: number): Tensor {
  const clipped = tf.customGrad((...args) => {
    const [value, save] = args as unknown as [Tensor, (tensors: Tensor[]) => void];
    save([value]);
    return {
      value: tf.clipByValue(value, low, high),
      gradFunc: (dy: Tensor, [at]: Tensor[]) =>
        tf.where(
          tf.less(at!, low),
          tf.minimum(dy, 0),
          tf.where(tf.greater(at!, high), tf.maximum(dy, 0), dy),
        ),
    };
  });
  return clipped(x);
}
