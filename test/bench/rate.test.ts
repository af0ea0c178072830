import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Curve } from '../../bench/rate/curve.ts';
import { qualityFor } from '../../bench/rate/equal-bytes.ts';
import { readOptions } from '../../bench/rate/options.ts';
import { plotPng, plotSvg } from '../../bench/rate/plot.ts';
import { type RateResult, toJson } from '../../bench/rate/result.ts';
import { runRate } from '../../bench/rate/run.ts';
import { readSetting, withoutDirectory } from '../../bench/rate/setting.ts';
import { report } from '../../bench/rate/table.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/index.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';

let directory: string;
let engine: Engine;
let result: RateResult;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'functa-rate-'));
  engine = await openEngine(undefined, { threads: 1 });
  const model = join(directory, 'tiny.safetensors');
  await writeFile(model, await makeTinyModel(engine));
  const args = [
    ...['--data', 'fixture-fashion', '--split', 'train', '--limit', '5', '--model', model, '--effort', '2'],
    ...['--qualities', '20,35,50', '--peers', 'webp', '--range', '10..30', '--preset', 'coin', '--no-cache'],
    '--equal-bytes',
    ...['--coin-limit', '2', '--coin-steps', '2', '--pca-training', '24', '--pca-axes', '6'],
  ];
  const found = await runRate(readOptions(args), engine, () => undefined);
  result = { ...found, ...readSetting('bench:rate', args) };
}, 120_000);

afterAll(async () => {
  await engine.close();
  await rm(directory, { recursive: true, force: true });
});

function curve(name: string): Curve {
  return result.curves.find((found) => found.name === name)!;
}

test('ours comes first, then the baselines, then formats as files and without their container', () => {
  expect(result.curves.map(({ name, form }) => `${name}: ${form}`)).toEqual([
    'functa: archive',
    'functa, files: file',
    'functa, histogram: archive',
    'functa, equal bytes: file',
    'PCA: archive',
    'COIN: weights',
    'WebP: file',
    'WebP, payload: payload',
  ]);
  expect(result.n).toBe(5);
});

test('with equal bytes the files of a point differ less than at one quality, and are as large on the whole', () => {
  const equal = curve('functa, equal bytes').points;
  const files = curve('functa, files').points;
  expect(equal).toHaveLength(files.length);
  const spread = ({ items }: (typeof equal)[number]) => {
    const all = Array.from(items!.bitsPerPixel, Math.log);
    return Math.max(...all) - Math.min(...all);
  };
  equal.forEach((point, k) => {
    expect(spread(point)).toBeLessThan(spread(files[k]!));
    expect(point.bitsPerPixel / files[k]!.bitsPerPixel).toBeCloseTo(1, 0);
  });
});

test('the quality for so many bytes lies on the line of ln(bytes), and beyond its ends', () => {
  const files = [
    { quality: 40, bytes: [100] },
    { quality: 50, bytes: [200] },
    { quality: 60, bytes: [800] },
  ];
  const asked = [50, 100, 141, 200, 400, 800, 3200, 1e9].map((bytes) => qualityFor(files, 0, bytes));
  expect(asked).toEqual([30, 40, 45, 50, 55, 60, 70, 100]);
});

test('rate and PSNR of our curve rise with quality, and archives take fewer bits than single files', () => {
  const [low, middle, high] = curve('functa').points;
  expect(low!.bitsPerPixel).toBeLessThan(middle!.bitsPerPixel);
  expect(middle!.bitsPerPixel).toBeLessThan(high!.bitsPerPixel);
  expect(low!.psnrDb).toBeLessThan(high!.psnrDb);
  for (const point of curve('functa').points) {
    expect(point.bitsPerPixel).toBe(point.archiveBitsPerPixel);
    expect(point.archiveBitsPerPixel!).toBeLessThan(point.fileBitsPerPixel!);
    expect(point.payloadBitsPerPixel!).toBeLessThan(point.archiveBitsPerPixel!);
    expect(point.encodeMs!).toBeGreaterThan(0);
    expect(point.psnrDbOfMeanMse!).toBeLessThanOrEqual(point.psnrDb);
  }
});

