import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createKey } from '../../server/access/key-files.ts';
import { FunctaClient, type RunningServer } from '../../server/index.ts';
import { trainClassifier } from '../../src/classify/index.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { trainPrior } from '../../src/jobs/index.ts';
import { tinyRecipe } from '../../src/jobs/testing.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { modelOfKind, pathOfKind } from '../kinds.ts';
import { askingJobs, cpuSeconds } from './asking-jobs.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let picture: Uint8Array;
const home = mkdtempSync(join(tmpdir(), 'functa-home-'));
const keys: Record<string, string> = {};

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start({ home, keys: join(home, 'keys') });
  for (const namespace of ['mine', 'other'])
    keys[namespace] = createKey(join(home, 'keys'), { scope: 'write', namespace }).key;
  picture = await png();
}, 300_000);

afterAll(async () => {
  await serving?.stop();
  rmSync(home, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}, who = 'mine') =>
  fetch(`${server.url}${path}`, {
    ...init,
    headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${keys[who]}` },
  });
const codeOf = async (response: Response) => [
  response.status,
  ((await response.json()) as { code?: string }).code,
];
const bytesOfTiny = () => new Uint8Array(readFileSync(join(serving.directory, 'tiny.safetensors')));
const put = (name: string, bytes: Uint8Array, headers: Record<string, string> = {}, query = '') =>
  ask(`/v1/models/${name}${query}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
const encode = (path: string, who = 'mine') =>
  ask(
    path,
    { method: 'POST', headers: { 'content-type': 'image/png' }, body: picture as Uint8Array<ArrayBuffer> },
    who,
  );

test('a model that is put is served to its namespace alone, with what it can do', async () => {
  const made = await put('shoes', bytesOfTiny());
  expect(made.status).toBe(201);
  expect(await made.json()).toMatchObject({
    name: 'shoes',
    id: serving.model.id,
    mine: true,
    abilities: {
      qualities: { lowest: 1, highest: 100, learnt: null },
      codedBy: ['factorized', 'histogram'],
      classifies: false,
      replies: expect.arrayContaining(['image/png']),
    },
  });
  expect(made.headers.get('etag')).toBe(`"${serving.model.id}"`);
  expect(await codeOf(await put('shoes', bytesOfTiny(), { 'if-none-match': '*' }))).toEqual([
    412,
    'precondition-failed',
  ]);
  expect((await put('shoes', bytesOfTiny())).status).toBe(200);
  expect((await encode('/v1/models/shoes/encode')).status).toBe(200);
  expect(await (await ask('/v1/models/shoes/ready')).json()).toEqual({ status: 'ok', id: serving.model.id });
  expect((await ask('/v1/models/shoes', {}, 'other')).status).toBe(404);
  expect((await encode('/v1/models/shoes/encode', 'other')).status).toBe(404);
  const { models } = (await (await ask('/v1/models', {}, 'other')).json()) as { models: { name: string }[] };
  expect(models.map(({ name }) => name)).toEqual(['tiny']);
});

test('bytes that are no model, and names that are not given, change nothing', async () => {
  const broken = bytesOfTiny();
  broken[broken.length >> 1]! ^= 1;
  expect((await put('shoes', broken.subarray(0, broken.length - 8))).status).toBe(422);
  expect(await codeOf(await put('tiny', bytesOfTiny()))).toEqual([409, 'model-of-operator']);
  expect(await codeOf(await put('classifier', bytesOfTiny()))).toEqual([409, 'name-taken']);
  expect(await codeOf(await put('..%2Fshoes', bytesOfTiny()))).toEqual([422, 'bad-name']);
  expect(await codeOf(await ask('/v1/models/tiny', { method: 'DELETE' }))).toEqual([
    409,
    'model-of-operator',
  ]);
  expect(await codeOf(await ask('/v1/models/none', { method: 'DELETE' }))).toEqual([404, 'unknown-model']);
  expect(await codeOf(await ask('/v1/models/shoes', { method: 'DELETE' }, 'other'))).toEqual([
    404,
    'unknown-model',
  ]);
  expect(readdirSync(join(home, 'models', 'mine'))).toEqual(['shoes.safetensors']);
  expect(readdirSync(join(home, 'uploads', 'mine'))).toEqual([]);
});

test('a signal without the name of a model is coded by the one that takes it, or the candidates are named', async () => {
  const [status, code] = await codeOf(await encode('/v1/encode'));
  expect([status, code]).toEqual([409, 'which-model']);
  const other = await encode('/v1/encode', 'other');
  expect([other.status, other.headers.get('functa-model')]).toEqual([200, 'tiny']);
  await put('waves', new Uint8Array(readFileSync(pathOfKind('sound'))));
  const sound = await ask('/v1/models/waves');
  expect(await sound.json()).toMatchObject({ id: modelOfKind('sound').id, family: 'audio' });
  // an array says what its numbers are: 28 rows of one value each are no sound of 28 channels
  const array = writeNpy({ dtype: 'F32', shape: [28, 28], data: new Float32Array(784).fill(0.5) });
  const init = { headers: { 'content-type': 'application/x-npy' }, body: array as Uint8Array<ArrayBuffer> };
  const asked = await ask('/v1/encode', { method: 'POST', ...init });
  const { detail } = (await asked.json()) as { detail: string };
  expect([asked.status, /\((.*)\)/.exec(detail)?.[1]?.split(', ').sort()]).toEqual([409, ['shoes', 'tiny']]);
});

test('a model that functasets need goes when that is meant', async () => {
  const created = await ask('/v1/functasets/tones', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'waves' }),
  });
  expect(created.status).toBe(201);
  expect(await codeOf(await ask('/v1/models/waves', { method: 'DELETE' }))).toEqual([409, 'model-needed']);
  expect(await codeOf(await put('waves', bytesOfTiny()))).toEqual([409, 'model-needed']);
  expect((await ask('/v1/models/waves?force=true', { method: 'DELETE' })).status).toBe(204);
  expect((await ask('/v1/models/waves')).status).toBe(404);
});

