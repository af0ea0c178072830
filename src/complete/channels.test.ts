import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { loadModel } from '../models/index.ts';
import { regionMask } from '../signal/mask.ts';
import type { Signal } from '../signal/signal.ts';
import { complete, observeMasked } from './index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
});
afterAll(() => engine.close());

/** A smooth map in kelvin of a size that no model was trained on. */
const map: Signal = {
  id: 'map',
  shape: [40, 72],
  channels: 1,
  values: Float32Array.from({ length: 40 * 72 }, (_, i) => {
    const [y, x] = [Math.floor(i / 72), i % 72];
    return 270 + 20 * Math.sin((Math.PI * y) / 40) + 5 * Math.cos((2 * Math.PI * (x + y)) / 36);
  }),
  axes: [
    { name: 'lat', start: -78, step: 4 },
    { name: 'lon', start: 0, step: 5, wraps: true },
  ],
  outputs: [{ name: 'tas', unit: 'K' }],
};

function rmse(a: Float32Array, b: Float32Array, takes: (i: number) => boolean): number {
  const own = [...a.keys()].filter(takes);
  return Math.sqrt(own.reduce((sum, i) => sum + (a[i]! - b[i]!) ** 2, 0) / own.length);
}

test('a field comes from scattered stations: any size, in its unit, where it lies', async () => {
  const model = await loadModel('climate');
  const rng = new Rng(1);
  const values = map.values.map((v) => (rng.uniform() < 0.1 ? v : Number.NaN));
  const found = await complete({ model, engine }, observeMasked({ ...map, values }), { draws: 2 });
  expect([found.prior, found.completed.shape]).toEqual(['factorized', [40, 72]]);
  expect(found.completed.axes).toEqual(map.axes);
  expect(found.outputs[0]).toMatchObject({ name: 'tas', unit: 'K' });
  const isHidden = (i: number) => Number.isNaN(values[i]!);
  const deviation = rmse(map.values, new Float32Array(map.values.length).fill(282.7), isHidden);
  expect(rmse(found.completed.values, map.values, isHidden)).toBeLessThan(deviation / 5);
  const { spread } = found;
  expect(spread!.deviation.values.every((d) => d >= 0 && d < 10)).toBe(true);
});

test('a gap of a clip of any length is filled; what is known stays', async () => {
  const model = await loadModel('speech');
  const values = Float32Array.from({ length: 3001 }, (_, i) => 0.2 * Math.sin(i / 4) * Math.sin(i / 700));
  const clip = { id: 'clip', shape: [3001], channels: 1, values };
  const gap = regionMask([3001], { start: [1400], count: [8] }, true);
  const found = await complete({ model, engine }, observeMasked(clip, gap), { draws: 0, noise: 0.002 });
  expect(found.completed.axes![0]).toMatchObject({ unit: 's' });
  expect(rmse(found.completed.values, values, (i) => gap.observed[i] === 1)).toBeLessThan(0.004);
  const inGap = (i: number) => gap.observed[i] === 0;
  expect(rmse(found.completed.values, values, inGap)).toBeLessThan(
    rmse(new Float32Array(3001), values, inGap),
  );
});

test('a prior of whole signals is taken where it knows the shape, and refuses others by itself', async () => {
  const model = await loadModel('fashion-mnist');
  const whole = { id: 'x', shape: [28, 28], channels: 1, values: new Float32Array(784).fill(0.5) };
  const small = { ...whole, shape: [14, 56] };
  const by = async (signal: Signal, prior?: 'gaussian' | 'factorized') =>
    (await complete({ model, engine }, observeMasked(signal), { draws: 0, prior })).prior;
  expect(await by(whole)).toBe('gaussian');
  expect(await by(whole, 'factorized')).toBe('factorized');
  await expect(by(small, 'gaussian')).rejects.toMatchObject({ code: 'observed-shape' });
  expect(model.card.anySize ? await by(small) : 'factorized').toBe('factorized');
});
