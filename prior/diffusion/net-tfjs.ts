/** The denoiser's network by TensorFlow.js: see net.ts. */
import type { Scalar, Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { assign, valuesOf } from '../train/loop.ts';
import {
  type DenoiserInput,
  type DenoiserNet,
  type DenoiserSize,
  denoiserShapes,
  levelNumbers,
} from './net.ts';

/** Keeps `weights`. */
export function tfjsDenoiser(
  tf: TensorFlow,
  size: DenoiserSize,
  weights: readonly Float32Array[],
): DenoiserNet {
  const { tokens, slots, width, heads, blocks, labels, activation, tokenLevels } = size;
  const variables = new Map<string, Variable>();
  let index = 0;
  for (const [name, shape] of denoiserShapes(size)) {
    const start = tf.tensor(weights[index++]!.slice(), shape, 'float32');
    variables.set(name, tf.variable(start));
    start.dispose();
  }
  const of = <T extends Tensor>(name: string) => variables.get(name) as unknown as T;

  const linear = (x: Tensor, weights: string, bias?: string, relu = false) => {
    const columns = of(weights).shape[1]!;
    const rows = tf.reshape(x, [-1, of(weights).shape[0]!]);
    const product = tf.fused.matMul({
      a: rows as Tensor2D,
      b: of<Tensor2D>(weights),
      ...(bias === undefined ? {} : { bias: of<Tensor1D>(bias) }),
      ...(relu ? { activation: 'relu' as const } : {}),
    });
    return tf.reshape(product, [...x.shape.slice(0, -1), columns]);
  };
  const shifted = (x: Tensor, scale: Tensor, shift: Tensor) =>
    tf.add(tf.mul(normalised(tf, x), tf.add(scale, 1)), shift);
  const split = (x: Tensor) => tf.transpose(tf.reshape(x, [-1, tokens, heads, width / heads]), [0, 2, 1, 3]);

  function attention(x: Tensor, block: string): Tensor {
    const [query, key, value] = ['query', 'key', 'value'].map((name) => split(linear(x, `${block}.${name}`)));
    const likeness = tf.matMul(query!, key!, false, true);
    const shares = tf.softmax(tf.mul(likeness, Math.sqrt(heads / width)));
    const found = tf.reshape(tf.transpose(tf.matMul(shares, value!), [0, 2, 1, 3]), [-1, tokens, width]);
    return linear(found, `${block}.join`);
  }

  function condition(level: Tensor2D, label: Tensor2D | undefined): Tensor {
    const first = linear(level, 'level.weights', 'level.bias', true);
    const second = linear(first, 'condition.weights', 'condition.bias');
    const sum = label === undefined ? second : tf.add(second, linear(label, 'label.weights'));
    return tf.mul(sum, tf.sigmoid(sum));
  }

  function found(
    x: Tensor,
    level: Tensor2D,
    levels: Tensor | undefined,
    label: Tensor2D | undefined,
  ): Tensor {
    const c = condition(level, label);
    const shared = linear(c, 'modulation.weights');
    // [count, 1, width] each.
    const parts = (from: Tensor, n: number) =>
      Array.from({ length: n }, (_, i) =>
        tf.reshape(tf.slice(from, [0, i * width], [-1, width]), [-1, 1, width]),
      );
    let h: Tensor = tf.add(linear(x, 'in.weights', 'in.bias'), of('in.places'));
    if (levels !== undefined) h = tf.add(h, linear(levels, 'in.levels'));
    for (let b = 0; b < blocks; b++) {
      const block = `block${b}`;
      const own = tf.add(shared, of(`${block}.modulation`));
      const [shift1, scale1, gate1, shift2, scale2, gate2] = parts(own, 6);
      if (tokens > 1) {
        h = tf.add(h, tf.mul(gate1!, attention(shifted(h, scale1!, shift1!), block)));
      }
      const up = linear(
        shifted(h, scale2!, shift2!),
        `${block}.up.weights`,
        `${block}.up.bias`,
        activation === 'relu',
      );
      const inner = activation === 'relu' ? up : gelu(tf, up);
      const outer = linear(inner, `${block}.down.weights`, `${block}.down.bias`);
      h = tf.add(h, tf.mul(gate2!, outer));
    }
    const [shift, scale] = parts(linear(c, 'out.modulation.weights', 'out.modulation.bias'), 2);
    return linear(shifted(h, scale!, shift!), 'out.weights', 'out.bias');
  }

  const run = ({ count, level, levels, label }: DenoiserInput, x: Tensor) =>
    found(
      x,
      tf.tensor2d(level, [count, levelNumbers]),
      tokenLevels ? tf.tensor3d(levels, [count, tokens, levelNumbers]) : undefined,
      labels > 0 ? tf.tensor2d(label, [count, labels]) : undefined,
    );
  const given = ({ count, x }: DenoiserInput) => tf.tensor3d(x, [count, tokens, slots]);
  // A product whose gradient is the cotangent: one pass gives the value that it follows from, and its gradient.
  const weighed = (found: Tensor, cotangent: (found: Float32Array) => Float32Array) =>
    tf.sum(tf.mul(found, tf.tensor(cotangent(found.dataSync() as Float32Array), found.shape)));
  const all = [...variables.values()];

  return {
    weights,
    refresh: () => assign(tf, all, weights),
    predict: (input) => valuesOf(tf, () => run(input, given(input))),
    pullToInput: (input, cotangent) =>
      valuesOf(tf, () => tf.grad((x: Tensor) => weighed(run(input, x), cotangent))(given(input))),
    pullToWeights(input, cotangent) {
      const { value, grads } = tf.variableGrads(
        () => weighed(run(input, given(input)), cotangent) as Scalar,
        all,
      );
      value.dispose();
      return all.map((variable) => {
        const gradient = grads[variable.name];
        if (gradient === undefined) return new Float32Array(variable.size);
        const values = gradient.dataSync() as Float32Array;
        gradient.dispose();
        return values;
      });
    },
    dispose: () => tf.dispose(all),
  };
}

/** By its approximation with tanh: D. Hendrycks and K. Gimpel, arXiv 1606.08415, section 2. */
function gelu(tf: TensorFlow, x: Tensor): Tensor {
  const cubic = tf.add(tf.mul(tf.square(x), 2 * 0.7978845608 * 0.044715), 2 * 0.7978845608);
  return tf.mul(x, tf.sigmoid(tf.mul(x, cubic)));
}

/** Each row of the last axis to mean 0 and variance 1; the gradient in closed form, in fewer passes than by parts. */
function normalised(tf: TensorFlow, x: Tensor): Tensor {
  const op = tf.customGrad((...args) => {
    const [value, save] = args as unknown as [Tensor, (tensors: Tensor[]) => void];
    const centred = tf.sub(value, tf.mean(value, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6));
    const y = tf.mul(centred, inverse);
    save([y, inverse]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [out, scale] = saved as [Tensor, Tensor];
        const along = tf.mean(tf.mul(dy, out), -1, true);
        const rest = tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), tf.mul(out, along));
        return tf.mul(rest, scale);
      },
    };
  });
  return op(x);
}
