import { afterAll, beforeAll, expect, it } from 'vitest';
import { rounds } from '../../../test/rounds.ts';
import { type Case, fixedCases, randomCase } from '../contract/cases.ts';
import { sameBits } from '../contract/measure.ts';
import type { Engine, Evaluator, Points } from '../engine.ts';
import { openWasm } from '../wasm/wasm.ts';
import { openEvaluator } from './open.ts';

let whole: Engine;
let reader: Evaluator;
beforeAll(async () => {
  whole = await openWasm({ threads: 1 });
  reader = await openEvaluator();
});
afterAll(() => whole.close());

const cases: Case[] = [
  ...fixedCases(),
  ...Array.from({ length: rounds(30, 200) }, (_, seed) => randomCase(seed)),
];

/** Grids that are finer, coarser, backwards, outside, longer than a box; and the scattered points as a list. */
function questions({ batch: { shape }, scattered }: Case): Points[] {
  const grid = (start: number, step: number, count: number): Points => ({
    kind: 'grid',
    start: shape.map(() => start),
    step: shape.map((_, axis) => step * (axis % 2 === 0 ? 1 : -1)),
    count: shape.map((_, axis) => Math.max(1, count - 3 * axis)),
  });
  const samples: Points = {
    kind: 'grid',
    start: shape.map(() => 0.5),
    step: shape.map(() => 1),
    count: shape,
  };
  return [
    samples,
    grid(0.1, 0.21, 37),
    grid(-7.3, 3.9, 9),
    grid(2, 0, 2),
    ...(shape.length === 1 ? [grid(0.3, 0.01, 700)] : shape.length === 2 ? [grid(5, 0.07, 140)] : []),
    { kind: 'list', coordinates: scattered },
    { kind: 'list', coordinates: scattered.subarray(0, shape.length) },
  ];
}

it('values are those of the engine wasm to the bit, on grids and at lists', async () => {
  for (const c of cases) {
    const { shape } = c.batch;
    const modulation = c.modulations.slice(0, c.modulations.length / c.batch.count);
    for (const [i, points] of questions(c).entries()) {
      const found = await reader.evaluate(c.net, shape, modulation, points);
      const expected = await whole.evaluate(c.net, shape, modulation, points);
      expect(sameBits(found, expected), `${c.name}, question ${i}`).toBe(true);
    }
  }
});

it('is one in a thread', async () => {
  expect(await openEvaluator()).toBe(reader);
});

it('names a number of a modulation that is not finite, and arguments that do not fit', async () => {
  const [c] = fixedCases();
  const modulation = c!.modulations.slice(0, c!.modulations.length / c!.batch.count);
  const points: Points = { kind: 'list', coordinates: c!.scattered };
  const asked = (shape: readonly number[], phi: Float32Array) => reader.evaluate(c!.net, shape, phi, points);
  await expect(asked([9], modulation)).rejects.toMatchObject({ code: 'bad-shape' });
  await expect(asked(c!.batch.shape, new Float32Array(3))).rejects.toMatchObject({ code: 'bad-length' });
  const spatial = fixedCases()[4]!;
  const broken = spatial.modulations
    .slice(0, spatial.modulations.length / spatial.batch.count)
    .fill(Number.NaN);
  await expect(
    reader.evaluate(spatial.net, spatial.batch.shape, broken, {
      kind: 'list',
      coordinates: spatial.scattered,
    }),
  ).rejects.toMatchObject({ code: 'not-finite' });
});
