import { expect, test } from 'vitest';
import { tensor } from '../core/tensor.ts';
import { atQuality, slopeTensor } from './at-quality.ts';
import { networkId, readModel, writeModel } from './model.ts';
import { totalChannels, weightLayout } from './spec.ts';
import { tinyCard } from './testing.ts';

const { spec } = tinyCard;
const channels = totalChannels(spec);
const count = weightLayout(spec).length;
const flat = {
  card: tinyCard,
  network: {
    spec,
    weights: Float32Array.from({ length: count }, (_, i) => i / 64 - 1),
    rates: new Float32Array(channels).fill(0.25),
  },
  steps: new Float32Array(channels).fill(0.125),
};
const slopes = {
  qualities: [40, 60] as const,
  weights: Float32Array.from({ length: count }, (_, i) => (i % 5) / 8),
  rates: new Float32Array(channels).fill(1),
  steps: new Float32Array(channels).fill(-2),
};
const tensors = new Map([
  ['learn.scales', tensor(new Float32Array(channels).fill(3))],
  [slopeTensor('learn.scales'), tensor(new Float32Array(channels).fill(1))],
]);
const model = readModel(writeModel({ ...flat, slopes, tensors }));

test('slopes are in the file, and part of what the network is', () => {
  expect(model.slopes).toEqual(slopes);
  expect(writeModel(model)).toEqual(writeModel({ ...flat, slopes, tensors }));
  expect(model.networkId).toBe(networkId(flat.network, tinyCard.outputs, slopes));
  expect(model.networkId).not.toBe(networkId(flat.network, tinyCard.outputs));
});

test('weights move along a line, rates and steps by powers of two', () => {
  const moved = atQuality(model, 60);
  expect([...moved.network.weights]).toEqual([...flat.network.weights].map((w, i) => w + (i % 5) / 8));
  expect(moved.network.rates.every((rate) => rate === 0.5)).toBe(true);
  expect(moved.steps.every((step) => step === 0.125 / 4)).toBe(true);
  expect(moved.tensors.get('learn.scales')?.data).toEqual(new Float32Array(channels).fill(6));
  expect(atQuality(model, 50).network).toEqual(flat.network);
});

test('beyond the qualities that were learnt nothing moves, and one octave is made once', () => {
  expect(atQuality(model, 90)).toBe(atQuality(model, 60));
  expect(atQuality(model, 1)).toBe(atQuality(model, 40));
  expect(atQuality(model, 55)).not.toBe(atQuality(model, 54));
});

test('a model without slopes is the same at every quality', () => {
  const plain = readModel(writeModel(flat));
  expect(plain.slopes).toBeUndefined();
  expect(atQuality(plain, 70)).toBe(plain);
});

test('slopes of another length are refused', () => {
  const short = { ...slopes, rates: new Float32Array(channels - 1) };
  expect(() => writeModel({ ...flat, slopes: short })).toThrow(/field.rates.slope/);
});
