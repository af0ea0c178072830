import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../field/card.ts';
import { fromField, type Output, toField } from '../field/outputs.ts';
import { tinyCard } from '../field/testing.ts';
import { batchOf } from '../fit/batch.ts';
import { errorAgainst } from './errors.ts';
import { checkRange, toSignalValues } from './values.ts';
import { weightsOf } from './weights.ts';

/** Outputs of one point that have nothing in common. */
const outputs: readonly Output[] = [
  { name: 'temperature', unit: 'K', offset: 280, scale: 20, low: 230, peak: 100, sample: 'float32' },
  { name: 'pressure', unit: 'Pa', offset: 1e5, scale: -2e3, low: 9e4, peak: 2e4, sample: 'float32' },
  { name: 'cloud', offset: 0.5, scale: 1, low: 0, peak: 1, sample: 'uint8' },
  { name: 'wind', unit: 'm/s', offset: 0, scale: 30, low: -64, peak: 128, sample: 'int16' },
];
const card: ModelCard = { ...tinyCard, shape: [1, 2], outputs, axes: [{ name: 'y' }, { name: 'x' }] };
const field = Float32Array.of(1, 1, 0.1, 0.5, -2, 2, 9, -9);
const values = [300, 98000, 0.6, 15, 240, 96000, 9.5, -270];

describe('values of several outputs', () => {
  it('are each of its own offset and scale, and back', () => {
    expect([...toSignalValues(card, field.slice(), true)].map(Math.fround)).toEqual(values.map(Math.fround));
    expect([...fromField(outputs, field)][1]).toBe(98000);
    expect([...toField(outputs, values)].map(Math.fround)).toEqual([...field]);
    const { targets } = batchOf(
      [{ shape: [1, 2], values: Float32Array.from(values) }],
      outputs.length,
      outputs,
    );
    for (const [i, target] of targets.entries()) expect(target).toBeCloseTo(field[i]!, 5);
  });

  it('are rounded and clamped where they are whole samples, and as they are where they are not', () => {
    const [temperature, pressure, cloud, wind, , , high, low] = toSignalValues(card, field.slice(), false);
    expect([temperature, pressure]).toEqual([300, 98000]);
    expect(cloud).toBeCloseTo(153 / 255, 7);
    expect(wind! * (65536 / 128)).toBe(Math.round(wind! * (65536 / 128)));
    expect([high, low]).toEqual([1, -64]);
  });

  it('are refused by the name and the unit of the output that is on another scale', () => {
    const celsius = Float32Array.from(values, (v, i) => (i % 4 === 0 ? v - 1e5 : v));
    const inUnit = Float32Array.from(values, (v, i) => (i % 4 === 2 ? 0.5 : Math.max(v, -60)));
    const model = { card } as never;
    expect(() => checkRange(model, inUnit, 'x')).not.toThrow();
    expect(() => checkRange(model, celsius, 'x')).toThrow('values of temperature');
    expect(() => checkRange(model, celsius, 'x')).toThrow('about 280 K');
  });

  it('have errors in their units, and one mse in peaks', () => {
    const signal = {
      id: 'x',
      shape: [1, 2],
      channels: 4,
      values: Float32Array.of(300, 1e5, 0.5, 0, 300, 1e5, 0.5, 0),
    };
    const off = Float32Array.of(310, 1e5 + 2e3, 0.6, 0, 290, 1e5, 0.5, 12.8);
    const { mse, rmse, maxError } = errorAgainst(card, signal, off);
    expect(mse).toBeCloseTo((0.01 + 0.01 + 0.01 + 0.01 + 0.01) / 8, 6);
    expect(rmse.map((e) => Number(e.toPrecision(5)))).toEqual([10, 1414.2, 0.070711, 9.051]);
    expect(maxError.map((e) => Number(e.toPrecision(5)))).toEqual([10, 2000, 0.1, 12.8]);
    const missing = { ...signal, values: signal.values.with(5, Number.NaN) };
    expect(errorAgainst(card, missing, off).maxError[3]).toBe(0);
    const nothing = { ...signal, values: signal.values.map(() => Number.NaN) };
    expect(() => errorAgainst(card, nothing, off)).toThrow(expect.objectContaining({ code: 'mse-empty' }));
  });
});

describe('weights of points', () => {
  const axes = [{ name: 'lat', start: -60, step: 60, weight: 'cosine' as const }, { name: 'lon' }];
  const globe = { axes, shape: [3, 2] };

  it('are the cosine along an axis that says so, 1 on average', () => {
    const weights = weightsOf(globe, { shape: [3, 2] })!;
    expect([...weights].map((w) => Number(w.toFixed(4)))).toEqual([0.75, 0.75, 1.5, 1.5, 0.75, 0.75]);
  });

  it('lie over other samples of the same extent', () => {
    const weights = weightsOf(globe, { shape: [6, 1] })!;
    const cosines = [-75, -45, -15, 15, 45, 75].map((lat) => Math.cos((lat * Math.PI) / 180));
    const mean = cosines.reduce((sum, c) => sum + c, 0) / 6;
    for (const [i, w] of weights.entries()) expect(w).toBeCloseTo(cosines[i]! / mean, 5);
  });

  it('are those of the signal or of its axes first, and none where nothing says so', () => {
    const own = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(weightsOf(globe, { shape: [3, 2], weights: own })).toBe(own);
    expect(weightsOf(globe, { shape: [3, 2], axes: [{ name: 'a' }, { name: 'b' }] })).toBeUndefined();
    expect(weightsOf({ axes: [{ name: 'y' }], shape: [4] }, { shape: [4] })).toBeUndefined();
  });
});
