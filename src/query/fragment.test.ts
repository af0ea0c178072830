/** The best place of a fragment, against a search that looks at every place by itself. */
import { expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { pointCount, unravel } from '../field/spec.ts';
import { type Fragment, type FragmentMetric, FragmentSearch } from './fragment.ts';

const turn = () => Promise.resolve();

function cardOf(axes: number, outputs: number) {
  const output = { name: 'v', offset: 3, scale: 2, low: 0, peak: 1, sample: 'float32' as const };
  return {
    spec: { axes, outputs } as never,
    outputs: Array.from({ length: outputs }, () => output),
  };
}

function noise(shape: readonly number[], outputs: number, seed: number): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length: pointCount(shape) * outputs }, () => rng.normal());
}

/** Values of a fragment that lies in a signal, around a circle of its last axis too. */
function lyingAt(
  signal: Float32Array,
  whole: readonly number[],
  start: readonly number[],
  shape: readonly number[],
  outputs: number,
): Float32Array {
  return Float32Array.from({ length: pointCount(shape) * outputs }, (_, i) => {
    const at = unravel(shape, Math.floor(i / outputs)).map((x, axis) => (x + start[axis]!) % whole[axis]!);
    return signal[at.reduce((index, x, axis) => index * whole[axis]! + x, 0) * outputs + (i % outputs)]!;
  });
}

function distanceOf(metric: FragmentMetric, a: readonly number[], b: readonly number[]): number {
  const n = a.length;
  if (metric === 'values') return 2 * Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / n);
  const mean = (x: readonly number[]) => x.reduce((sum, v) => sum + v, 0) / n;
  const [ma, mb] = [mean(a), mean(b)];
  const sum = (f: (i: number) => number) => a.reduce((total, _, i) => total + f(i), 0);
  const both = sum((i) => (a[i]! - ma) * (b[i]! - mb));
  return 1 - both / Math.sqrt(sum((i) => (a[i]! - ma) ** 2) * sum((i) => (b[i]! - mb) ** 2));
}

it.each([
  ['one axis', [400], [37], 1, false],
  ['as long as the signal', [64], [64], 1, false],
  ['two outputs', [300], [21], 2, false],
  ['two axes', [30, 41], [7, 11], 1, false],
  ['two axes, three outputs', [19, 23], [5, 4], 3, false],
  ['a circle', [12, 36], [5, 9], 1, true],
  ['a whole circle', [12, 36], [5, 36], 1, true],
  ['three axes', [9, 10, 11], [3, 10, 4], 1, false],
] as const)('is the best of all: %s', async (_, whole, shape, outputs, wraps) => {
  const signal = noise(whole, outputs, 5);
  const values = noise(shape, outputs, 6);
  // Some samples are not known.
  const samples = Array.from({ length: pointCount(shape) }, (_, p) => p).filter((p) => p % 5 !== 3);
  const known = (all: Float32Array) =>
    samples.flatMap((p) => [...all.subarray(p * outputs, (p + 1) * outputs)]);
  const sampled = { points: samples.length, of: samples.length };
  const fragment: Fragment = { shape, samples, values: Float32Array.from(known(values)), sampled };
  for (const metric of ['values', 'correlation'] as const) {
    let best = { distance: Infinity, start: [] as number[] };
    for (let p = 0; p < pointCount(whole); p++) {
      const start = unravel(whole, p);
      const isCircle = (axis: number) => wraps && axis === whole.length - 1;
      if (start.some((x, axis) => !isCircle(axis) && x + shape[axis]! > whole[axis]!)) continue;
      const there = known(lyingAt(signal, whole, start, shape, outputs));
      const distance = distanceOf(metric, there, [...fragment.values]);
      if (distance < best.distance) best = { distance, start };
    }
    const search = new FragmentSearch(cardOf(whole.length, outputs), fragment, metric);
    const found = await search.placeIn({ shape: whole, isRound: wraps }, signal, turn);
    expect(found?.start).toEqual(best.start);
    expect(found?.distance).toBeCloseTo(best.distance, 10);
  }
});

