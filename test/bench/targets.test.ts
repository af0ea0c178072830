import { expect, test } from 'vitest';
import type { Comparison } from '../../bench/rate/comparison.ts';
import type { Curve, Point } from '../../bench/rate/curve.ts';
import { spans, steps, targetsOf } from '../../bench/rate/targets.ts';

const range = { fromDb: 24, toDb: 34 };

function curve(name: string, ...points: readonly (readonly [bitsPerPixel: number, psnrDb: number])[]): Curve {
  const at = ([bitsPerPixel, psnrDb]: readonly [number, number]): Point => ({
    setting: '',
    bitsPerPixel,
    psnrDb,
    encodeMs: 4,
    decodeMs: 1,
  });
  return { name, kind: 'peer', form: 'file', source: '', points: points.map(at) };
}

function against(name: string, linear: number): Comparison {
  return { against: name, linear, cubic: linear, error: 1, fromDb: 24, toDb: 34, lossesDb: [] };
}

const ours = curve('functa', [0.5, 23], [3, 35]);

function targets(
  dataset: string,
  effort: number,
  curves: readonly Curve[],
  comparisons: readonly Comparison[] = [],
) {
  const found = targetsOf({ dataset, effort, curves: [ours, ...curves], comparisons, range });
  return (what: string) => found.find((target) => target.what.includes(what));
}

test('a difference is held against what must be and what is aimed at', () => {
  const at = (linear: number) => targets('cifar10', 5, [], [against('COIN++, published', linear)])('COIN++')!;
  expect([at(-60).met, at(-60).aimMet]).toEqual([true, true]);
  expect([at(-40).met, at(-40).aimMet]).toEqual([true, false]);
  expect([at(-37.9).met, at(-37.9).aimMet]).toEqual([false, false]);
  expect(targets('cifar10', 5, [])('COIN++')).toMatchObject({ met: null, got: 'not measured' });
});

test('everywhere is everywhere: one crossing fails, and so does a range that we do not reach', () => {
  const at = (other: Curve) => targets('cifar10', 5, [other])('WebP everywhere')!;
  expect(at(curve('WebP', [1, 23], [4, 35])).met).toBe(true);
  expect(at(curve('WebP', [0.4, 23], [4, 35]))).toMatchObject({ met: false, got: 'not at 24 to 28 dB' });
  const short = curve('functa', [0.5, 23], [1, 30]);
  const found = targetsOf({
    dataset: 'cifar10',
    effort: 5,
    curves: [short, curve('WebP', [1, 23], [4, 35])],
    comparisons: [],
    range,
  }).find(({ what }) => what.includes('WebP everywhere'))!;
  expect(found).toMatchObject({ met: false, got: 'not at 30.5 to 34 dB' });
});

test('a format that starts above the range takes at least the bits of its lowest setting', () => {
  const high = targets('cifar10', 5, [curve('WebP', [1.5, 29], [4, 35])])('WebP everywhere')!;
  expect(high.met).toBe(true);
  const cheap = targets('cifar10', 5, [curve('WebP', [0.7, 29], [4, 35])])('WebP everywhere')!;
  expect(cheap.met).toBe(false);
});

test('effort 1 has its own targets', () => {
  const found = targets('cifar10', 1, [curve('COIN++, published', [0.6, 23], [5, 35])]);
  expect(found('COIN++, published everywhere')).toMatchObject({ met: true });
  expect(found('encoding a picture')).toMatchObject({ must: '5 ms', met: true });
  expect(found('BD-rate against COIN++')).toBeUndefined();
});

test('Kodak is held against JPEG between two rates', () => {
  const jpeg = curve('JPEG', [0.05, 20], [0.6, 23], [3.5, 35], [9, 45]);
  expect(targets('kodak:DIRECTORY', 5, [jpeg])('JPEG')).toMatchObject({ met: false });
  const dear = curve('JPEG', [0.95, 23], [9, 45]);
  expect(targets('kodak:DIRECTORY', 5, [dear])('JPEG')).toMatchObject({ met: true });
});

test('runs of decibels are written short', () => {
  expect(spans(steps(24, 25.5))).toBe('24 to 25.5');
  expect(spans([24, 26, 26.5])).toBe('24, 26 to 26.5');
});
