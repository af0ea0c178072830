import { expect, test } from 'vitest';
import { openReference } from '../engine/reference/reference.ts';
import { modulationLayout } from '../field/layout.ts';
import { tinyRecipe, tinySpec, waves } from '../learn/testing.ts';
import { train } from '../learn/trainer.ts';
import { adaptBatch } from './adapt.ts';
import { batchOf } from './batch.ts';
import { LogisticRate } from './rate.ts';
import { refineBatch } from './refine.ts';

const engine = await openReference();
const shape = [8, 8];
const recipe = tinyRecipe({ steps: 40, phases: { distortion: 40, rounded: 0, coded: 0 } });
const { network, steps, scales } = await train({ engine, source: waves(10), recipe });
const source = waves(4, shape, 5);
const signals = Array.from({ length: 4 }, (_, i) => {
  const values = new Float32Array(64);
  source.fill(i, { start: [0, 0], count: shape }, values);
  return { shape, values };
});
const batch = batchOf(signals, 1, { offset: 0.5, scale: 1 });
const { modulations: start } = await adaptBatch(engine, network, batch, { steps: 2 });

test('the objective never rises, however many turns are taken', async () => {
  let before: Float64Array = new Float64Array(4).fill(Number.POSITIVE_INFINITY);
  for (const turns of [1, 2, 5, 15, 40]) {
    const { objectives, losses, modulations } = await refineBatch(engine, network, batch, start, { turns });
    objectives.forEach((objective, s) => {
      expect(objective).toBeLessThanOrEqual(before[s]!);
    });
    expect(losses).toEqual(objectives);
    const measured = await engine.gradient(network, batch, modulations);
    expect(measured.losses).toEqual(losses);
    before = objectives;
  }
});

test('one turn gives back the start', async () => {
  const { modulations } = await refineBatch(engine, network, batch, start, { turns: 1 });
  expect(modulations).toEqual(start);
});

test('it gets below what plain steps reach with as many gradients', async () => {
  const plain = await engine.adapt(network, batch, 13);
  const { losses } = await refineBatch(engine, network, batch, start, { turns: 10 });
  const sum = (of: ArrayLike<number>) => Array.from(of).reduce((a, b) => a + b, 0);
  expect(sum(losses)).toBeLessThan(sum(plain.losses.slice(12 * 4)));
});

test('with the rate in the objective fewer bits are spent, and the error pays for them', async () => {
  const rate = new LogisticRate(modulationLayout(tinySpec, shape));
  const natsOf = (modulations: Float32Array) =>
    rate.measure(modulations, Float64Array.from(steps, Math.log), Float64Array.from(scales, Math.log), 1);
  const error = await refineBatch(engine, network, batch, start, { turns: 25 });
  const both = await refineBatch(engine, network, batch, start, {
    turns: 25,
    rate: { weight: 0.02, steps, scales },
  });
  expect(natsOf(both.modulations)).toBeLessThan(0.9 * natsOf(error.modulations));
  both.losses.forEach((loss, s) => {
    expect(loss).toBeGreaterThan(error.losses[s]!);
    expect(loss).toBeLessThan(both.objectives[s]!);
  });
});

test('no turns are refused', async () => {
  await expect(refineBatch(engine, network, batch, start, { turns: 0 })).rejects.toMatchObject({
    code: 'turns',
  });
});
