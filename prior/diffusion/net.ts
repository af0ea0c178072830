/**
 * The denoiser's network: a transformer over tokens whose normalisations are shifted, scaled and gated by noise level and
 * label (W. Peebles and S. Xie, arXiv 2212.09748, section 3.2, with one modulation network for all blocks as in arXiv
 * 2310.00426). With one token there is nothing to attend to, and what remains is a residual MLP.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Variable } from '@tensorflow/tfjs-core';
import type { Rng } from '../../src/core/rng.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';

export interface DenoiserSize {
  readonly tokens: number;
  readonly slots: number;
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  /** Labels that a sample may be asked for; 0: none. */
  readonly labels: number;
}

export interface DenoiserNet {
  readonly variables: readonly Variable[];
  /**
   * [count, tokens, slots] of x scaled to unit variance; `level` [count, 64] from `levelFeatures`; `label` [count, labels]
   * one in the column of the label, all zeros for none.
   */
  predict(x: Tensor3D, level: Tensor2D, label: Tensor2D | undefined): Tensor3D;
  dispose(): void;
}

/** Inner units of a block's MLP over its width. */
const expansion = 4;
const frequencies = 32;

/** Names and shapes of all weights, in the order of the variables. */
export function denoiserShapes(size: DenoiserSize): Map<string, number[]> {
  const { tokens, slots, width, blocks, labels } = size;
  const shapes = new Map<string, number[]>([
    ['in.weights', [slots, width]],
    ['in.bias', [width]],
    ['in.places', [tokens, width]],
    ['level.weights', [2 * frequencies, width]],
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

/** Random weights of variance 1 / fan-in; gates and output start at zero, so that blocks start as identities. */
export function startWeights(size: DenoiserSize, rng: Rng): Float32Array[] {
  return [...denoiserShapes(size)].map(([name, shape]) => {
    const values = new Float32Array(shape.reduce((n, k) => n * k, 1));
    if (name === 'label.weights' || name === 'in.places') return values.map(() => 0.1 * rng.normal());
    const zero = /modulation|bias|^out\./.test(name);
    return zero ? values : values.map(() => rng.normal() / Math.sqrt(shape[0]!));
  });
}

/** [64] of ln(sigma) / 4: sines and cosines. */
export function levelFeatures(sigma: number): Float32Array {
  const features = new Float32Array(2 * frequencies);
  for (let i = 0; i < frequencies; i++) {
    const angle = (Math.log(sigma) / 4) * 32 ** (i / (frequencies - 1));
    features[2 * i] = Math.cos(angle);
    features[2 * i + 1] = Math.sin(angle);
  }
  return features;
}

export function createDenoiser(
  tf: TensorFlow,
  size: DenoiserSize,
  weights: readonly Float32Array[],
): DenoiserNet {
  const { tokens, width, heads, blocks } = size;
  const variables = new Map<string, Variable>();
  let index = 0;
  for (const [name, shape] of denoiserShapes(size)) {
    const start = tf.tensor(weights[index++]!.slice(), shape, 'float32');
    variables.set(name, tf.variable(start));
    start.dispose();
  }
  const of = <T extends Tensor>(name: string) => variables.get(name) as unknown as T;

  const linear = (x: Tensor, weights: string, bias?: string, activation?: 'relu') => {
    const columns = of(weights).shape[1]!;
    const rows = tf.reshape(x, [-1, of(weights).shape[0]!]);
    const product = tf.fused.matMul({
      a: rows as Tensor2D,
      b: of<Tensor2D>(weights),
      ...(bias === undefined ? {} : { bias: of<Tensor1D>(bias) }),
      ...(activation === undefined ? {} : { activation }),
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
    const first = linear(level, 'level.weights', 'level.bias', 'relu');
    const second = linear(first, 'condition.weights', 'condition.bias');
    const sum = label === undefined ? second : tf.add(second, linear(label, 'label.weights'));
    return tf.mul(sum, tf.sigmoid(sum));
  }

  return {
    variables: [...variables.values()],

    predict(x, level, label) {
      return tf.tidy(() => {
        const c = condition(level, label);
        const shared = linear(c, 'modulation.weights');
        // [count, 1, width] each.
        const parts = (from: Tensor, n: number) =>
          Array.from({ length: n }, (_, i) =>
            tf.reshape(tf.slice(from, [0, i * width], [-1, width]), [-1, 1, width]),
          );
        let h: Tensor = tf.add(linear(x, 'in.weights', 'in.bias'), of('in.places'));
        for (let b = 0; b < blocks; b++) {
          const block = `block${b}`;
          const own = tf.add(shared, of(`${block}.modulation`));
          const [shift1, scale1, gate1, shift2, scale2, gate2] = parts(own, 6);
          if (tokens > 1) {
            h = tf.add(h, tf.mul(gate1!, attention(shifted(h, scale1!, shift1!), block)));
          }
          const inner = linear(
            shifted(h, scale2!, shift2!),
            `${block}.up.weights`,
            `${block}.up.bias`,
            'relu',
          );
          const outer = linear(inner, `${block}.down.weights`, `${block}.down.bias`);
          h = tf.add(h, tf.mul(gate2!, outer));
        }
        const [shift, scale] = parts(linear(c, 'out.modulation.weights', 'out.modulation.bias'), 2);
        return linear(shifted(h, scale!, shift!), 'out.weights', 'out.bias') as Tensor3D;
      });
    },

    dispose() {
      tf.dispose([...variables.values()]);
    },
  };
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
