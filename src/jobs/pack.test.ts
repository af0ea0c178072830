import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { joinFiles, openArchive } from '../../codec/index.ts';
import { openDataset } from '../../datasets/registry.ts';
import { temporary } from '../../test/temporary.ts';
import { decodeTerms } from '../combine/index.ts';
import { mse } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { fitSignals } from '../fit/fit.ts';
import { loadModel } from '../models/models.ts';
import { modulated, openFunctions } from '../session/functions.ts';
import { functionOfFile, functionOfModulation } from '../session/put.ts';
import { openSession } from '../session/session.ts';
import { openFunctasetOf } from '../session/store.ts';
import { demoFunctasets } from './demo.ts';
import { buildFunctaset } from './jobs.ts';
import { detailsPath, packFunctaset, readPack, unpackFunctaset } from './pack.ts';
import { makeTinyModel, slopedRecipe } from './testing.ts';

vi.setConfig({ testTimeout: 60_000 });

let engine: Engine;
let bytes: Uint8Array;
let model: Model;
const home = mkdtempSync(join(tmpdir(), 'functa-pack-'));
const built = join(home, 'built');

/** Two qualities, two priors, and a modulation that is not coded. */
beforeAll(async () => {
  engine = await openEngine();
  bytes = await makeTinyModel(engine, slopedRecipe);
  model = readModel(bytes);
  const common = { model, engine, path: built, data: 'fixture-fashion', split: 'train' } as const;
  await buildFunctaset({ ...common, quality: 62, limit: 12 });
  await buildFunctaset({ ...common, quality: 40, prior: 'histogram', limit: 20, resume: true });
  const data = await openDataset('fixture-fashion', 'train');
  const signal = await data.get(30);
  const [found] = await fitSignals(model, engine, [signal], { quality: 45, effort: 1 });
  const store = await openFunctasetOf(model, built);
  await store.put(functionOfModulation(model, found!.modulation, { id: 'from outside', quality: 45 }));
  await store.close();
}, 120_000);

afterAll(async () => {
  await engine.close();
  rmSync(home, { recursive: true });
});

async function functionsOf(path: string) {
  const store = await openFunctasetOf(model, path, { readOnly: true });
  const found = [...store.iterate()];
  expect((await store.verify()).faults).toEqual([]);
  await store.close();
  return found;
}

it('a store comes back from its archive as it was, and its archive is the same bytes again', async () => {
  const packed = await packFunctaset(model, built);
  expect(packed.functions).toBe(21);
  const path = join(temporary(), 'unpacked');
  expect(await unpackFunctaset(model, packed, path)).toEqual({ added: 21, there: 0, total: 21 });
  expect(await unpackFunctaset(model, packed, path)).toEqual({ added: 0, there: 21, total: 21 });
  const before = await functionsOf(built);
  expect(before.map(({ content }) => content.kind).filter((kind) => kind === 'modulation')).toHaveLength(1);
  expect(await functionsOf(path)).toEqual(before);
  expect((await packFunctaset(model, path)).archive).toEqual(packed.archive);
});

it('any reader of archives decodes every function of a packed store', async () => {
  const { archive } = await packFunctaset(model, built);
  const session = openSession({ model, engine });
  const opened = await openFunctions({ model, engine }, await functionsOf(built));
  let item = 0;
  for await (const { shape, values } of session.decodeMany(archive)) {
    expect(shape).toEqual(opened[item]!.shape);
    expect(values.every(Number.isFinite)).toBe(true);
    item++;
  }
  expect(item).toBe(21);
});

it('an archive without notes is a store of functions without labels, and their PSNR is not known', async () => {
  const files = (await functionsOf(built)).flatMap(({ content }) =>
    content.kind === 'file' ? [content.bytes] : [],
  );
  const path = join(temporary(), 'plain');
  expect(await unpackFunctaset(model, { archive: joinFiles(model, files) }, path)).toMatchObject({
    total: 20,
  });
  const found = await functionsOf(path);
  expect(found.map(({ id }) => id)).toEqual(files.map((_, i) => String(i).padStart(2, '0')));
  expect(found.map(({ psnrDb, label }) => [psnrDb, label])).toEqual(files.map(() => [Number.NaN, undefined]));
  expect(found.map(({ content }) => content.kind === 'file' && content.bytes)).toEqual(files);
  const own = await functionsOf(built);
  expect(found.map(({ bits }) => bits)).toEqual(
    own.filter(({ content }) => content.kind === 'file').map(({ bits }) => bits),
  );
  // Packed, it keeps what is not known.
  const again = join(temporary(), 'again');
  await unpackFunctaset(model, await packFunctaset(model, path), again);
  expect(await functionsOf(again)).toEqual(found);
});

