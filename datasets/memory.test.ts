import { expect, it } from 'vitest';
import { datasetOf } from './memory.ts';

const values = new Float32Array(8);
const signal = { id: 'a', shape: [8], channels: 1, values };

it('signals in memory are a data set, of one shape or of several', async () => {
  const data = datasetOf([signal, { ...signal, id: 'b' }], { name: 'mine' });
  expect(data).toMatchObject({ name: 'mine', length: 2, channels: 1, shape: [8], weighted: false });
  expect(await data.get(1)).toMatchObject({ id: 'b' });
  const mixed = datasetOf([signal, { ...signal, id: 'b', shape: [4], values: new Float32Array(4) }]);
  expect(mixed.shape).toBeUndefined();
  expect(datasetOf([{ ...signal, weights: new Float32Array(8).fill(1) }]).weighted).toBe(true);
});

it.each([
  [[], 'empty-dataset'],
  [[signal, signal], 'same-id'],
  [[signal, { ...signal, id: 'b', channels: 2, shape: [4] }], 'bad-channels'],
  [[{ ...signal, weights: new Float32Array(3) }], 'bad-shape'],
  [[{ ...signal, values: new Float32Array(8).fill(Number.POSITIVE_INFINITY) }], 'infinite-value'],
])('refuses %#', (signals, code) => {
  expect(() => datasetOf(signals)).toThrow(expect.objectContaining({ code }));
});

it('takes values of any range by outputs and axes that say what they are, and refuses them without', () => {
  const kelvin = { ...signal, values: new Float32Array(8).fill(280) };
  expect(() => datasetOf([kelvin])).toThrow(expect.objectContaining({ code: 'data-range' }));
  const outputs = [{ name: 'temperature', unit: 'K', low: 240, peak: 80, sample: 'float32' as const }];
  expect(datasetOf([kelvin], { outputs }).kind).toEqual({ outputs, axes: [{ name: 'x' }] });
  const two = { outputs: [...outputs, ...outputs] };
  expect(() => datasetOf([kelvin], two)).toThrow(expect.objectContaining({ kind: 'input' }));
  expect(() => datasetOf([kelvin], { outputs: [{ ...outputs[0]!, peak: -1 }] })).toThrow(
    expect.objectContaining({ code: 'bad-card' }),
  );
});
