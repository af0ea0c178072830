import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openReference } from '../engine/reference/reference.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { modulationLayout } from '../field/layout.ts';
import { totalChannels, weightLayout } from '../field/spec.ts';
import { startFrom } from './start-from.ts';
import { tinySpec } from './testing.ts';

const engine = await openReference();
const shape = [8, 12];
const rng = new Rng(3);
const from = {
  spec: tinySpec,
  weights: initialWeights(tinySpec, () => rng.uniform()),
  rates: Float32Array.from({ length: totalChannels(tinySpec) }, (_, c) => 0.5 + c),
};
const options = { shape, startRates: { share: 0.3, probes: 8 }, innerSteps: 3 };

test('with the same levels it is the same network', async () => {
  expect(await startFrom(engine, from, tinySpec, new Rng(1), options)).toEqual(from);
});

test('with one level more it computes the same while that one is zero', async () => {
  const coarse = { cell: [8, 8], channels: 3, interpolation: 'linear' } as const;
  const spec = { ...tinySpec, levels: [coarse, ...tinySpec.levels] };
  const network = await startFrom(engine, from, spec, new Rng(1), options);
  const layout = modulationLayout(spec, shape);
  const old = Float32Array.from({ length: modulationLayout(tinySpec, shape).length }, (_, i) => Math.sin(i));
  const modulation = new Float32Array(layout.length);
  modulation.set(old, layout.length - old.length);
  const grid = coveringGrid(shape);
  expect(await engine.evaluate(network, shape, modulation, grid)).toEqual(
    await engine.evaluate(from, shape, old, grid),
  );
  const share = tinySpec.levels.length / spec.levels.length;
  expect([...network.rates.subarray(3)]).toEqual([...from.rates].map((rate) => Math.fround(rate * share)));
  expect(network.rates.subarray(0, 3).every((rate) => rate > 0 && Number.isFinite(rate))).toBe(true);
});

test('the first channels of a new level reach the outputs along orthogonal vectors, others do not', async () => {
  const coarse = { cell: [8, 8], channels: tinySpec.outputs + 1, interpolation: 'linear' } as const;
  const spec = { ...tinySpec, levels: [coarse, ...tinySpec.levels] };
  const { weights } = await startFrom(engine, from, spec, new Rng(1), options);
  const fresh = new Rng(1);
  const drawn = initialWeights(spec, () => fresh.uniform());
  const { m, mColumns } = weightLayout(spec);
  const added = (c: number) => {
    const end = m + (c + 1) * mColumns;
    return Array.from({ length: spec.outputs }, (_, i) => {
      const at = end - spec.outputs + i;
      return (weights[at] ?? 0) - (drawn[at] ?? 0);
    });
  };
  for (let a = 0; a < spec.outputs; a++) {
    for (let b = 0; b < spec.outputs; b++) {
      const dot = added(a).reduce((sum, value, i) => sum + value * (added(b)[i] ?? 0), 0);
      expect(dot).toBeCloseTo(a === b ? 1 / 16 : 0, 6);
    }
  }
  expect(added(spec.outputs).every((value) => value === 0)).toBe(true);
});

test('of a level with more channels than asked for, the most used ones go on', async () => {
  const [first, second] = tinySpec.levels;
  if (first === undefined || second === undefined) throw new Error('the tiny field has two levels');
  const spec = { ...tinySpec, levels: [{ ...second, channels: 2 }] };
  const use = [9, 9, 2, 1, 3];
  const network = await startFrom(engine, from, spec, new Rng(1), { ...options, use });
  const to = weightLayout(spec);
  const source = weightLayout(tinySpec);
  const row = (c: number) =>
    from.weights.subarray(source.m + c * source.mColumns, source.m + (c + 1) * source.mColumns);
  expect([...network.weights.subarray(to.m)]).toEqual([...row(2), ...row(4)]);
  expect([...network.rates]).toEqual([from.rates[2], from.rates[4]].map((rate) => (rate ?? 0) * 2));
});

test('a level of more channels goes on from all there were', async () => {
  const levels = tinySpec.levels.map((level) => ({ ...level, channels: level.channels + 1 }));
  const spec = { ...tinySpec, levels };
  const network = await startFrom(engine, from, spec, new Rng(1), options);
  const first = tinySpec.levels[0]?.channels ?? 0;
  expect(network.rates.subarray(0, first)).toEqual(from.rates.subarray(0, first));
  expect(network.rates.every((rate) => rate > 0 && Number.isFinite(rate))).toBe(true);
});

test('with features of longer waves it computes the same, and forgets none', async () => {
  const spec = { ...tinySpec, features: { ...tinySpec.features, harmonics: 4, period: [8, 8] } };
  const network = await startFrom(engine, from, spec, new Rng(1), options);
  const modulation = Float32Array.from({ length: modulationLayout(spec, shape).length }, (_, i) =>
    Math.sin(i),
  );
  const grid = coveringGrid(shape);
  expect(await engine.evaluate(network, shape, modulation, grid)).toEqual(
    await engine.evaluate(from, shape, modulation, grid),
  );
  await expect(startFrom(engine, network, tinySpec, new Rng(1), options)).rejects.toMatchObject({
    code: 'start-network',
  });
});

test('another width is refused', async () => {
  const wide = { ...tinySpec, width: tinySpec.width + 1 };
  await expect(startFrom(engine, from, wide, new Rng(1), options)).rejects.toMatchObject({
    code: 'start-network',
  });
});

test('rates of every step are carried over, those of new channels go from coarse to fine', async () => {
  const channels = totalChannels(tinySpec);
  const rates = Float32Array.from({ length: 2 * channels }, (_, i) => 0.5 + i);
  expect((await startFrom(engine, { ...from, rates }, tinySpec, new Rng(1), options)).rates).toEqual(rates);
  const coarse = { cell: [8, 8], channels: 1, interpolation: 'linear' } as const;
  const spec = { ...tinySpec, levels: [coarse, ...tinySpec.levels] };
  const stepwise = { ...options, startRates: { ...options.startRates, coarseToFine: true }, innerSteps: 3 };
  const network = await startFrom(engine, { ...from, rates }, spec, new Rng(1), stepwise);
  const share = tinySpec.levels.length / spec.levels.length;
  const row = (k: number) => network.rates.subarray(k * (channels + 1), (k + 1) * (channels + 1));
  for (const [k, there] of [0, 1, 1].entries())
    expect([...row(k).subarray(1)]).toEqual(
      [...rates.subarray(there * channels, (there + 1) * channels)].map((rate) => Math.fround(rate * share)),
    );
  expect(row(0)[0]! / row(1)[0]!).toBeCloseTo(10 * spec.levels.length, 3);
});
