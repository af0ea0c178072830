import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FunctaClient, type RunningServer } from '../../server/index.ts';
import { trainClassifier } from '../../src/classify/index.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { png, prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let serving: Serving;
/** Of a model that has a classifier, and of the same without it. */
let server: RunningServer;
let bare: RunningServer;

beforeAll(async () => {
  serving = await prepare();
  const { directory, model, engine } = serving;
  const elsewhere = join(directory, 'bare');
  await mkdir(elsewhere);
  await copyFile(join(directory, 'tiny.safetensors'), join(elsewhere, 'tiny.safetensors'));
  bare = await serving.start({ modelsDir: elsewhere });
  const functaset = join(directory, 'learnt');
  await buildFunctaset({ data: 'fixture-fashion', split: 'train', path: functaset, model, engine });
  await trainClassifier({
    ...{ model, engine, functaset, validation: functaset, probe: 'linear' },
    recipe: { learning: { epochs: 30, batch: 8, rate: 0.01 } },
    out: join(directory, 'classifier.safetensors'),
  });
  server = await serving.start();
});
afterAll(() => serving.stop());

interface Item {
  readonly id: string;
  readonly label?: string | number | null;
  readonly guesses: readonly { readonly label: string | number; readonly probability: number }[];
}

async function post(path: string, body: unknown, at = server) {
  const response = await fetch(`${at.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe('POST /v1/models/{m}/classify', () => {
  it('is listed with the labels that it knows', async () => {
    const { classifier } = await new FunctaClient(server.url).model('tiny');
    expect(classifier?.labels.length).toBeGreaterThan(1);
    expect(classifier?.validationAccuracy).toBeGreaterThan(0.5);
    expect((await new FunctaClient(server.url).models()).map(({ name }) => name)).toEqual(['tiny']);
  });

  it('says the same of a picture as of its function in bytes, likeliest first', async () => {
    const client = new FunctaClient(server.url);
    const picture = await png();
    const [of] = await client.classify('tiny', picture, { type: 'image/png', top: 4 });
    expect(of!.guesses).toHaveLength(4);
    const shares = of!.guesses.map(({ probability }) => probability);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    const { bytes } = await client.encode('tiny', picture, { type: 'image/png' });
    const [coded] = await client.classify('tiny', bytes, { top: 1 });
    expect(coded!.guesses[0]!.label).toBe(of!.guesses[0]!.label);
    const archive = await client.sample('tiny', { count: 3 }, { format: 'functa' });
    const all = await client.classify('tiny', archive, { type: 'application/vnd.functa' });
    expect(all.map(({ id }) => id)).toEqual(['sample-0-0', 'sample-0-1', 'sample-0-2']);
  });

  it('says how to make a classifier where there is none, and what it takes', async () => {
    const client = new FunctaClient(bare.url);
    await expect(client.classify('tiny', await png(), { type: 'image/png' })).rejects.toMatchObject({
      problem: { status: 404, code: 'no-classifier', detail: expect.stringContaining('classify train') },
    });
    const wrong = new FunctaClient(server.url).classify('tiny', await png(56, 28), { type: 'image/png' });
    await expect(wrong).rejects.toMatchObject({ problem: { status: 422 } });
    const text = new FunctaClient(server.url).classify('tiny', new Uint8Array(3), { type: 'text/plain' });
    await expect(text).rejects.toMatchObject({ problem: { status: 415 } });
  });
});

describe('POST /v1/functasets/{s}/classify', () => {
  it('walks all functions a page at a time, and says what the functaset says', async () => {
    const ids: string[] = [];
    let cursor: unknown;
    do {
      const { status, json } = await post('/v1/functasets/shoes/classify', { limit: 3, top: 1, cursor });
      expect(status).toBe(200);
      for (const { id, label, guesses } of json.items as Item[]) {
        ids.push(id);
        expect(label).not.toBeNull();
        expect(guesses).toHaveLength(1);
      }
      cursor = json.next ?? undefined;
    } while (cursor !== undefined);
    expect(new Set(ids).size).toBe(8);
    const named = await post('/v1/functasets/shoes/classify', { ids: [ids[5], ids[0]] });
    expect((named.json.items as Item[]).map(({ id }) => id)).toEqual([ids[5], ids[0]]);
    expect(named.json.next).toBeNull();
  });

  it.each([
    [{ ids: ['nobody'] }, 404, 'unknown-function'],
    [{ ids: ['a'], label: 3 }, 422, 'which-functions'],
    [{ limit: 1e6 }, 422, 'bad-parameter'],
    [{ cursor: 'x' }, 422, 'bad-cursor'],
  ])('refuses %j', async (body, status, code) => {
    const found = await post('/v1/functasets/shoes/classify', body);
    expect(found.status).toBe(status);
    expect(found.json.code).toBe(code);
  });

  it('is not there without a classifier', async () => {
    const found = await post('/v1/functasets/shoes/classify', {}, bare);
    expect(found).toMatchObject({ status: 404, json: { code: 'no-classifier' } });
  });
});
