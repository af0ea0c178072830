import { expect, test } from 'vitest';
import { openReference } from '../engine/reference/reference.ts';
import { modulationLength } from '../field/spec.ts';
import { adaptBatch, adaptSignal } from './adapt.ts';
import { batchOf } from './batch.ts';
import { tinyRecipe, tinySpec, waves } from './testing.ts';
import { train } from './trainer.ts';

const engine = await openReference();
const range = { offset: 0.5, scale: 1 };
const recipe = tinyRecipe({ steps: 40, phases: { distortion: 40, rounded: 0 } });
const { network } = await train({ engine, source: waves(10), recipe });
const m = modulationLength(tinySpec, [8, 8]);

function signals(count: number, shape = [8, 8]) {
  const source = waves(count, shape, 5);
  return Array.from({ length: count }, (_, i) => {
    const values = new Float32Array(shape[0]! * shape[1]!);
    source.fill(i, { start: [0, 0], shape }, values);
    return { shape, values };
  });
}

test('signals adapted together get the modulations they get alone', async () => {
  const all = signals(3);
  const together = await adaptBatch(engine, network, batchOf(all, 1, range), { steps: 3 });
  for (const [s, signal] of all.entries()) {
    const alone = await adaptSignal(engine, network, signal, range, { steps: 3 });
    expect(alone.modulations).toEqual(together.modulations.slice(s * m, (s + 1) * m));
  }
});

test('steps from where others ended are steps further', async () => {
  const batch = batchOf(signals(2), 1, range);
  const five = await adaptBatch(engine, network, batch, { steps: 5 });
  const two = await adaptBatch(engine, network, batch, { steps: 2 });
  const rest = await adaptBatch(engine, network, batch, { steps: 3, start: two.modulations });
  expect(rest.modulations).toEqual(five.modulations);
  expect(rest.losses).toEqual(five.losses.slice(4));
});

test('with decay the learnt steps are the same, and later ones shrink', async () => {
  const batch = batchOf(signals(2), 1, range);
  const options = { learntSteps: 2, decay: 0.5 };
  const at = async (steps: number) =>
    (await adaptBatch(engine, network, batch, { ...options, steps })).modulations;
  const plain = await adaptBatch(engine, network, batch, { steps: 2 });
  expect(await at(2)).toEqual(plain.modulations);
  const path = [await at(2), await at(3), await at(12), await at(13)] as const;
  const move = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, i) => x - b[i]!));
  expect(move(path[0], path[1])).toBeGreaterThan(0);
  expect(move(path[2], path[3])).toBeLessThan(1e-2 * move(path[0], path[1]));
});

test('many more steps than were learnt stay finite and lower the loss', async () => {
  const batch = batchOf(signals(4), 1, range);
  const { losses } = await adaptBatch(engine, network, batch, { steps: 30 });
  for (let s = 0; s < 4; s++) {
    expect(losses[29 * 4 + s]!).toBeLessThan(losses[2 * 4 + s]!);
  }
});

test('a signal of another size than was learnt on is adapted by the same network', async () => {
  const [signal] = signals(1, [11, 5]);
  const { modulations, losses } = await adaptSignal(engine, network, signal!, range, { steps: 4 });
  expect(modulations).toHaveLength(modulationLength(tinySpec, [11, 5]));
  expect(losses[3]!).toBeLessThan(losses[0]!);
});
