import { expect, test } from 'vitest';
import { BatchDrawer, mirror } from '../learn/draw.ts';
import { copyBox } from '../signal/box.ts';
import { type SourceSignal, sourceOf } from '../signal/source.ts';
import { batchOf, massOf, sliceBatch } from './batch.ts';

const range = { offset: 10, scale: 2 };

function ramp(shape: number[], first = 0): SourceSignal {
  const points = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Float32Array.from({ length: points }, (_, i) => first + i) };
}

test('values become field units, and weights that are all one are left out', () => {
  const batch = batchOf([ramp([2, 2], 10), ramp([2, 2], 14)], 1, range);
  expect([...batch.targets]).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]);
  expect(batch.weights).toBeUndefined();
  expect(massOf(batch)).toEqual({ values: 8, points: 8 });
});

test('a point with a missing channel counts for nothing and has finite targets', () => {
  const values = Float32Array.of(10, Number.NaN, 12, 14);
  const batch = batchOf([{ shape: [2], values, weights: Float32Array.of(3, 0.5) }], 2, range);
  expect([...batch.targets]).toEqual([0, 0, 1, 2]);
  expect([...batch.weights!]).toEqual([0, 0.5]);
  expect(massOf(batch)).toEqual({ values: 1, points: 1 });
  expect(values[1]).toBeNaN();
});

test('infinite values, negative weights, signals without data and mixed shapes are refused', () => {
  const of = (values: number[], weights?: number[]) => () =>
    batchOf(
      [{ shape: [2], values: Float32Array.from(values), weights: weights && Float32Array.from(weights) }],
      1,
      range,
    );
  expect(of([1, Number.POSITIVE_INFINITY])).toThrow(/signal 0: point 1 is Infinity/);
  expect(of([1, 2], [1, -1])).toThrow(expect.objectContaining({ code: 'bad-weight' }));
  expect(of([Number.NaN, Number.NaN])).toThrow(expect.objectContaining({ code: 'no-observed-points' }));
  expect(() => batchOf([ramp([2, 2]), ramp([4])], 1, range)).toThrow(
    expect.objectContaining({ code: 'signal-shape' }),
  );
  expect(() => batchOf([], 1, range)).toThrow(expect.objectContaining({ code: 'empty-batch' }));
});

test('a slice of a batch holds its signals and their weights', () => {
  const weights = Float32Array.of(1, 2);
  const batch = batchOf([ramp([2]), ramp([2], 4), { ...ramp([2], 8), weights }], 1, range);
  const part = sliceBatch(batch, 1, 3);
  expect([...part.targets]).toEqual([-3, -2.5, -1, -0.5]);
  expect([...part.weights!]).toEqual([1, 1, 1, 2]);
});

const drawing = { shape: [4], count: 3, seed: 7, range: { offset: 0, scale: 1 }, crops: false, flips: [] };

test('a batch is a function of seed and step alone', async () => {
  const source = sourceOf(
    'ramps',
    1,
    [0, 10, 20, 30, 40].map((first) => ramp([9, 5], first)),
  );
  const options = { ...drawing, shape: [3, 2], crops: true, flips: [0, 1] };
  const straight = new BatchDrawer(source, options);
  const want: number[][] = [];
  for (let step = 0; step < 6; step++) want.push([...(await straight.draw(step)).targets]);
  const resumed = new BatchDrawer(source, options);
  for (const step of [4, 5, 1]) expect([...(await resumed.draw(step)).targets]).toEqual(want[step]);
  const other = new BatchDrawer(source, { ...options, seed: 8 });
  expect([...(await other.draw(0)).targets]).not.toEqual(want[0]);
});

test('every signal is drawn once an epoch, in another order each', async () => {
  const source = sourceOf(
    'ramps',
    1,
    Array.from({ length: 7 }, (_, i) => ramp([4], 100 * i)),
  );
  const drawer = new BatchDrawer(source, drawing);
  const seen: number[] = [];
  for (let step = 0; step < 7; step++) {
    const { targets } = await drawer.draw(step);
    for (let s = 0; s < 3; s++) seen.push(targets[4 * s]! / 100);
  }
  for (let e = 0; e < 3; e++) expect(seen.slice(7 * e, 7 * e + 7).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(seen.slice(0, 7)).not.toEqual(seen.slice(7, 14));
});

test('crops lie within the signal, and smaller signals are padded with points that do not count', async () => {
  const source = sourceOf('mixed', 1, [ramp([2, 6], 1)]);
  const drawer = new BatchDrawer(source, { ...drawing, shape: [3, 4], count: 1, crops: true });
  const starts = new Set<number>();
  for (let step = 0; step < 40; step++) {
    const { targets, weights } = await drawer.draw(step);
    const first = targets[0]!;
    starts.add(first);
    expect([...targets]).toEqual([0, 1, 2, 3, 6, 7, 8, 9].map((i) => first + i).concat([0, 0, 0, 0]));
    expect([...weights!]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
  }
  expect([...starts].sort()).toEqual([1, 2, 3]);
});

test('without crops another shape is refused, naming both', async () => {
  const drawer = new BatchDrawer(sourceOf('ramps', 1, [ramp([5])]), drawing);
  await expect(drawer.draw(0)).rejects.toThrow(/signal 0 of ramps has shape \[5\].*\[4\]/);
});

test('a source without signals is refused', () => {
  expect(() => new BatchDrawer(sourceOf('none', 1, []), drawing)).toThrow(/holds no signals/);
});

test('mirroring reverses one axis and keeps channels in order', () => {
  const values = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  mirror(values, [2, 3], 1, 2);
  expect([...values]).toEqual([5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8]);
  mirror(values, [2, 3], 0, 2);
  expect([...values]).toEqual([11, 12, 9, 10, 7, 8, 5, 6, 3, 4, 1, 2]);
});

test('a crop of three axes is the box of the array', () => {
  const whole = Float32Array.from({ length: 3 * 4 * 5 }, (_, i) => i);
  const target = new Float32Array(2 * 2 * 3);
  copyBox(whole, [3, 4, 5], 1, { start: [1, 2, 1], count: [2, 2, 3] }, target);
  expect([...target]).toEqual([31, 32, 33, 36, 37, 38, 51, 52, 53, 56, 57, 58]);
});
