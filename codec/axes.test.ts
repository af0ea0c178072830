import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fromHex, hex } from '../src/core/bytes.ts';
import { BadStreamError, FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { gaussianLatitudes } from '../src/field/gaussian.ts';
import type { Axis } from '../src/field/outputs.ts';
import { rounds } from '../test/rounds.ts';
import { decodeAxes, encodeAxes } from './axes.ts';

/** As the card of the model of maps has them. */
const told: Axis[] = [{ name: 'latitude' }, { name: 'longitude', wraps: true }];
const shape = [64, 128];
const global: Axis[] = [
  { name: 'lat', unit: 'degrees_north', start: 87.8638, step: -2.7893, weight: 'cosine' },
  { name: 'lon', unit: 'degrees_east', start: 0, step: 2.8125, wraps: true },
];

function readBack(axes: readonly Axis[], own = told, sizes = shape): Axis[] {
  return decodeAxes(encodeAxes(axes, own, sizes)!, own, sizes);
}

it('axes are read as they were written, those of a map in some twenty bytes', () => {
  expect(readBack(global)).toEqual(global);
  expect(encodeAxes(global, told, shape)).toHaveLength(20);
});

it.each<[Axis[], number[], string]>([
  [global, shape, '4f010f04dca06b04e9b3032f0210000004bab703'],
  [
    [
      { name: 'lev', unit: 'K', at: [1000, 850, 500] },
      { name: 'lat', unit: 'degrees_north', at: gaussianLatitudes(2), weight: 'cosine' },
    ],
    [3, 2],
    '130700014b00d00ffb118f0357010f00',
  ],
])('axes are these bytes for good', (axes, sizes, bytes) => {
  expect(hex(encodeAxes(axes, told, sizes)!)).toBe(bytes);
  expect(decodeAxes(fromHex(bytes), told, sizes)).toEqual(axes);
});

it('nothing is written where the model says the same', () => {
  expect(encodeAxes(told, told, shape)).toBeUndefined();
  expect(encodeAxes([{ name: 'latitude', wraps: false }, told[1]!], told, shape)).toBeUndefined();
  expect(encodeAxes([told[0]!], told, shape)).toBeUndefined();
});

it('what an axis has, and what it lacks that its model has, is kept', () => {
  const time = { name: 't', unit: 's', start: 0, step: 0.000125 };
  for (const axis of [
    { name: 't' },
    { name: 't', unit: 's' },
    { name: 't', step: 0.000125 },
    { name: 't', unit: 'seconds since 1850-01-01', start: 1e12 + 0.25, step: 1 },
    { name: 'température', start: -1.5, step: 0.3 },
    { name: 't', unit: 's', at: [0, 1, 4, 9, 16.5] },
    { name: 't', unit: 's', at: [0, 0.125, 0.1875, 9, 1e300] },
    { name: 't', unit: 's', at: [5, 5, 7, -9, 0].map((v) => v + 2 ** -20) },
  ])
    expect(readBack([axis], [time], [5])).toEqual([axis]);
});

it('places are kept to 2^-16 of a step, and lose the noise of numbers of 32 bits', () => {
  const single = { name: 'lat', unit: 'degrees_north', start: Math.fround(-179.95), step: Math.fround(0.1) };
  expect(readBack([single, told[1]!])[0]).toEqual({ ...single, start: -179.95, step: 0.1 });
  const third = readBack([{ name: 'lat', start: 1 / 3, step: 1 / 7 }, told[1]!])[0]!;
  expect(Math.abs(third.start! - 1 / 3)).toBeLessThan(2 ** -16 / 7);
  expect(Math.abs(third.step! - 1 / 7)).toBeLessThan(2 ** -16 / 7 / 64);
  const uneven = [68.823097, 41.392173, 13.805058, -13.8051].map(Math.fround);
  expect(readBack([{ name: 'lat', at: uneven }, told[1]!], told, [4, 128])[0]!.at).toEqual([
    68.823, 41.392, 13.805, -13.805,
  ]);
});

it('a cube takes its step and its start once', () => {
  const side = { start: -1.234, step: 0.0797 };
  const cube = ['z', 'y', 'x'].map((name) => ({ name, ...side }));
  const own = cube.map(({ name }) => ({ name }));
  expect(readBack(cube, own, [32, 32, 32])).toEqual(cube);
  expect(encodeAxes(cube, own, [32, 32, 32])!.length).toBeLessThan(14);
});

it('latitudes of a Gaussian grid take two bytes, from either side', () => {
  // Of 8 rows: arcsines of the roots of the Legendre polynomial of degree 8, rounded as files have them.
  const north = [73.7992, 52.8129, 31.7041, 10.5699];
  const at = [...north, ...north.map((v) => -v).reverse()];
  for (const own of [at, [...at].reverse()]) {
    const axes = [{ ...global[0]!, start: undefined, step: undefined, at: own }, global[1]!];
    const found = decodeAxes(encodeAxes(axes, told, [8, 128])!, told, [8, 128])[0]!;
    found.at!.forEach((v, i) => void expect(v).toBeCloseTo(own[i]!, 4));
    expect(encodeAxes(axes, told, [8, 128])).toHaveLength(13);
  }
  const bytes = encodeAxes([{ name: 'latitude', at }, told[1]!], told, [8, 128])!;
  expect(() => decodeAxes(bytes, told, [4096, 128])).toThrow('1024 rows');
});

it('uneven latitudes take about a byte each', () => {
  const at = Array.from({ length: 64 }, (_, i) =>
    Number((87.8638 - 2.789 * i + 0.002 * Math.sin(i)).toFixed(3)),
  );
  const axes = [{ ...told[0]!, at }, told[1]!];
  expect(readBack(axes)).toEqual(axes);
  expect(encodeAxes(axes, told, shape)!.length).toBeLessThan(80);
});

it('words of one byte are those of FORMAT.md, in its order', () => {
  const text = readFileSync(new URL('./FORMAT.md', import.meta.url), 'utf8');
  const words = /```words\n(.*)\n```/.exec(text)![1]!.split(' ');
  for (const [i, name] of words.entries())
    expect([...encodeAxes([{ name }], [{ name: '?' }], [1])!]).toEqual([1, i + 1]);
  expect(encodeAxes([{ name: 'air' }], [{ name: '?' }], [1])).toHaveLength(6);
});

it('names that are too long, and more places than a section holds, are not written', () => {
  expect(encodeAxes([{ name: 'a'.repeat(129) }, told[1]!], told, shape)).toBeUndefined();
  expect(encodeAxes([{ name: 'a\n' }, told[1]!], told, shape)).toBeUndefined();
  const at = Array.from({ length: 2000 }, (_, i) => Math.exp(i / 100));
  expect(encodeAxes([{ name: 'lat', at }, told[1]!], told, shape)).toBeUndefined();
});

it('any bytes give axes with finite places or a tagged error; no more places than there are bytes', () => {
  const rng = new Rng(7);
  const lists = [{ name: 'lat', at: [3, 1, 0.5, 0.1] }, global[1]!];
  for (let n = 0; n < rounds(2000, 500_000); n++) {
    const bytes = encodeAxes(rng.below(2) === 0 ? global : lists, told, [4, 128])!;
    const changed = bytes.slice(0, bytes.length - rng.below(3));
    for (let k = rng.below(4); k >= 0; k--) changed[rng.below(changed.length)] = rng.below(256);
    try {
      for (const { name, start = 0, step = 1, at = [] } of decodeAxes(changed, told, [4, 128])) {
        expect(name).not.toBe('');
        expect([start, step, ...at].every(Number.isFinite) && step !== 0).toBe(true);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(FunctaError);
    }
  }
  expect(() => decodeAxes(encodeAxes(lists, told, shape)!, told, [1e12, 128])).toThrow(BadStreamError);
});