test('requests under way while a model is put and removed end well, or with a code that says it', async () => {
  await put('busy', bytesOfTiny());
  let [going, asked] = [true, 0];
  const found = new Set<string>();
  const readers = Array.from({ length: 4 }, async () => {
    while (going) {
      // another request each time: the answer to the same one may be remembered
      const response = await encode(`/v1/models/busy/encode?quality=${1 + (asked++ % 100)}`);
      const body = await response.text();
      found.add(response.ok ? '200' : `${response.status} ${JSON.parse(body).code}`);
    }
  });
  const others = ['picture', 'sound'] as const;
  for (let turn = 0; turn < 12; turn++) {
    const bytes =
      turn % 2 === 0
        ? bytesOfTiny()
        : new Uint8Array(readFileSync(pathOfKind(others[turn % 4 === 1 ? 0 : 1])));
    expect((await put('busy', bytes, {}, '?force=true')).ok).toBe(true);
    if (turn % 3 === 2) await ask('/v1/models/busy?force=true', { method: 'DELETE' });
  }
  going = false;
  await Promise.all(readers);
  const allowed = ['200', '404 unknown-model', '409 model-replaced'];
  // what a model of sounds says to a picture
  const faults = [...found].filter(
    (one) => !allowed.includes(one) && !one.startsWith('422') && !one.startsWith('415'),
  );
  expect(faults).toEqual([]);
  expect(found).toContain('200');
});