test('baselines of the same program code the same symbols: rates differ, PSNR does not', () => {
  const own = curve('functa').points;
  curve('functa, histogram').points.forEach((point, i) => {
    expect(point.psnrDb).toBe(own[i]!.psnrDb);
    expect(point.bitsPerPixel).not.toBe(own[i]!.bitsPerPixel);
  });
});

test('a payload is its file less the container, on points that no other beats', () => {
  const { points } = curve('WebP');
  expect(points.length).toBeGreaterThan(1);
  points.slice(1).forEach((point, i) => {
    expect(point.bitsPerPixel).toBeGreaterThan(points[i]!.bitsPerPixel);
    expect(point.psnrDb).toBeGreaterThan(points[i]!.psnrDb);
  });
  for (const point of curve('WebP, payload').points) {
    expect(point.bitsPerPixel).toBe(point.payloadBitsPerPixel);
    expect(point.payloadBitsPerPixel!).toBeLessThan(point.fileBitsPerPixel!);
  }
});

test('COIN takes 16 bits a weight', () => {
  const [first] = curve('COIN').points;
  const weights = 2 * 12 + 12 + (12 * 12 + 12) + 12 + 1;
  expect(first!.bitsPerPixel).toBeCloseTo((16 * weights) / 28 ** 2, 12);
  expect(curve('COIN').n).toBe(2);
});

test('the JSON has the promised members, and no figures of single pictures', () => {
  const json = JSON.parse(toJson(result));
  expect(json).toMatchObject({ dataset: 'fixture-fashion', n: 5, effort: 2, model: 'tiny' });
  expect(json.commit).toMatch(/^([0-9a-f]{12}\+?|unknown)$/);
  expect(json.curves[0].points[0]).toMatchObject({ setting: 'quality 20', n: 5 });
  for (const key of ['bitsPerPixel', 'psnrDb', 'encodeMs', 'decodeMs', 'fileBitsPerPixel']) {
    expect(json.curves[0].points[0][key]).toBeTypeOf('number');
  }
  expect(json.curves[0].points[0].items).toBeUndefined();
  expect(json.bdRate['functa, histogram']).toBeTypeOf('number');
  expect(json.bdRate['functa, files']).toBeLessThan(0);
});

test('the table says of every curve that meets ours whether we take fewer bits or more', () => {
  const text = report(result).join('\n');
  for (const { against } of result.comparisons) expect(text).toContain(against);
  const worse = { ...result, comparisons: [{ ...result.comparisons[0]!, linear: 12.3, against: 'A rival' }] };
  expect(report(worse).find((line) => line.startsWith('A rival'))).toMatch(
    /\+12\.3 %.*LOSS: we take more bits/,
  );
  const partly = { ...worse.comparisons[0]!, linear: -5, lossesDb: [26] };
  expect(report({ ...result, comparisons: [partly] }).join('\n')).toContain('LOSS at 26 dB');
});

test('the plot names every curve in sight, and is a picture', async () => {
  const svg = plotSvg(result.curves, {
    title: 'a title',
    subtitle: 'below it',
    range: { fromDb: 5, toDb: 30 },
  });
  expect(svg).toMatch(/^<svg /);
  for (const { name } of result.curves) expect(svg).toContain(`>${name}</text>`);
  const png = await plotPng(svg);
  expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
}, 60_000);

test('where pictures lie is not written down', () => {
  expect(withoutDirectory('kodak:/home/me/kodak')).toBe('kodak:DIRECTORY');
  expect(withoutDirectory('cifar10')).toBe('cifar10');
});

test.each([
  [['--data', 'cifar10', '--peers', 'gif'], /--peers is one of jpeg, webp, avif/],
  [['--data', 'cifar10', '--range', '34..24'], /FROM\.\.TO/],
  [['--data', 'cifar10', '--limit', 'many'], /--limit is a whole number/],
  [['--nothing'], /--nothing/],
  [[], /--data NAME/],
])('options that do not fit are named: %j', (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
