import { copyFile, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { readModel, writeModel } from '../../src/field/model.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { openSession } from '../../src/session/index.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let picture: Uint8Array;

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start();
  picture = await png();
}, 120_000);

afterAll(() => serving.stop());

const encode = () =>
  fetch(`${server.url}/v1/models/tiny/encode`, {
    method: 'POST',
    body: picture as unknown as string,
    headers: { 'content-type': 'image/png' },
  });

const near = async (id: string) => {
  const response = await fetch(`${server.url}/v1/functasets/shoes/query`, {
    method: 'POST',
    body: JSON.stringify({ kind: 'near', id, k: 100, refine: 0 }),
    headers: { 'content-type': 'application/json' },
  });
  return (await response.json()) as { searched: number; items: { id: string }[] };
};

it('a store that was replaced is opened again, and its index is its own', async () => {
  const { model, engine, directory } = serving;
  const shoes = join(directory, 'shoes');
  const list = async () => {
    const response = await fetch(`${server.url}/v1/functasets/shoes/functions?limit=100`);
    return ((await response.json()) as { functions: { id: string }[] }).functions.map(({ id }) => id);
  };
  const before = await list();
  expect((await near(before[0]!)).searched).toBe(before.length);
  const other = join(directory, 'other');
  await buildFunctaset({ data: 'fixture-fashion', split: 'train', limit: 5, path: other, model, engine });
  await rename(shoes, join(directory, 'old'));
  await rename(other, shoes);
  const after = await list();
  expect(after).toHaveLength(5);
  const found = await near(after[0]!);
  expect(found.searched).toBe(5);
  for (const { id } of found.items) expect(after).toContain(id);
  await rm(join(directory, 'old'), { recursive: true });
});

it('a store that was cut short where it stands is refused by name, and served when it is whole again', async () => {
  const file = join(serving.directory, 'shoes', 'data.mdb');
  const list = () => fetch(`${server.url}/v1/functasets/shoes/functions?limit=100`);
  const whole = await readFile(file);
  expect((await list()).status).toBe(200);
  await truncate(file, 4096 * Math.floor(whole.length / 4096 / 2));
  const refused = await list();
  expect(refused.status).toBeGreaterThanOrEqual(500);
  expect(((await refused.json()) as { code: string }).code).toBe('functaset-damaged');
  await writeFile(file, whole, { flag: 'r+' });
  expect((await list()).status).toBe(200);
});

it('a model that was replaced is refused by name once, then served as it is now', async () => {
  const { model, engine, directory } = serving;
  const path = join(directory, 'tiny.safetensors');
  const kept = join(directory, 'kept');
  await copyFile(path, kept);
  expect((await encode()).status).toBe(200);
  // Another network, whose files the old model cannot read.
  const tensors = { ...model, card: { ...model.card, notes: 'another' } };
  const bytes = writeModel(tensors);
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
  const refused = await encode();
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    503,
    'model-replaced',
  ]);
  await expect.poll(async () => (await encode()).status, { timeout: 20_000 }).toBe(200);
  const now = readModel(bytes);
  const file = new Uint8Array(await (await encode()).arrayBuffer());
  await openSession({ model: now, engine }).decode(file);
  const told = (await (await fetch(`${server.url}/v1/models/tiny`)).json()) as { id: string };
  expect(told.id).toBe(now.id);

  // Half of a file, as while it is copied.
  await writeFile(`${path}.new`, bytes.subarray(0, bytes.length / 2));
  await rename(`${path}.new`, path);
  const damaged = await encode();
  expect([damaged.status, ((await damaged.json()) as { code: string }).code]).toEqual([
    503,
    'model-unreadable',
  ]);
  await rename(kept, path);
  const list = async () =>
    (await (await fetch(`${server.url}/v1/models`)).json()) as { models: { id: string }[] };
  await expect.poll(async () => (await list()).models[0]?.id, { timeout: 20_000 }).toBe(model.id);
  expect((await encode()).status).toBe(200);
  expect(await readdir(directory)).not.toContain('kept');
});