it('what was packed with details beside it, before archives had notes, is unpacked with them', async () => {
  const own = (await functionsOf(built)).filter(({ content }) => content.kind === 'file');
  const files = own.map(({ content }) => (content.kind === 'file' ? content.bytes : new Uint8Array(0)));
  const archivePath = join(temporary(), 'old.functa');
  writeFileSync(archivePath, joinFiles(model, files, { ids: own.map(({ id }) => id) }));
  const psnrDb = own.map((fn) => Math.round(100 * fn.psnrDb) / 100);
  const labels = own.map(({ label }) => label ?? null);
  writeFileSync(detailsPath(archivePath), JSON.stringify({ labels, psnrDb }));
  const path = join(temporary(), 'old');
  await unpackFunctaset(model, await readPack(archivePath), path);
  expect(await functionsOf(path)).toEqual(own.map((fn, i) => ({ ...fn, psnrDb: psnrDb[i] })));
});

it('the bundled demo is one file, checked whole', async () => {
  const fashion = await loadModel('fashion-mnist');
  const packed = await readPack(join(import.meta.dirname, '../../models/fashion-mnist/demo.functa'));
  expect(packed.details).toBeUndefined();
  const path = join(temporary(), 'demo');
  expect(await unpackFunctaset(fashion, packed, path)).toMatchObject({ total: 1000 });
  const store = await openFunctasetOf(fashion, path, { readOnly: true });
  expect((await store.stats()).labels).toHaveLength(10);
  await store.close();
  for (const at of [20, 5_000, packed.archive.length - 3]) {
    const archive = packed.archive.slice();
    archive[at]! ^= 1;
    await expect(unpackFunctaset(fashion, { archive }, join(temporary(), 'bad'))).rejects.toMatchObject({
      kind: 'stream',
    });
  }
});

it('a demo beside a model is unpacked once, and bad details are refused', async () => {
  const directory = temporary();
  const models = join(directory, 'models', 'tiny');
  mkdirSync(models, { recursive: true });
  writeFileSync(join(models, 'model.safetensors'), bytes);
  const { archive } = await packFunctaset(model, built);
  const archivePath = join(models, 'demo.functa');
  writeFileSync(archivePath, archive);
  const options = { directories: [join(directory, 'models')], cacheDir: join(directory, 'cache') };
  const first = await demoFunctasets(options);
  expect(Object.keys(first)).toEqual(['tiny-demo']);
  expect(await demoFunctasets(options)).toEqual(first);
  expect(await readPack(archivePath)).toEqual({ archive: new Uint8Array(readFileSync(archivePath)) });

  // Several at once on a fresh cache all find a whole one, and leave nothing beside it.
  const fresh = { ...options, cacheDir: join(directory, 'fresh') };
  const together = await Promise.all([demoFunctasets(fresh), demoFunctasets(fresh), demoFunctasets(fresh)]);
  for (const found of together) expect(await functionsOf(found['tiny-demo']!)).toHaveLength(21);
  expect(readdirSync(join(directory, 'fresh', 'functasets'))).toHaveLength(1);

  // A cache that cannot be written: said, and passed over where that is asked for.
  const denied = { ...options, cacheDir: archivePath };
  await expect(demoFunctasets(denied)).rejects.toMatchObject({ code: 'cache-denied' });
  const missing: string[] = [];
  expect(await demoFunctasets({ ...denied, onMissing: (name) => missing.push(name) })).toEqual({});
  expect(missing).toEqual(['tiny-demo']);

  copyFileSync(archivePath, join(directory, 'bad.functa'));
  writeFileSync(detailsPath(join(directory, 'bad.functa')), '{"labels": 7}');
  await expect(readPack(join(directory, 'bad.functa'))).rejects.toMatchObject({ code: 'pack-details' });
  const short = { archive, details: { labels: [], psnrDb: [] } };
  await expect(unpackFunctaset(model, short, join(directory, 'short'))).rejects.toMatchObject({
    code: 'pack-details',
  });
  await expect(readPack(join(directory, 'none.functa'))).rejects.toMatchObject({ code: 'pack-unreadable' });
});

it('a modulation from outside can be put, decoded and coded, at its own quality', async () => {
  const store = await openFunctasetOf(model, built, { readOnly: true });
  const functions = await openFunctions({ model, engine }, [store.get('from outside')!]);
  const [opened] = await modulated({ model, engine }, functions);
  await store.close();
  expect(opened).toMatchObject({ quality: 45, coded: false, codedBytes: 0 });
  expect(opened!.bits).toBeGreaterThan(8);
  const { archive } = await packFunctaset(model, built);
  const session = openSession({ model, engine });
  const item = openArchive(model, archive).ids!.indexOf('from outside');
  const coded = await session.decode(archive, { item, raw: true });
  const [own] = await decodeTerms(session, [opened!], { raw: true });
  const error = Math.sqrt(mse(coded.values, own!.values));
  expect(error).toBeGreaterThan(0);
  expect(error).toBeLessThan(0.05);
  const data = await openDataset('fixture-fashion', 'train');
  const file = functionOfFile(model, (await session.encode(await data.get(31))).bytes, { id: 'a file' });
  expect(file).toMatchObject({ shape: [28, 28], psnrDb: Number.NaN });
  expect(() => functionOfModulation(model, new Float32Array(3), { id: 'short' })).toThrow(
    expect.objectContaining({ code: 'modulation-length' }),
  );
});
