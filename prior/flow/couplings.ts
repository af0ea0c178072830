/**
 * The learnt part of the flow: couplings (C. Durkan et al., arXiv 1906.04032, section 3) over tokens. Each leaves half of
 * every token's numbers as they are and maps the other half by splines that a network chooses from the first; the network
 * has the same weights at every token and mixes tokens once. Numbers that stand alone in the base take no part.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Variable } from '@tensorflow/tfjs-core';
import type { Rng } from '../../src/core/rng.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { valuesOf } from '../train/loop.ts';
import { backwardMap, forwardMap, inverseMap, type Mapped, parameters } from './spline.ts';

export interface CouplingSize {
  readonly tokens: number;
  readonly slots: number;
  readonly couplings: number;
  readonly hidden: number;
}

/** Names and shapes of all weights, in the order of the variables. */
export function couplingShapes({ tokens, slots, couplings, hidden }: CouplingSize): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (let k = 0; k < couplings; k++) {
    const { kept, mapped } = halvesOf(slots, k);
    shapes.set(`coupling${k}.in.weights`, [2 * kept.length, hidden]);
    shapes.set(`coupling${k}.in.bias`, [tokens, hidden]);
    shapes.set(`coupling${k}.mix`, [tokens, tokens]);
    shapes.set(`coupling${k}.inner.weights`, [hidden, hidden]);
    shapes.set(`coupling${k}.inner.bias`, [hidden]);
    shapes.set(`coupling${k}.out.weights`, [hidden, mapped.length * parameters]);
    shapes.set(`coupling${k}.out.bias`, [tokens, mapped.length * parameters]);
  }
  return shapes;
}

/** Which slots a coupling keeps: those that have, or have not, a bit in their index; bits and halves in turn. */
export function halvesOf(slots: number, coupling: number): { kept: number[]; mapped: number[] } {
  const bitCount = Math.max(1, Math.ceil(Math.log2(slots)));
  const bit = (coupling >> 1) % bitCount;
  const all = Array.from({ length: slots }, (_, i) => i);
  const side = (i: number) => ((i >> bit) & 1) === (coupling & 1);
  return { kept: all.filter((i) => !side(i)), mapped: all.filter(side) };
}

/** Random weights; those that choose the maps are zero, so that the flow starts as its base. */
export function startCouplings(size: CouplingSize, rng: Rng): Float32Array[] {
  return [...couplingShapes(size)].map(([name, shape]) => {
    const values = new Float32Array(shape.reduce((n, k) => n * k, 1));
    if (/bias|mix|out/.test(name)) return values;
    return values.map(() => rng.normal() * Math.sqrt(2 / Math.max(1, shape[0]!)));
  });
}

export interface Couplings {
  readonly variables: readonly Variable[];
  /** [count, tokens, slots] to the latent, and [count, 1, 1] logarithms of the determinant. Differentiable in the variables. */
  forward(z: Tensor3D): { readonly latent: Tensor3D; readonly logSlope: Tensor };
  inverse(latent: Float32Array, count: number): Float32Array;
  dispose(): void;
}

