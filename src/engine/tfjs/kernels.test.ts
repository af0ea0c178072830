/** Every kernel that the functa backend takes over, against the cpu backend of TensorFlow.js, on random shapes. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { openTensorFlow, type TensorFlow } from './backend.ts';
import { type DenseAddon, loadDense } from './backend-dense.ts';

let tf: TensorFlow;
let dense: DenseAddon | undefined;
try {
  dense = loadDense();
} catch {
  // No addon on this machine: then there is no such backend to test.
}
let rng = new Rng(11);
const size = (most: number) => 1 + rng.below(most);
const shapeOf = (rank: number, most: number) => Array.from({ length: rank }, () => size(most));
const count = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
const pick = <T>(from: readonly T[]) => from[rng.below(from.length)]!;

interface Values {
  shape: number[];
  data: Float32Array;
}
function normals(shape: number[], scale = 1): Values {
  return { shape, data: Float32Array.from({ length: count(shape) }, () => scale * rng.normal()) };
}

/** What `work` gives on each backend must agree within `tolerance` of the largest value. */
async function agree(
  what: string,
  inputs: Values[],
  work: (...tensors: Tensor[]) => Tensor,
  tolerance = 2e-6,
) {
  const results: { shape: number[]; dtype: string; data: ArrayLike<number> }[] = [];
  for (const backend of ['cpu', 'functa']) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const out = tf.tidy(() => work(...inputs.map(({ shape, data }) => tf.tensor(data.slice(), shape))));
    results.push({ shape: out.shape, dtype: out.dtype, data: await out.data() });
    out.dispose();
    expect(tf.memory().numTensors, `${what}: tensors left`).toBe(before);
  }
  const [cpu, functa] = results as [(typeof results)[0], (typeof results)[0]];
  expect([functa.shape, functa.dtype], what).toEqual([cpu.shape, cpu.dtype]);
  let largest = 1e-30;
  for (let i = 0; i < cpu.data.length; i++)
    if (Number.isFinite(cpu.data[i]!)) largest = Math.max(largest, Math.abs(cpu.data[i]!));
  for (let i = 0; i < cpu.data.length; i++) {
    const [want, got] = [cpu.data[i]!, functa.data[i]!];
    if (Object.is(want, got) || want === got) continue;
    if (!(Math.abs(want - got) <= tolerance * largest))
      throw new Error(`${what}: [${i}] is ${got}, cpu has ${want}`);
  }
}

