import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Engine, openEngine } from '../engine/index.ts';
import { readModel } from '../field/model.ts';
import { buildFunctaset } from './jobs.ts';
import { demoFunctasets, detailsPath, packFunctaset, readPack, unpackFunctaset } from './pack.ts';
import { openFunctasetOf } from './store.ts';
import { makeTinyModel } from './testing.ts';

let engine: Engine;
let bytes: Uint8Array;
const directory = mkdtempSync(join(tmpdir(), 'functa-pack-'));
const built = join(directory, 'built');

beforeAll(async () => {
  engine = await openEngine();
  bytes = await makeTinyModel(engine);
  const model = readModel(bytes);
  await buildFunctaset({ model, engine, path: built, dataset: 'fixture-fashion', split: 'train', limit: 20 });
}, 60_000);
afterAll(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

it('a packed functaset comes back with its ids, labels, codes and PSNR', async () => {
  const model = readModel(bytes);
  const packed = await packFunctaset(model, built);
  const path = join(directory, 'unpacked');
  expect(await unpackFunctaset(model, packed, path)).toBe(20);
  expect(await unpackFunctaset(model, packed, path)).toBe(20);
  const before = await openFunctasetOf(model, built, { readOnly: true });
  const after = await openFunctasetOf(model, path, { readOnly: true });
  for (const fn of before.iterate()) {
    const found = after.get(fn.id)!;
    expect(found).toMatchObject({ id: fn.id, label: fn.label, shape: fn.shape, content: fn.content });
    expect(found.psnrDb).toBeCloseTo(fn.psnrDb, 1);
    expect(found.bits).toBeCloseTo(fn.bits, 6);
  }
  expect((await after.verify()).faults).toEqual([]);
  await before.close();
  await after.close();
});

it('a demo beside a model is unpacked once, and bad details are refused', async () => {
  const model = readModel(bytes);
  const models = join(directory, 'models', 'tiny');
  mkdirSync(models, { recursive: true });
  writeFileSync(join(models, 'model.safetensors'), bytes);
  const { archive, details } = await packFunctaset(model, built);
  const archivePath = join(models, 'demo.functa');
  writeFileSync(archivePath, archive);
  writeFileSync(detailsPath(archivePath), JSON.stringify(details));
  const options = { directories: [join(directory, 'models')], cacheDir: join(directory, 'cache') };
  const first = await demoFunctasets(options);
  expect(Object.keys(first)).toEqual(['tiny-demo']);
  expect(await demoFunctasets(options)).toEqual(first);

  copyFileSync(archivePath, join(directory, 'bad.functa'));
  writeFileSync(join(directory, 'bad.json'), '{"labels": 7}');
  await expect(readPack(join(directory, 'bad.functa'))).rejects.toMatchObject({ code: 'pack-details' });
  const short = { archive, details: { labels: [], psnrDb: [] } };
  await expect(unpackFunctaset(model, short, join(directory, 'short'))).rejects.toMatchObject({
    code: 'pack-details',
  });
});