test('what a training left beside a model of another network is refused', async () => {
  const beside = (kind: string, bytes: Uint8Array) =>
    ask(`/v1/models/shoes/beside/${kind}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
  expect((await beside('flow', bytesOfTiny())).status).toBe(422);
  expect((await beside('classifier', bytesOfTiny())).status).toBe(422);
  expect((await ask('/v1/models/shoes/beside/classifier', { method: 'DELETE' })).status).toBe(200);
});

test('a prior and a classifier that were put over HTTP draw and classify, for their namespace', async () => {
  const { engine, directory, model } = serving;
  const own = mkdtempSync(join(tmpdir(), 'functa-beside-'));
  const modelPath = join(own, 'own.safetensors');
  cpSync(join(directory, 'tiny.safetensors'), modelPath);
  const functaset = join(directory, 'shoes');
  const learnt = { engine, functaset };
  const [prior] = (await trainPrior({ ...learnt, modelPath, kinds: ['gaussian'] })).files;
  const out = join(own, 'own.classifier.safetensors');
  const recipe = { learning: { epochs: 30, batch: 8, rate: 0.01 } };
  await trainClassifier({ ...learnt, model, validation: functaset, probe: 'linear', recipe, out });

  const client = new FunctaClient(server.url, { key: keys.mine });
  await client.putModel('gifted', bytesOfTiny());
  const request = { count: 3, seed: 7, prior: 'gaussian' } as const;
  await expect(client.sample('gifted', request)).rejects.toMatchObject({ code: 'prior' });
  await expect(client.classify('gifted', picture, { type: 'image/png' })).rejects.toMatchObject({
    code: 'no-classifier',
  });
  await client.putBesideModel('gifted', 'gaussian', new Uint8Array(readFileSync(prior!)));
  const gifted = await client.putBesideModel('gifted', 'classifier', new Uint8Array(readFileSync(out)));
  expect(gifted.abilities).toMatchObject({
    sampledBy: expect.arrayContaining(['gaussian']),
    classifies: true,
  });
  // what a program draws by the same files
  const session = openSession({ model: await loadModel(modelPath), engine });
  const { archive } = await session.sample({ ...request, decode: false, ids: true });
  expect(await client.sample('gifted', request, { format: 'functa' })).toEqual(archive);
  const [item] = await client.classify('gifted', picture, { type: 'image/png', top: 3 });
  const labels = item!.guesses.map(({ label }) => label);
  expect(gifted.classifier!.labels).toEqual(expect.arrayContaining(labels));
  expect(labels).toHaveLength(3);

  const other = new FunctaClient(server.url, { key: keys.other });
  await expect(other.sample('gifted', request)).rejects.toMatchObject({ code: 'unknown-model' });
  const bare = await client.removeBesideModel('gifted', 'gaussian');
  expect(bare.abilities.sampledBy).not.toContain('gaussian');
  await expect(client.sample('gifted', request)).rejects.toMatchObject({ code: 'prior' });
  rmSync(own, { recursive: true });
});

test.skipIf(process.platform !== 'linux')(
  'a job of any kind rests within 200 ms of CPU of being cancelled',
  async () => {
    const { add, upload } = askingJobs((...asked) => ask(...asked));
    const dataset = { dataset: 'fixture-fashion' };
    const large = { upload: await upload(await png(512, 512)) };
    const long = [
      { kind: 'learn', data: dataset, recipe: { ...tinyRecipe, steps: 500 } },
      { kind: 'build', functaset: 'never', model: 'tiny', data: large, effort: 9 },
      {
        kind: 'prior',
        model: 'tiny',
        as: 'never',
        data: { functaset: 'shoes' },
        kinds: ['diffusion'],
        steps: 90_000,
      },
    ];
    for (const job of long) {
      const { id } = (await add(job)).json;
      const pid = await vi.waitFor(
        () => {
          const own = readFileSync(join(home, 'jobs', id, 'process'), 'utf8').split('-')[1]!;
          // what starting it takes, and some of its work
          expect(cpuSeconds(own)).toBeGreaterThan(1.2);
          return own;
        },
        { timeout: 60_000, interval: 20 },
      );
      const before = cpuSeconds() + cpuSeconds(pid);
      const started = performance.now();
      const cancelled = await ask(`/v1/jobs/${id}`, { method: 'DELETE' });
      const ms = performance.now() - started;
      expect(await cancelled.json(), `${job.kind}, ${ms} ms`).toMatchObject({ state: 'cancelled' });
      expect(cpuSeconds() - before, `${job.kind}, ${ms} ms`).toBeLessThan(0.2);
      if (process.env.FUNCTA_TIMES) console.log(`${job.kind}: cancelled in ${ms.toFixed(0)} ms`);
    }
  },
  120_000,
);
