import { afterEach, describe, expect, test, vi } from 'vitest';
import { createAdam, listTensorFlow, openTensorFlow, tensorFlowBackends } from './backend.ts';
import type { FunctaBackend } from './backend-functa.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the choice of a backend', () => {
  test('the first that works is taken, and every one before it says in a line why it is not', async () => {
    const { backend, absent, tf } = await openTensorFlow();
    expect(tensorFlowBackends.slice(0, absent.length)).toEqual(absent.map((entry) => entry.backend));
    expect(backend).toBe(tensorFlowBackends[absent.length]);
    for (const { why } of absent) expect(why).toMatch(/^[^\n]{10,}$/);
    expect(tf.getBackend()).not.toBe('');
  });

  test('FUNCTA_TFJS forces one, an option even more', async () => {
    vi.stubEnv('FUNCTA_TFJS', 'cpu');
    expect((await openTensorFlow()).tf.getBackend()).toBe('cpu');
    expect((await openTensorFlow({ backend: 'functa' })).tf.getBackend()).toBe('functa');
  });

  test('a name that is none is refused, with the names there are', async () => {
    vi.stubEnv('FUNCTA_TFJS', 'abacus');
    await expect(openTensorFlow()).rejects.toMatchObject({
      code: 'tfjs-backend',
      message: /functa, wasm, cpu/,
    });
  });

  test('a backend asked for that is absent is an error with the reason', async () => {
    const missing = (await listTensorFlow()).find(({ why }) => why !== undefined);
    if (!missing) return;
    await expect(openTensorFlow({ backend: missing.backend })).rejects.toMatchObject({ code: 'tfjs-absent' });
  });

  test('looking at what there is changes nothing', async () => {
    const { tf } = await openTensorFlow({ backend: 'functa' });
    await listTensorFlow();
    expect(tf.getBackend()).toBe('functa');
  });
});

describe('memory of the functa backend', () => {
  test('10,000 calls leave no tensor, no data and no more than the pool keeps', async () => {
    const { tf } = await openTensorFlow({ backend: 'functa' });
    const backend = tf.backend() as unknown as FunctaBackend & { numDataIds(): number };
    const x = tf.randomNormal([20, 30]);
    const w = tf.randomNormal([30, 10]);
    const round = () =>
      tf.tidy(() => {
        tf.grads((a: typeof x, b: typeof w) => tf.sum(tf.sigmoid(tf.matMul(a, b))))([x, w]);
      });
    round();
    const before = {
      tensors: tf.memory().numTensors,
      ids: backend.numDataIds(),
      pooled: backend.pooledBytes,
    };
    for (let i = 0; i < 1000; i++) round();
    expect({
      tensors: tf.memory().numTensors,
      ids: backend.numDataIds(),
      pooled: backend.pooledBytes,
    }).toEqual(before);
    tf.dispose([x, w]);
  });

  test('values that were read stay as they are when their tensor is gone', async () => {
    const { tf } = await openTensorFlow({ backend: 'functa' });
    const x = tf.add(tf.ones([1000]), 1);
    const read = x.dataSync();
    x.dispose();
    for (let i = 0; i < 10; i++) tf.add(tf.zeros([1000]), 7).dispose();
    expect(read.every((value) => value === 2)).toBe(true);
  });

  test('parts that share memory with a tensor outlive it', async () => {
    const { tf } = await openTensorFlow({ backend: 'functa' });
    const x = tf.add(tf.zeros([10, 10]), 3);
    const flat = tf.reshape(tf.add(x, 0), [100]);
    const int = tf.cast(x, 'int32');
    const complex = tf.complex(x, x);
    const real = tf.real(complex);
    tf.dispose([x, complex]);
    for (let i = 0; i < 10; i++) tf.add(tf.zeros([10, 10]), 7).dispose();
    for (const part of [flat, int, real]) expect(part.dataSync().every((value) => value === 3)).toBe(true);
    tf.dispose([flat, int, real]);
  });

  test('the result does not depend on the number of threads', async () => {
    const results: Float32Array[] = [];
    for (const threads of [1, 2, 3]) {
      const { tf } = await openTensorFlow({ backend: 'functa', threads });
      results.push(
        tf.tidy(() => {
          const a = tf.reshape(tf.sin(tf.range(0, 300 * 400)), [300, 400]);
          const product = tf.matMul(a, tf.reshape(a, [400, 300]), true, true);
          return tf.add(tf.sum(product, 0), tf.mean(tf.exp(tf.mul(a, 0.1)))).dataSync<'float32'>();
        }),
      );
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

describe('Adam', () => {
  const run = async (backend: 'functa' | 'cpu', steps: number[], resume: boolean) => {
    const { tf } = await openTensorFlow({ backend });
    const target = tf.tensor1d([1, -2, 3, 0.5, 0, 7, -1]);
    let variables = [tf.variable(tf.zeros([7])), tf.variable(tf.ones([7]))];
    let adam = createAdam(tf, variables);
    for (const rate of steps) {
      const { grads } = tf.variableGrads(
        () => tf.sum(tf.square(tf.sub(tf.mul(variables[0]!, variables[1]!), target))),
        variables,
      );
      const gradients = variables.map(({ name }) => grads[name]!);
      adam.update(gradients, rate);
      tf.dispose(gradients);
      if (!resume) continue;
      const state = adam.state();
      const values = variables.map((variable) => variable.dataSync().slice());
      adam.dispose();
      tf.dispose(variables);
      variables = values.map((value) => tf.variable(tf.tensor1d(value)));
      adam = createAdam(tf, variables);
      adam.restore(state);
    }
    const out = variables.map((variable) => [...variable.dataSync()]);
    adam.dispose();
    tf.dispose([...variables, target]);
    return out.flat();
  };
  const steps = Array.from({ length: 20 }, (_, i) => 0.05 / (1 + i));

  test('the kernel of the functa backend does what TensorFlow.js operations do', async () => {
    const plain = await run('cpu', steps, false);
    const native = await run('functa', steps, false);
    for (const [i, value] of native.entries()) expect(value).toBeCloseTo(plain[i]!, 5);
  });

  test('a state restored goes on to the same bits', async () => {
    for (const backend of ['functa', 'cpu'] as const) {
      expect(await run(backend, steps, true)).toEqual(await run(backend, steps, false));
    }
  });

  test('another tensor on the memory of a variable keeps its values', async () => {
    const { tf } = await openTensorFlow({ backend: 'functa' });
    const start = tf.add(tf.zeros([4]), 1);
    const variable = tf.variable(start);
    const adam = createAdam(tf, [variable]);
    const gradient = tf.ones([4]);
    adam.update([gradient], 0.1);
    expect([...start.dataSync()]).toEqual([1, 1, 1, 1]);
    expect(variable.dataSync()[0]).toBeCloseTo(0.9, 5);
    adam.dispose();
    tf.dispose([start, variable, gradient]);
  });
});
