import { expect, test } from 'vitest';
import { allSamples, drawn, RegionSamples } from './sampling.ts';

test('all samples are looked at, unless fewer are asked for', () => {
  expect(drawn([3, 1, 2], undefined)).toEqual([3, 1, 2]);
  expect(drawn([3, 1, 2], 3)).toEqual([3, 1, 2]);
  const samples = new RegionSamples([64, 64], undefined, undefined);
  expect(samples.sampledOf([64, 64])).toEqual({ points: 4096, of: 4096 });
  expect(samples.sampledOf([8, 4])).toEqual({ points: 32, of: 32 });
});

test('a draw is the same every time, has as many as asked, and favours no column and no row', () => {
  const all = allSamples([64, 64]);
  const some = drawn(all, 512);
  expect(some).toEqual(drawn(all, 512));
  expect(some).toHaveLength(512);
  for (const of of [(p: number) => p % 64, (p: number) => Math.floor(p / 64)]) {
    const counts = new Array<number>(64).fill(0);
    for (const p of some) counts[of(p)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts)).toBeLessThan(25);
  }
});

test('over many lengths every sample is as likely as any other', () => {
  // The draw of n of m is fixed; over m its places in a run are spread evenly.
  const places: number[] = [];
  for (let m = 100; m < 1100; m++)
    for (const [i, p] of drawn(allSamples([m]), 10).entries()) places.push((p + 0.5) / (m / 10) - i);
  const mean = places.reduce((sum, x) => sum + x, 0) / places.length;
  expect(mean).toBeGreaterThan(0.35);
  expect(mean).toBeLessThan(0.65);
});

test('a region stands for the same part of signals of other shapes, and for one sample at least', () => {
  const samples = new RegionSamples([28, 28], { start: [14, 0], count: [14, 28] }, undefined);
  const rows = (shape: number[]) => {
    const points = samples.pointsOf(shape, 1);
    if (points.kind !== 'list') throw new Error('a list of points');
    return [...new Set(points.coordinates.filter((_, i) => i % 2 === 0))];
  };
  expect(rows([28, 28])).toEqual(Array.from({ length: 14 }, (_, i) => 14.5 + i));
  expect(rows([4, 4])).toEqual([2.5, 3.5]);
  expect(rows([1, 1])).toEqual([0.5]);
  const corner = new RegionSamples([64, 64], { start: [0, 0], count: [1, 1] }, undefined);
  expect(corner.sampledOf([8, 8])).toEqual({ points: 1, of: 1 });
});

test('what cannot be held is refused with what to do', () => {
  const samples = new RegionSamples([8192, 8192], undefined, undefined);
  expect(() => samples.pointsOf([8192, 8192], 3)).toThrow(/points/);
  const fewer = new RegionSamples([8192, 8192], { start: [0, 0], count: [64, 64] }, 100);
  expect(fewer.sampledOf([8192, 8192])).toEqual({ points: 100, of: 4096 });
});

test('a region outside is refused', () => {
  expect(() => new RegionSamples([8, 8], { start: [7, 0], count: [2, 8] }, undefined)).toThrow(
    expect.objectContaining({ code: 'bad-region' }),
  );
});