// Under load the cpu backend, which is the reference, can take its time.
describe.each(dense?.denseInfo().instructionSets ?? [])(
  'with %s, the functa backend computes what the cpu backend does',
  { timeout: 120_000 },
  (isa) => {
    beforeAll(async () => {
      tf = (await openTensorFlow({ backend: 'functa', threads: 2 })).tf;
      dense!.denseInstructionSet(dense!.denseInfo().instructionSets.indexOf(isa));
      rng = new Rng(11);
    });
    afterAll(() => dense!.denseInstructionSet(0));

    test('matrix products, every transpose, odd sizes, batches that repeat', async () => {
      for (let i = 0; i < 60; i++) {
        const most = i % 6 === 0 ? 130 : 40;
        const [m, n, k] = [size(most), pick([1, 3, size(most)]), size(i % 6 === 0 ? 300 : 30)];
        const [ta, tb] = [rng.below(2) === 1, rng.below(2) === 1];
        const [batchA, batchB] = pick([
          [[], []],
          [[3], [3]],
          [
            [2, 2],
            [1, 1],
          ],
          [[1], [4]],
          [
            [2, 1],
            [2, 3],
          ],
          [[5], []],
        ]);
        const a = normals([...batchA!, ...(ta ? [k, m] : [m, k])]);
        const b = normals([...batchB!, ...(tb ? [n, k] : [k, n])]);
        await agree(`matMul ${a.shape} ${ta} ${b.shape} ${tb}`, [a, b], (x, y) => tf.matMul(x, y, ta, tb));
      }
    });

    test('fused products with bias and every activation', async () => {
      for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const) {
        for (const biasShape of [[37], [1, 37], [20, 37]]) {
          const inputs = [normals([20, 300]), normals([300, 37]), normals(biasShape), normals([37])];
          const fused = (a: Tensor, b: Tensor, bias: Tensor, weights: Tensor) => {
            const prelu = activation === 'prelu' ? { preluActivationWeights: weights } : {};
            return tf.fused.matMul({ a, b, bias, activation, ...prelu });
          };
          await agree(`fused ${activation} ${biasShape}`, inputs, fused as never, 1e-5);
        }
      }
    });

    test('maps of one array, special values included', async () => {
      const special = [
        0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-30, 1e-42, -1e-8, 3e38, -3e38, 88, -88, 90, -104, 100,
        1e4, 12345.678, 8388609,
      ];
      const edges = {
        shape: [special.length + 3],
        data: Float32Array.of(...special, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      };
      const maps: Record<string, (x: Tensor) => Tensor> = {
        relu: tf.relu,
        relu6: tf.relu6,
        elu: tf.elu,
        sigmoid: tf.sigmoid,
        tanh: tf.tanh,
        softplus: tf.softplus,
        exp: tf.exp,
        expm1: tf.expm1,
        log: tf.log,
        log1p: tf.log1p,
        sin: tf.sin,
        cos: tf.cos,
        sqrt: tf.sqrt,
        rsqrt: tf.rsqrt,
        square: tf.square,
        abs: tf.abs,
        neg: tf.neg,
        reciprocal: tf.reciprocal,
        step: tf.step,
        sign: tf.sign,
        floor: tf.floor,
        ceil: tf.ceil,
        round: tf.round,
        leakyRelu: (x) => tf.leakyRelu(x, 0.1),
        clip: (x) => tf.clipByValue(x, -0.7, 1.2),
        zeros: tf.zerosLike,
        ones: tf.onesLike,
      };
      for (const [name, map] of Object.entries(maps)) {
        // One by one, so that a large value does not hide the error of a small one.
        for (const x of edges.data)
          await agree(`${name}(${x})`, [{ shape: [1], data: Float32Array.of(x) }], map);
        for (const shape of [[3, 7, 5], [33000], []]) await agree(name, [normals(shape, 3)], map);
      }
    });

    test('maps of two arrays with broadcasting', async () => {
      const maps: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
        add: tf.add,
        sub: tf.sub,
        mul: tf.mul,
        div: tf.div,
        maximum: tf.maximum,
        minimum: tf.minimum,
        squaredDifference: tf.squaredDifference,
        pow: (a, b) => tf.pow(tf.abs(a), b),
        prelu: (a, b) => tf.prelu(a, b),
        equal: (a, b) => tf.equal(tf.round(a), tf.round(b)),
        notEqual: tf.notEqual,
        less: tf.less,
        lessEqual: tf.lessEqual,
        greater: tf.greater,
        greaterEqual: tf.greaterEqual,
      };
      for (const [name, map] of Object.entries(maps)) {
        for (let i = 0; i < 8; i++) {
          const shape = i === 0 ? [190, 190] : shapeOf(rng.below(5), 6);
          const thin = () =>
            shape.slice(rng.below(shape.length + 1)).map((n) => (rng.below(3) === 0 ? 1 : n));
          const [a, b] = i % 2 ? [thin(), shape] : [shape, thin()];
          await agree(`${name} ${a} ${b}`, [normals(a), normals(b)], map);
        }
      }
    });

    test('choice and casts', async () => {
      for (const shape of [[5], [7, 9], [40000]]) {
        await agree(`where ${shape}`, [normals(shape), normals(shape)], (a, b) =>
          tf.where(tf.greater(a, b), a, tf.neg(b)),
        );
        await agree(`and ${shape}`, [normals(shape), normals(shape)], (a, b) =>
          tf.logicalOr(tf.logicalAnd(tf.greater(a, 0), tf.less(b, 0.5)), tf.equal(a, b)),
        );
        await agree(`cast ${shape}`, [normals(shape)], (a) => tf.cast(tf.less(a, 0), 'float32'));
      }
    });

    test('reductions over any axes', async () => {
      const folds = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min };
      for (const [name, fold] of Object.entries(folds)) {
        for (let i = 0; i < 16; i++) {
          const shape = i === 0 ? [170, 200] : i === 1 ? [12000, 3] : i === 2 ? [40000] : shapeOf(size(4), 9);
          const axes = [...shape.keys()].filter(() => rng.below(2) === 1);
          const keep = rng.below(2) === 1;
          await agree(`${name} ${shape} over ${axes}`, [normals(shape)], (x) => fold(x, axes, keep), 1e-5);
        }
      }
      const nan = { shape: [2, 3], data: Float32Array.of(1, Number.NaN, 2, 3, 4, 5) };
      await agree('max with NaN', [nan], (x) => tf.max(x, 1));
      await agree('sum of nothing', [normals([0, 3])], (x) => tf.sum(x, 0));
    });

    test('softmax and its logarithm', async () => {
      for (const shape of [[5], [3, 1], [7, 33], [2, 3, 100], [500, 129]]) {
        await agree(`softmax ${shape}`, [normals(shape, 5)], (x) => tf.softmax(x));
        await agree(`logSoftmax ${shape}`, [normals(shape, 5)], (x) => tf.logSoftmax(x));
      }
    });

    test('gather along any axis, and its gradient', async () => {
      for (let i = 0; i < 20; i++) {
        const shape = shapeOf(size(3), 8);
        const axis = rng.below(shape.length);
        const indices = Array.from({ length: size(9) }, () => rng.below(shape[axis]!));
        const take = (x: Tensor) => tf.gather(x, tf.tensor1d(indices, 'int32'), axis);
        await agree(`gather ${shape} ${axis}`, [normals(shape)], take);
        await agree(
          `gather' ${shape} ${axis}`,
          [normals(shape)],
          tf.grad((x: Tensor) => tf.sum(tf.square(take(x)))),
        );
      }
      await agree('gather in batches', [normals([4, 6, 5])], (x) =>
        tf.gather(x, tf.tensor2d([0, 5, 1, 2, 3, 3, 4, 0], [4, 2], 'int32'), 1, 1),
      );
      await tf.setBackend('functa');
      expect(() => tf.gather(tf.zeros([3]), tf.tensor1d([3], 'int32'))).toThrow(/index value 3/);
    });

    test('transpose, slice, concat, pad, tile and stack', async () => {
      for (let i = 0; i < 40; i++) {
        const shape = i === 0 ? [200, 301] : shapeOf(size(4), 7);
        const x = normals(shape);
        const order = rng.shuffle([...shape.keys()]);
        await agree(`transpose ${shape} by ${order}`, [x], (t) => tf.transpose(t, order));
        const begin = shape.map((n) => rng.below(n));
        const sizes = shape.map((n, d) => size(n - begin[d]!));
        await agree(`slice ${shape} at ${begin} of ${sizes}`, [x], (t) => tf.slice(t, begin, sizes));
        const padding = shape.map(() => [rng.below(3), rng.below(3)] as [number, number]);
        await agree(`pad ${shape}`, [x], (t) => tf.pad(t, padding, 0.5));
        const reps = shape.map(() => size(3));
        await agree(`tile ${shape} ${reps}`, [x], (t) => tf.tile(t, reps));
        const axis = rng.below(shape.length);
        const other = shape.map((n, d) => (d === axis ? size(5) : n));
        await agree(`concat ${shape} ${other}`, [x, normals(other)], (a, b) => tf.concat([a, b, a], axis));
        await agree(`stack ${shape}`, [x], (t) => tf.stack([t, t], axis));
      }
      const [cut] = [normals([6, 4])];
      await agree('split', [cut], (t) => tf.add(tf.split(t, [1, 3, 2], 0)[1]!, tf.split(t, 2, 0)[0]!));
    });

    test('first and second gradients of a network of many kernels', async () => {
      const inputs = [normals([9, 13]), normals([13, 17]), normals([17]), normals([17, 5]), normals([9, 5])];
      // The gradient of leakyRelu has none of its own in TensorFlow.js.
      const loss = (x: Tensor, w: Tensor, b: Tensor, v: Tensor, y: Tensor, twice = false) => {
        const affine = tf.add(tf.matMul(x, w), b);
        const h = twice ? tf.relu(affine) : tf.leakyRelu(affine, 0.1);
        const g = tf.tanh(tf.mul(tf.sin(h), tf.sigmoid(h)));
        const out = tf.logSoftmax(tf.matMul(g, v));
        return tf.add(
          tf.neg(tf.mean(tf.mul(out, y))),
          tf.mean(tf.square(tf.sub(tf.softplus(out), tf.elu(y)))),
        );
      };
      for (const i of [0, 1, 2, 3]) {
        await agree(`gradient ${i}`, inputs, (...all) => tf.grads(loss as never)(all)[i]!, 1e-5);
      }
      await agree(
        'gradient of a gradient',
        inputs,
        (x, w, b, v, y) =>
          tf.grad((p: Tensor) => tf.sum(tf.square(tf.grad((q: Tensor) => loss(x!, q, b!, v!, y!, true))(p))))(
            w!,
          ),
        1e-5,
      );
    });
  },
);

test.skipIf(dense)('without the addon the backend is absent, and says how to have it', async () => {
  await expect(openTensorFlow({ backend: 'functa' })).rejects.toMatchObject({ code: 'tfjs-absent' });
});
