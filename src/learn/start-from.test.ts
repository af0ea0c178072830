import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openReference } from '../engine/reference/reference.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { totalChannels } from '../field/spec.ts';
import { channelLayout } from './layout.ts';
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
const options = { shape, startRates: { share: 0.3, probes: 8 } };

test('with the same levels it is the same network', async () => {
  expect(await startFrom(engine, from, tinySpec, new Rng(1), options)).toEqual(from);
});

test('with one level more it computes the same while that one is zero', async () => {
  const coarse = { cell: [8, 8], channels: 3, interpolation: 'linear' } as const;
  const spec = { ...tinySpec, levels: [coarse, ...tinySpec.levels] };
  const network = await startFrom(engine, from, spec, new Rng(1), options);
  const layout = channelLayout(spec, shape);
  const old = Float32Array.from({ length: channelLayout(tinySpec, shape).length }, (_, i) => Math.sin(i));
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

test('another width is refused', async () => {
  const wide = { ...tinySpec, width: tinySpec.width + 1 };
  await expect(startFrom(engine, from, wide, new Rng(1), options)).rejects.toMatchObject({
    code: 'start-network',
  });
});
