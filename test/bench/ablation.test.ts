import { afterAll, beforeAll, expect, test } from 'vitest';
import { ablationReport, toRows } from '../../bench/rate/ablation.ts';
import { ablationRows } from '../../bench/rate/ablation-rows.ts';
import type { Curve } from '../../bench/rate/curve.ts';
import { readPictures } from '../../bench/rate/pictures.ts';
import { readSetting } from '../../bench/rate/setting.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/index.ts';
import { readModel } from '../../src/field/model.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';

let engine: Engine;
const curves: Curve[] = [];

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  const model = readModel(await makeTinyModel(engine));
  const pictures = await readPictures({ dataset: 'fixture-fashion', split: 'train', limit: 6 });
  const { signals: training } = await readPictures({ dataset: 'fixture-fashion', split: 'train' });
  const rows = ablationRows({
    model,
    engine,
    pictures,
    training,
    qualities: [20, 35, 50],
    efforts: [2],
    priorSteps: 0,
    say: () => undefined,
  });
  for await (const curve of rows) curves.push(curve);
}, 120_000);

afterAll(() => engine.close());

test('rows come in the order in which things are added', () => {
  expect(curves.map(({ name }) => name)).toEqual([
    "COIN++'s quantiser",
    'one histogram',
    'per channel',
    'metric-aware steps',
    'learnt steps',
    "the model's prior",
    'RDOQ',
    'effort 2',
  ]);
});

test('a table for every channel changes bits and not symbols', () => {
  const [pooled, own] = [curves[1]!, curves[2]!];
  own.points.forEach((point, i) => {
    expect(point.psnrDb).toBe(pooled.points[i]!.psnrDb);
    expect(point.bitsPerPixel).toBeLessThan(pooled.points[i]!.bitsPerPixel);
  });
});

test('choosing symbols wins bits or PSNR over rounding the same modulations to the nearest', () => {
  const [nearest, chosen] = [curves[5]!, curves[6]!];
  for (const [i, point] of chosen.points.entries()) {
    const before = nearest.points[i]!;
    expect(point.bitsPerPixel < before.bitsPerPixel || point.psnrDb > before.psnrDb).toBe(true);
  }
});

test('rows say bytes at equal PSNR, and what a step brought or cost', () => {
  const points = (factor: number) =>
    [24, 28, 32].map((psnrDb, i) => ({ setting: '', bitsPerPixel: factor * 2 ** i, psnrDb }));
  const common = { kind: 'same program', form: 'archive', source: 'a reason' } as const;
  const rows = toRows(
    [
      { ...common, name: 'one histogram', points: points(1) },
      { ...common, name: 'better', points: points(0.5) },
      { ...common, name: 'worse', points: points(0.6) },
    ],
    [26, 28, 40],
    1024,
  );
  expect(rows[0]!.bytes.map((bytes) => bytes && Math.round(bytes))).toEqual([181, 256, null]);
  expect(rows[1]!.step!.linear).toBeCloseTo(-50, 9);
  expect(rows[2]!.step!.linear).toBeCloseTo(20, 9);
  expect(rows[2]!.sinceHistogram!.linear).toBeCloseTo(-40, 9);
  const text = ablationReport({
    dataset: 'a set',
    split: 'test',
    n: 1,
    training: 1,
    model: 'tiny',
    modelDigest: '0',
    psnrDb: [26, 28, 40],
    rows,
    ...readSetting('bench:ablation', []),
  });
  expect(text.find((line) => line.startsWith('better'))).toContain('-50.0 %');
  expect(text.find((line) => line.startsWith('worse'))).toMatch(/to 32\.0 dB.*\+20\.0 % LOSS/);
});
