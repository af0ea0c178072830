import { expect, test } from 'vitest';
import { openNative } from '../engine/native/native.ts';
import { openReference } from '../engine/reference/reference.ts';
import { randomBatch, randomNetwork, uniformFrom } from '../engine/testing.ts';
import { modulationLayout } from '../field/layout.ts';
import { type FieldSpec, modulationLength } from '../field/spec.ts';
import { tinyRecipe, tinySpec, waves } from '../learn/testing.ts';
import { train } from '../learn/trainer.ts';
import * as learning from './adapt.ts';
import { rateTerm } from './adapt.ts';
import { batchOf } from './batch.ts';
import { LogisticRate } from './rate.ts';

const engine = await openReference();
const adaptBatch = async (...args: Parameters<typeof learning.adaptBatch>) =>
  (await learning.adaptBatch(...args)).modulations;
const adaptSignal = async (...args: Parameters<typeof learning.adaptSignal>) =>
  (await learning.adaptSignal(...args)).modulations;
const range = { offset: 0.5, scale: 1 };
const recipe = tinyRecipe({ steps: 40, phases: { distortion: 40, rounded: 0, coded: 0 } });
const learnt = await train({ engine, source: waves(10), recipe });
const { network } = learnt;
const trained = { steps: Float64Array.from(learnt.steps), scales: Float64Array.from(learnt.scales) };
const m = modulationLength(tinySpec, [8, 8]);

function signals(count: number, shape = [8, 8]) {
  const source = waves(count, shape, 5);
  return Array.from({ length: count }, (_, i) => {
    const values = new Float32Array(shape[0]! * shape[1]!);
    source.fill(i, { start: [0, 0], count: shape }, values);
    return { shape, values };
  });
}

test('signals adapted together get the modulations they get alone', async () => {
  const all = signals(3);
  for (const steps of [3, 6]) {
    const together = await adaptBatch(engine, network, batchOf(all, 1, range), { steps });
    for (const [s, signal] of all.entries()) {
      const alone = await adaptSignal(engine, network, signal, range, { steps });
      expect(alone).toEqual(together.slice(s * m, (s + 1) * m));
    }
  }
});

test('no steps give the start, which is zero unless told otherwise', async () => {
  const batch = batchOf(signals(1), 1, range);
  expect(await adaptBatch(engine, network, batch, { steps: 0 })).toEqual(new Float32Array(m));
  const start = new Float32Array(m).fill(0.25);
  expect(await adaptBatch(engine, network, batch, { steps: 0, start })).toEqual(start);
  await expect(adaptBatch(engine, network, batch, { steps: 1.5 })).rejects.toMatchObject({ code: 'steps' });
});

test('steps that were not learnt keep lowering the loss, never raise it', async () => {
  const batch = batchOf(signals(4), 1, range);
  let before: Float64Array = new Float64Array(4).fill(Number.POSITIVE_INFINITY);
  for (const steps of [2, 3, 5, 10, 30]) {
    const modulations = await adaptBatch(engine, network, batch, { steps, learntSteps: 2 });
    const { losses } = await engine.gradient(network, batch, modulations);
    losses.forEach((loss, s) => {
      expect(loss).toBeLessThanOrEqual(before[s]!);
    });
    before = losses;
  }
});

/** So low that bits weigh as much as errors on this network. */
const LAMBDA = 5e-4;

test('refining under the rate term lowers the loss of training', async () => {
  const batch = batchOf(signals(4), 1, range);
  const trade = {
    lambda: LAMBDA,
    values: recipe.values,
    steps: trained.steps,
    scales: trained.scales,
  };
  const rate = new LogisticRate(modulationLayout(tinySpec, [8, 8]));
  for (const quality of [40, 60]) {
    const multiplier = 2 ** ((50 - quality) / 10);
    const lossOf = async (modulations: Float32Array) => {
      const { losses } = await engine.gradient(network, batch, modulations);
      const mse255 = (255 ** 2 * 2 * losses.reduce((a, b) => a + b, 0)) / 256;
      const nats = rate.measure(
        modulations,
        trained.steps.map(Math.log),
        trained.scales.map(Math.log),
        multiplier,
      );
      return (LAMBDA / multiplier ** 2) * mse255 + nats / Math.LN2 / 256;
    };
    const learnt = await adaptBatch(engine, network, batch, { steps: 2 });
    const options = { steps: 40, learntSteps: 2 };
    const plain = await adaptBatch(engine, network, batch, options);
    const both = await adaptBatch(engine, network, batch, {
      ...options,
      rate: rateTerm(trade, batch, quality),
    });
    expect(await lossOf(both)).toBeLessThan(Math.min(await lossOf(learnt), await lossOf(plain)));
  }
});

test('a signal of another size than was learnt on is adapted by the same network', async () => {
  const [signal] = signals(1, [11, 5]);
  const modulation = await adaptSignal(engine, network, signal!, range, { steps: 4 });
  expect(modulation).toHaveLength(modulationLength(tinySpec, [11, 5]));
  const { losses } = await engine.gradient(network, batchOf([signal!], 1, range), modulation);
  const zero = await engine.gradient(
    network,
    batchOf([signal!], 1, range),
    new Float32Array(modulation.length),
  );
  expect(losses[0]!).toBeLessThan(zero.losses[0]!);
});

test('a batch of many points gets the modulations of the inner loop, step by step', async () => {
  const native = await openNative({ threads: 2 });
  const shape = [2 ** 19 + 3];
  const spec: FieldSpec = {
    ...{ axes: 1, outputs: 1, width: 4, layers: 1, w0: 10 },
    features: { global: false, local: false, harmonics: 1 },
    levels: [{ cell: [4], channels: 1, interpolation: 'linear' }],
  };
  const uniform = uniformFrom(5);
  const net = randomNetwork(spec, 0.05, uniform, 2);
  const batch = randomBatch(spec, shape, 1, false, uniform);
  const { trajectory } = await native.adapt(net, batch, 3);
  const { modulations } = await learning.adaptBatch(native, net, batch, { steps: 3 });
  expect(modulations).toEqual(trajectory.slice(3 * modulations.length));
  await native.close();
});