it('finds what lies across the ends of a circle, louder and on another level', async () => {
  const whole = [10, 24];
  const signal = noise(whole, 1, 8);
  const shape = [4, 6];
  const values = lyingAt(signal, whole, [3, 21], shape, 1).map((v) => 100 + 0.1 * v);
  const samples = Array.from({ length: 24 }, (_, p) => p);
  const fragment = { shape, samples, values, sampled: { points: 24, of: 24 } };
  const found = await new FragmentSearch(cardOf(2, 1), fragment, 'correlation').placeIn(
    { shape: whole, isRound: true },
    signal,
    turn,
  );
  expect(found?.start).toEqual([3, 21]);
  expect(found?.distance).toBeLessThan(1e-9);
});

it('takes the first of places that are equally good, and silence for nothing alike', async () => {
  const signal = new Float32Array(20_000);
  const tone = Float32Array.from({ length: 50 }, (_, i) => Math.sin(i));
  for (const at of [9000, 15_000]) signal.set(tone, at);
  const samples = Array.from({ length: 50 }, (_, p) => p);
  const fragment = { shape: [50], samples, values: tone, sampled: { points: 50, of: 50 } };
  for (const metric of ['values', 'correlation'] as const) {
    const search = new FragmentSearch(cardOf(1, 1), fragment, metric);
    expect(search.isConstant).toBe(false);
    expect((await search.placeIn({ shape: [20_000], isRound: false }, signal, turn))?.start).toEqual([9000]);
    const silent = await search.placeIn({ shape: [300], isRound: false }, new Float32Array(300), turn);
    expect(silent?.start).toEqual([0]);
    if (metric === 'correlation') expect(silent?.distance).toBe(1);
  }
  const flat = { ...fragment, values: new Float32Array(50).fill(0.3) };
  expect(new FragmentSearch(cardOf(1, 1), flat, 'correlation').isConstant).toBe(true);
});

it.each([
  ['of one value', () => 0.25],
  ['so quiet that all others drown it', (i: number) => 1e-5 * Math.sin(i)],
  ['loud', (i: number) => 4 * Math.sin(i)],
  ['of large numbers', (i: number) => 1e12 + 1e9 * Math.sin(i)],
  ['of small numbers', (i: number) => 1e-20 * (2 + Math.sin(i))],
] as const)('is found at the first place that is the very same: %s', async (what, valueAt) => {
  const values = Float32Array.from({ length: 64 }, (_, i) => valueAt(i));
  const size = what.startsWith('of ') ? Math.abs(values[3]!) : 1;
  for (const whole of [[3000], [200_000]] as const) {
    const signal = noise(whole, 1, 4).map((v) => size * v);
    for (const at of [700, 901, 2500]) signal.set(values, at);
    const samples = Array.from({ length: 64 }, (_, p) => p);
    const fragment = { shape: [64], samples, values, sampled: { points: 64, of: 64 } };
    for (const metric of ['values', 'correlation'] as const) {
      const search = new FragmentSearch(cardOf(1, 1), fragment, metric);
      if (metric === 'correlation' && search.isConstant) continue;
      const found = await search.placeIn({ shape: whole, isRound: false }, signal, turn);
      expect(found).toMatchObject({ start: [700], distance: expect.closeTo(0, 12) });
    }
  }
});

it('is found in a picture at the first place of one colour', async () => {
  const whole = [60, 80];
  const signal = noise(whole, 1, 4).fill(0.5, 100, 2000);
  const samples = Array.from({ length: 12 }, (_, p) => p);
  const values = new Float32Array(12).fill(0.5);
  const fragment = { shape: [3, 4], samples, values, sampled: { points: 12, of: 12 } };
  const search = new FragmentSearch(cardOf(2, 1), fragment, 'values');
  expect(await search.placeIn({ shape: whole, isRound: false }, signal, turn)).toEqual({
    ...{ start: [1, 20], distance: 0 },
  });
});

it('says which signals are too small, and nothing of values that are not finite', async () => {
  const fragment = {
    shape: [4, 4],
    samples: [0],
    values: Float32Array.of(1),
    sampled: { points: 1, of: 16 },
  };
  const search = new FragmentSearch(cardOf(2, 1), fragment, 'values');
  expect(
    [
      [4, 4],
      [9, 3],
      [3, 9],
      [40, 50],
    ].map((shape) => search.fits(shape)),
  ).toEqual([true, false, false, true]);
  expect(
    await search.placeIn({ shape: [4, 4], isRound: false }, new Float32Array(16).fill(Number.NaN), turn),
  ).toBeUndefined();
});