/** `used` [tokens * slots]: 1 where a number goes; the others are 0 and stay so. */
export function createCouplings(
  tf: TensorFlow,
  size: CouplingSize,
  used: Uint8Array,
  weights: readonly Float32Array[],
): Couplings {
  const { tokens, slots, couplings, hidden } = size;
  const variables = new Map<string, Variable>();
  let index = 0;
  for (const [name, shape] of couplingShapes(size)) {
    const start = tf.tensor(weights[index++]!.slice(), shape, 'float32');
    variables.set(name, tf.variable(start));
    start.dispose();
  }
  const of = <T extends Tensor>(name: string) => variables.get(name) as unknown as T;
  const halves = Array.from({ length: couplings }, (_, k) => halvesOf(slots, k));
  // Columns that pick a half's slots, and their transposes that put them back.
  const picks = halves.map(({ kept, mapped }) => ({
    kept: tf.tensor2d(pickMatrix(slots, kept), [slots, kept.length]),
    mapped: tf.tensor2d(pickMatrix(slots, mapped), [slots, mapped.length]),
    used: Uint8Array.from({ length: tokens * mapped.length }, (_, i) => {
      const token = Math.floor(i / mapped.length);
      return used[token * slots + mapped[i % mapped.length]!]!;
    }),
  }));

  const product = (x: Tensor, matrix: Tensor2D) =>
    tf.reshape(tf.matMul(tf.reshape(x, [-1, matrix.shape[0]]) as Tensor2D, matrix), [
      -1,
      tokens,
      matrix.shape[1],
    ]);

  /** What chooses the maps of a coupling, from the half that is kept. */
  function choose(k: number, kept: Tensor): Tensor {
    const name = `coupling${k}`;
    // Values are seen by sign and by size: what says most of a number's scale is the size of its neighbours.
    const size = tf.log1p(tf.abs(kept));
    const seen = tf.concat([tf.mul(size, tf.sign(kept)), size], 2);
    const first = tf.add(product(seen, of<Tensor2D>(`${name}.in.weights`)), of(`${name}.in.bias`));
    const rectified = tf.relu(first);
    const flat = tf.reshape(tf.transpose(rectified, [1, 0, 2]), [tokens, -1]) as Tensor2D;
    const mixed = tf.matMul(of<Tensor2D>(`${name}.mix`), flat);
    const joined = tf.add(rectified, tf.transpose(tf.reshape(mixed, [tokens, -1, hidden]), [1, 0, 2]));
    const inner = tf.relu(
      tf.add(product(joined, of<Tensor2D>(`${name}.inner.weights`)), of<Tensor1D>(`${name}.inner.bias`)),
    );
    return tf.add(product(inner, of<Tensor2D>(`${name}.out.weights`)), of(`${name}.out.bias`));
  }

  function couple(k: number, z: Tensor): { z: Tensor; logSlope: Tensor } {
    const { kept, mapped, used: places } = picks[k]!;
    const stays = product(z, kept);
    const theta = choose(k, stays);
    const n = mapped.shape[1];
    const both = mapAll(tf, product(z, mapped), theta, places);
    const value = tf.slice(both, [0, 0, 0], [-1, -1, n]);
    const slopes = tf.slice(both, [0, 0, n], [-1, -1, n]);
    const back = tf.add(
      product(stays, tf.transpose(kept) as Tensor2D),
      product(value, tf.transpose(mapped) as Tensor2D),
    );
    return { z: back, logSlope: tf.sum(slopes, [1, 2], true) };
  }

  return {
    variables: [...variables.values()],

    forward(start) {
      return tf.tidy(() => {
        let z: Tensor = start;
        let logSlope: Tensor = tf.zeros([start.shape[0], 1, 1]);
        for (let k = 0; k < couplings; k++) {
          const next = couple(k, z);
          z = next.z;
          logSlope = tf.add(logSlope, next.logSlope);
        }
        return { latent: z as Tensor3D, logSlope };
      });
    },

    inverse(latent, count) {
      const z = latent.slice();
      for (let k = couplings - 1; k >= 0; k--) {
        const { kept, used: places } = picks[k]!;
        const theta = valuesOf(tf, () => choose(k, product(tf.tensor3d(z, [count, tokens, slots]), kept)));
        const { mapped } = halves[k]!;
        for (let i = 0; i < count * places.length; i++) {
          const place = i % places.length;
          if (places[place] === 0) continue;
          const token = Math.floor(i / mapped.length);
          const at = token * slots + mapped[i % mapped.length]!;
          z[at] = inverseMap(z[at]!, theta, i * parameters);
        }
      }
      return z;
    },

    dispose() {
      tf.dispose([...variables.values(), ...picks.flatMap(({ kept, mapped }) => [kept, mapped])]);
    },
  };
}

/** [..., 2 n] of x [..., n] and its maps [..., n * parameters]: values, then the logarithms of their slopes. */
function mapAll(tf: TensorFlow, x: Tensor, theta: Tensor, used: Uint8Array): Tensor {
  const n = x.shape.at(-1)!;
  const op = tf.customGrad((...args) => {
    const [values, maps, save] = args as unknown as [Tensor, Tensor, (tensors: Tensor[]) => void];
    save([values, maps]);
    const found = forwardAll(values.dataSync() as Float32Array, maps.dataSync() as Float32Array, n, used);
    return {
      value: tf.tensor(found, [...values.shape.slice(0, -1), 2 * n]),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, of] = saved as [Tensor, Tensor];
        const [data, chosen] = [at, of].map((t) => t.dataSync() as Float32Array);
        const [toX, toTheta] = backwardAll(data!, chosen!, dy.dataSync() as Float32Array, n, used);
        return [tf.tensor(toX, at.shape), tf.tensor(toTheta, of.shape)];
      },
    };
  });
  return op(x, theta);
}

function forwardAll(x: Float32Array, theta: Float32Array, n: number, used: Uint8Array): Float32Array {
  const out = new Float32Array(2 * x.length);
  const mapped: Mapped = { value: 0, logSlope: 0 };
  for (let i = 0; i < x.length; i++) {
    if (used[i % used.length] === 0) continue;
    forwardMap(x[i]!, theta, i * parameters, mapped);
    const at = Math.floor(i / n) * 2 * n + (i % n);
    out[at] = mapped.value;
    out[at + n] = mapped.logSlope;
  }
  return out;
}

function backwardAll(x: Float32Array, theta: Float32Array, dy: Float32Array, n: number, used: Uint8Array) {
  const toX = new Float32Array(x.length);
  const toTheta = new Float32Array(theta.length);
  for (let i = 0; i < x.length; i++) {
    if (used[i % used.length] === 0) continue;
    const at = Math.floor(i / n) * 2 * n + (i % n);
    toX[i] = backwardMap(x[i]!, theta, i * parameters, dy[at]!, dy[at + n]!, toTheta);
  }
  return [toX, toTheta] as const;
}

function pickMatrix(slots: number, picked: readonly number[]): Float32Array {
  const matrix = new Float32Array(slots * picked.length);
  picked.forEach((slot, column) => {
    matrix[slot * picked.length + column] = 1;
  });
  return matrix;
}
