import { expect, test } from 'vitest';
import { rateAt, rateDifference } from '../../bench/rate/bd.ts';
import { front } from '../../bench/rate/curve.ts';
import { publishedCurves } from '../../bench/rate/published.ts';

const everywhere = { fromDb: -1000, toDb: 1000 };

function points(...pairs: readonly (readonly [bitsPerPixel: number, psnrDb: number])[]) {
  return pairs.map(([bitsPerPixel, psnrDb]) => ({ setting: '', bitsPerPixel, psnrDb }));
}

function published(dataset: string, name: string) {
  return publishedCurves(dataset).find((curve) => curve.name === `${name}, published`)!.points;
}

test.each([
  ['cifar10', 'RECOMBINER', 'COIN++', -38],
  ['cifar10', 'BPG', 'COIN++', -34],
  ['cifar10', 'BMS', 'COIN++', -39],
  ['cifar10', 'CST', 'COIN++', -46],
  ['cifar10', 'COIN', 'COIN++', 221],
  ['cifar10', 'JPEG2000', 'COIN++', 111],
  ['cifar10', 'JPEG', 'COIN++', 278],
  ['cifar10', 'RECOMBINER', 'BPG', -1],
  ['kodak', 'MSCN', 'COIN++', -64],
  ['kodak', 'RECOMBINER', 'COIN++', -74],
  ['kodak', 'VC-INR', 'COIN++', -79],
  ['kodak', 'C3', 'COIN++', -78],
  ['kodak', 'VTM', 'COIN++', -83],
  ['kodak', 'MSCN', 'VTM', 116],
])(
  'published curves of %s: %s takes %s by %d per cent, as the literature was compared before',
  (dataset, a, b, percent) => {
    const found = rateDifference(published(dataset, a), published(dataset, b), everywhere, 'linear')!;
    expect(Math.round(found.percent)).toBe(percent);
  },
);

test.each(['linear', 'cubic'] as const)(
  '%s: half the bits at every PSNR are 50 per cent fewer',
  (interpolation) => {
    const theirs = points([1, 24], [2, 28], [3.5, 30], [5, 34]);
    const ours = theirs.map((point) => ({ ...point, bitsPerPixel: point.bitsPerPixel / 2 }));
    const found = rateDifference(ours, theirs, { fromDb: 26, toDb: 40 }, interpolation)!;
    expect(found.percent).toBeCloseTo(-50, 10);
    expect([found.fromDb, found.toDb]).toEqual([26, 34]);
  },
);

test('a loss is a positive number of per cent, and swapping the curves inverts the ratio', () => {
  const a = points([1, 24], [2, 28], [5, 34]);
  const b = points([0.9, 25], [2.5, 31], [4, 35]);
  const ab = rateDifference(a, b, everywhere, 'cubic')!.percent;
  const ba = rateDifference(b, a, everywhere, 'cubic')!.percent;
  expect(ab).toBeGreaterThan(0);
  expect((1 + ab / 100) * (1 + ba / 100)).toBeCloseTo(1, 10);
});

test('the cubic passes through its points and its integral is that of fine steps', () => {
  const a = points([0.3, 23], [0.8, 26], [1, 26.5], [2.2, 31], [5, 34]);
  const one = points([1, 0], [1.0000000001, 100]);
  const whole = rateDifference(a, one, { fromDb: 23, toDb: 34 }, 'cubic')!;
  let sum = 0;
  const pieces = 110;
  for (let i = 0; i < pieces; i++) {
    const fromDb = 23 + (11 * i) / pieces;
    const part = rateDifference(a, one, { fromDb, toDb: fromDb + 11 / pieces }, 'cubic')!;
    sum += Math.log(1 + part.percent / 100) / pieces;
  }
  expect(100 * (Math.exp(sum) - 1)).toBeCloseTo(whole.percent, 8);
  for (const { bitsPerPixel, psnrDb } of a) expect(rateAt(a, psnrDb)).toBeCloseTo(bitsPerPixel, 10);
});

test('curves that do not meet, or meet in a point alone, are not compared', () => {
  const low = points([1, 20], [2, 25]);
  expect(rateDifference(low, points([1, 26], [2, 30]), everywhere, 'linear')).toBeNull();
  expect(rateDifference(low, points([1, 25], [2, 30]), everywhere, 'cubic')).toBeNull();
  expect(rateDifference(low, points([1, 22]), everywhere, 'linear')).toBeNull();
  expect(rateAt(low, 26)).toBeNull();
});

test('of several variants the best counts at every rate', () => {
  const kept = front(points([2, 30], [1, 25], [1.5, 24], [3, 29], [4, 33], [4, 34]));
  expect(kept.map(({ bitsPerPixel, psnrDb }) => [bitsPerPixel, psnrDb])).toEqual([
    [1, 25],
    [2, 30],
    [4, 34],
  ]);
});
