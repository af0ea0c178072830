import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { JobRequest } from '../../server/client/client.ts';
import { createKey, FunctaClient, type RunningServer } from '../../server/index.ts';
import { readNetcdf } from '../../src/formats/netcdf.ts';
import { readNpy, signalToNpy } from '../../src/formats/npy.ts';
import { tinyRecipe } from '../../src/jobs/testing.ts';
import { runExamples } from '../doors/client-examples.ts';
import { kinds, pathOfKind } from '../kinds.ts';
import { askingJobs, type Job } from './asking-jobs.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
const home = mkdtempSync(join(tmpdir(), 'functa-home-'));

/** Pictures of somebody, in a directory that jobs may read, with a link to what they may not. */
const photos = mkdtempSync(join(tmpdir(), 'functa-photos-'));

beforeAll(async () => {
  serving = await prepare();
  mkdirSync(join(photos, 'shop'));
  for (const [i, name] of ['one', 'two', 'three'].entries())
    writeFileSync(join(photos, 'shop', `${name}.png`), await png(28 + i, 28));
  symlinkSync(serving.directory, join(photos, 'elsewhere'));
  const allowedDirectories = { photos };
  server = await serving.start({ home, allowedDirectories, jobs: { steps: 500, waiting: 3 } });
}, 300_000);

afterAll(async () => {
  await serving?.stop();
  rmSync(home, { recursive: true, force: true });
  rmSync(photos, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);

const { add, eventsOf, over, upload } = askingJobs((...asked) => ask(...asked));

test('a functaset is built from a data set, told of as it goes, and served', async () => {
  const { status, json } = await add({
    kind: 'build',
    functaset: 'built',
    model: 'tiny',
    data: { dataset: 'fixture-fashion' },
    split: 'test',
  });
  expect(status).toBe(202);
  expect(json).toMatchObject({ kind: 'build', state: 'queued', links: { self: `/v1/jobs/${json.id}` } });
  const events = await eventsOf(json.id);
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['state', 'start', 'progress', 'end']),
  );
  expect(events.at(-1)).toMatchObject({ type: 'end', data: { state: 'done' } });
  expect(events.map(({ id }) => id)).toEqual(events.map((_, i) => i + 1));
  expect(await eventsOf(json.id, events.length - 1)).toEqual(events.slice(-1));
  const done = await (await ask(`/v1/jobs/${json.id}`)).json();
  expect(done).toMatchObject({ state: 'done', result: { functaset: 'built', figures: { functions: 8 } } });
  const result = await ask(`/v1/jobs/${json.id}/result`);
  expect(await result.json()).toMatchObject({ name: 'built', functions: 8, model: 'tiny' });
});

/** Events so far, as they stand on the disk. */
async function keptEvents(id: string): Promise<string[]> {
  return (await readFile(join(home, 'jobs', id, 'events.jsonl'), 'utf8')).split('\n');
}

const isProgress = (line: string) => line.includes('"type":"progress"');

const small = { ...tinyRecipe, steps: 12, phases: { distortion: 6, rounded: 2, coded: 0 } };

test('a model is learnt from an archive that was sent, gets priors, and encodes', async () => {
  const archive = await create({ cwd: photos, gzip: true, portable: true }, ['shop']).concat();
  const { json: asked } = await add({
    kind: 'learn',
    model: 'mine',
    data: { upload: await upload(archive) },
    split: 'all',
    recipe: { ...small, crops: true },
  });
  expect(await over(asked.id)).toMatchObject({ state: 'done', fault: null, result: { model: 'mine' } });
  const { json: trained } = await add({
    kind: 'prior',
    model: 'mine',
    data: { dataset: 'fixture-fashion' },
    limit: 16,
    kinds: ['histogram', 'factorized'],
  });
  const { state, fault, result } = await over(trained.id);
  expect({ state, fault }).toEqual({ state: 'done', fault: null });
  const served = await (await ask('/v1/models/mine')).json();
  expect(served).toMatchObject({
    id: result!.modelId,
    priors: [{ name: 'factorized' }, { name: 'histogram' }],
  });
  const encoded = await ask('/v1/models/mine/encode', {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: (await png()) as Uint8Array<ArrayBuffer>,
  });
  expect(encoded.status).toBe(200);
  const again = await add({
    kind: 'prior',
    model: 'mine',
    data: { dataset: 'fixture-fashion' },
    kinds: ['histogram'],
  });
  expect([again.status, again.json.code]).toEqual([409, 'prior-exists']);
}, 120_000);

test('a directory that the operator allows is read, and nothing outside it', async () => {
  const build = (functaset: string, directory: string, path?: string) =>
    add({ kind: 'build', functaset, model: 'tiny', data: { directory, path } });
  const { json } = await build('shop', 'photos', 'shop');
  expect(await over(json.id)).toMatchObject({ state: 'done', result: { figures: { functions: 3 } } });
  for (const [directory, path] of [
    ['photos', '..'],
    ['photos', 'elsewhere'],
    ['photos', 'shop/../../..'],
    ['photos', '/etc'],
    ['other', ''],
    ['constructor', ''],
  ]) {
    const { status, json } = await build('never', directory!, path);
    expect([status, json.code], `${directory} ${path}`).toEqual([404, 'unknown-directory']);
  }
});

test('a large signal is encoded to the bytes of a request, and a functaset is built again from its functions', async () => {
  const picture = await png(56, 56);
  const { json } = await add({ kind: 'encode', model: 'tiny', data: { upload: await upload(picture) } });
  expect((await over(json.id)).state).toBe('done');
  const result = await ask(`/v1/jobs/${json.id}/result`);
  const direct = await ask('/v1/models/tiny/encode', {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: picture as Uint8Array<ArrayBuffer>,
  });
  expect(new Uint8Array(await result.arrayBuffer())).toEqual(new Uint8Array(await direct.arrayBuffer()));
  const copy = await add({ kind: 'build', functaset: 'copy', model: 'tiny', data: { functaset: 'shoes' } });
  expect((await over(copy.json.id)).result).toMatchObject({ functaset: 'copy', figures: { functions: 8 } });
});

test('a job is cancelled at once, and forgotten when it is removed; one whose model went meanwhile is refused', async () => {
  const long = { kind: 'learn', data: { dataset: 'fixture-fashion' }, recipe: { ...small, steps: 500 } };
  const { json } = await add(long);
  const tiny = new Uint8Array(await readFile(join(serving.directory, 'tiny.safetensors')));
  const client = new FunctaClient(server.url);
  await client.putModel('fleeting', tiny);
  const data = { dataset: 'fixture-fashion' };
  const waits = await add({ kind: 'build', functaset: 'late', model: 'fleeting', data });
  await vi.waitFor(async () => expect((await keptEvents(json.id)).some(isProgress)).toBe(true), {
    timeout: 30_000,
    interval: 100,
  });
  await client.putModel('fleeting', new Uint8Array(await readFile(pathOfKind('picture'))), { force: true });
  const started = performance.now();
  const cancelled = await ask(`/v1/jobs/${json.id}`, { method: 'DELETE' });
  expect(performance.now() - started).toBeLessThan(1000);
  expect(await cancelled.json()).toMatchObject({ state: 'cancelled' });
  // its model was another when it was asked for
  expect((await over(waits.json.id)).fault?.code).toBe('model-replaced');
  expect(readdirSync(join(home, 'jobs', json.id))).not.toContain('work');
  expect((await ask(`/v1/jobs/${json.id}/result`)).status).toBe(404);
  await ask(`/v1/jobs/${json.id}`, { method: 'DELETE' });
  expect((await ask(`/v1/jobs/${json.id}`)).status).toBe(404);
  expect(readdirSync(join(home, 'jobs'))).not.toContain(json.id);
});

test('a job is paused, lets others by, and resumed ends with the bytes of one that was not', async () => {
  const recipe = {
    ...small,
    steps: 60,
    phases: { distortion: 30, rounded: 10, coded: 0 },
    checkpointEvery: 5,
  };
  const client = new FunctaClient(server.url);
  const ask = () => client.jobs.add({ kind: 'learn', data: { dataset: 'fixture-fashion' }, recipe });
  const { id } = await ask();
  await vi.waitFor(async () => expect((await keptEvents(id)).join()).toMatch(/"checkpoint".*"done":[^0]/), {
    timeout: 30_000,
    interval: 20,
  });
  expect((await client.jobs.pause(id)).state).toBe('paused');
  expect((await client.jobs.pause(id)).state).toBe('paused');
  const other = await client.jobs.wait((await ask()).id);
  expect((await client.jobs.get(id)).state).toBe('paused');
  expect((await client.jobs.resume(id)).state).toMatch(/queued|running/);
  await client.jobs.wait(id);
  expect(await client.jobs.result(id)).toEqual(await client.jobs.result(other.id));
  const events = await eventsOf(id);
  const states = events.filter(({ type }) => type === 'state').map(({ data }) => data.state);
  expect(states).toEqual(['queued', 'running', 'paused', 'queued', 'running']);
  // it went on, and did not begin again
  const from = events.findIndex(({ data }) => data.state === 'paused');
  const later = events.slice(from).find(({ type }) => type === 'start');
  expect(later?.data.done).toBeGreaterThan(0);
  await expect(client.jobs.resume(id)).rejects.toMatchObject({ problem: { code: 'job-over' } });
}, 120_000);

test('a job that waits is paused at once, and one that is paused is cancelled', async () => {
  const client = new FunctaClient(server.url);
  const [first, second] = await Promise.all([
    client.jobs.add({
      kind: 'learn',
      data: { dataset: 'fixture-fashion' },
      recipe: { ...small, steps: 500 },
    }),
    client.jobs.add({
      kind: 'learn',
      data: { dataset: 'fixture-fashion' },
      recipe: { ...small, steps: 500 },
    }),
  ]);
  expect((await client.jobs.pause(second!.id)).state).toBe('paused');
  // the last that was asked for is what holds
  const turns = [client.jobs.pause(first!.id), client.jobs.resume(first!.id)];
  expect((await Promise.all(turns)).map(({ state }) => state)).toEqual([
    'paused',
    expect.stringMatching(/queued|running/),
  ]);
  expect((await client.jobs.pause(first!.id)).state).toBe('paused');
  for (const { id } of [first!, second!]) expect((await client.jobs.remove(id)).state).toBe('cancelled');
});

test('a bound on the error is kept by jobs that encode, build and add', async () => {
  const client = new FunctaClient(server.url);
  await client.putModel('map', new Uint8Array(await readFile(pathOfKind('map'))));
  const signal = kinds.map.signal(70);
  const bytes = signalToNpy(signal);
  const maxError = 0.5;
  const beyond = (decoded: Uint8Array) => {
    const { data } = readNpy(decoded);
    return signal.values.filter((v, i) => Math.abs(v - data[i]!) > maxError).length;
  };
  const upload = async () => ({ upload: (await client.jobs.upload(bytes)).id });
  const made = async (job: JobRequest) => client.jobs.wait((await client.jobs.add(job)).id);

  const { id } = await made({ kind: 'encode', model: 'map', data: await upload(), maxError });
  const file = new Uint8Array(await (await ask(`/v1/jobs/${id}/result`)).arrayBuffer());
  expect(beyond(await client.decode('map', file, { format: 'npy' }))).toBe(0);
  await made({ kind: 'build', functaset: 'bounded', model: 'map', data: await upload(), maxError });
  await made({
    kind: 'add',
    functaset: 'bounded',
    data: await upload(),
    type: 'application/x-npy',
    id: 'one',
    maxError,
  });
  let functions = 0;
  for await (const { id: own } of client.functions('bounded')) {
    functions++;
    if (own === 'one') expect(beyond(await client.function('bounded', own, { format: 'npy' }))).toBe(0);
  }
  expect(functions).toBe(2);
  for (const wrong of [0, '1', 'half%'])
    expect((await add({ kind: 'encode', model: 'map', data: { upload: 'a' }, maxError: wrong })).status).toBe(
      422,
    );
  const refused = await add({ kind: 'encode', model: 'map', data: await upload(), maxError, quality: 5 });
  expect((await over(refused.json.id)).fault?.code).toBe('max-error');
  const async = await ask('/v1/models/map/encode?max-error=0.5', {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { prefer: 'respond-async', 'content-type': 'application/octet-stream' },
  });
  expect(async.status).toBe(202);
  const { id: later } = (await async.json()) as Job;
  await over(later);
  const found = new Uint8Array(await (await ask(`/v1/jobs/${later}/result`)).arrayBuffer());
  expect(found).toEqual(file);
});

test('what signals say beside their values is left out by jobs that build and add, where that is asked for', async () => {
  const client = new FunctaClient(server.url);
  await client.putModel('fields', new Uint8Array(await readFile(pathOfKind('map'))));
  const bytes = new Uint8Array(await readFile('test/fixtures/signals/map.nc'));
  const data = { upload: (await client.jobs.upload(bytes)).id };
  const made = async (job: JobRequest) => client.jobs.wait((await client.jobs.add(job)).id);
  await made({ kind: 'build', functaset: 'bare', model: 'fields', data, keep: 'none' });
  const again = { upload: (await client.jobs.upload(bytes)).id };
  const type = 'application/x-netcdf';
  await made({ kind: 'add', functaset: 'bare', data: again, type, id: 'placed', keep: 'axes' });
  const names: Record<string, string[]> = {};
  for await (const { id } of client.functions('bare'))
    names[id] = readNetcdf(await client.function('bare', id, { format: 'netcdf' })).map(({ name }) => name);
  const { placed, ...others } = names;
  expect(placed).toEqual(expect.arrayContaining(['lat', 'lon']));
  expect(Object.values(others)).toHaveLength(1);
  expect(Object.values(others)[0]).not.toContain('lat');
});

test('every example of the client does what it says', async () => {
  const client = new FunctaClient(server.url);
  const job = await client.jobs.add({
    kind: 'build',
    functaset: 'example',
    model: 'tiny',
    data: { dataset: 'fixture-fashion' },
    limit: 4,
  });
  const modelFile = new Uint8Array(await readFile(join(serving.directory, 'tiny.safetensors')));
  const picture = await png();
  const { bytes: functaFile } = await client.encode('tiny', picture);
  const setting = { client, job, modelFile, picture, functaFile, console: { log: () => undefined } };
  const names = await runExamples(
    ['server/client/client.ts', 'server/client/jobs.ts', 'server/client/models.ts'],
    setting,
  );
  expect(names).toEqual(
    expect.arrayContaining([
      'inspect',
      'peer',
      'add',
      'list',
      'get',
      'remove',
      'events',
      'wait',
      'result',
      'upload',
      'putModel',
    ]),
  );
});

test('functions are added to a functaset that is there, from data and from what was posted', async () => {
  const client = new FunctaClient(server.url);
  await client.createFunctaset('grows', { model: 'tiny' });
  const built = await add({
    kind: 'add',
    functaset: 'grows',
    data: { dataset: 'fixture-fashion' },
    split: 'test',
    limit: 3,
  });
  expect((await over(built.json.id)).result?.figures).toMatchObject({ functions: 3, added: 3, there: 0 });
  const picture = await png();
  const send = (query: string, body: Uint8Array, headers: Record<string, string>) =>
    ask(`/v1/functasets/grows/functions${query}`, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: { prefer: 'respond-async', ...headers },
    });
  const type = { 'content-type': 'image/png' };
  const posted = await send('?id=one&label=7&metadata={"shelf":7}', picture, {
    ...type,
    'idempotency-key': 'p',
  });
  expect([posted.status, posted.headers.get('preference-applied')]).toEqual([202, 'respond-async']);
  const first = (await posted.json()) as Job;
  expect((await over(first.id)).result).toMatchObject({
    functaset: 'grows',
    figures: { functions: 1, added: 1 },
  });
  // as it would have been put at once
  await client.addFunction('grows', picture, {
    id: 'at-once',
    label: 7,
    metadata: { shelf: 7 },
    type: 'image/png',
  });
  const file = (id: string) => client.function('grows', id, { format: 'functa' });
  expect(await file('one')).toEqual(await file('at-once'));
  expect(await client.functionInfo('grows', 'one')).toMatchObject({ label: 7, metadata: { shelf: 7 } });
  const again = await send('?id=one&label=7&metadata={"shelf":7}', picture, {
    ...type,
    'idempotency-key': 'p',
  });
  expect(((await again.json()) as Job).id).toBe(first.id);
  const other = await send('?id=two', picture, { ...type, 'idempotency-key': 'p' });
  expect(other.status).toBe(422);
  const batch = {
    functions: [
      { id: 'one', data: Buffer.from(picture).toString('base64') },
      { id: 'bad', data: 'AAEC' },
    ],
  };
  const json = { 'content-type': 'application/json' };
  const refused = (await (await send('', Buffer.from(JSON.stringify(batch)), json)).json()) as Job;
  expect((await over(refused.id)).result?.figures).toEqual({ functions: 1, refused: 1, added: 0, there: 1 });
  const nothing = (await (await send('', Buffer.from('no picture'), type)).json()) as Job;
  expect((await over(nothing.id)).fault?.code).toBe('all-failed');
  const none = await add({ kind: 'add', functaset: 'none', data: { dataset: 'fixture-fashion' } });
  expect([none.status, none.json.code]).toEqual([404, 'unknown-functaset']);
  expect((await client.functaset('grows')).functions).toBe(5);
}, 120_000);

test('a form of functions is kept by a job, sent again under its key it is the same job', async () => {
  const client = new FunctaClient(server.url);
  await client.createFunctaset('forms', { model: 'tiny' });
  const send = async (extra: string) => {
    const form = new FormData();
    for (const side of [28, 29]) form.append('pictures', new Blob([await png(side, 28)]), `${side}.png`);
    form.append('pictures', new Blob([`no picture${extra}`]), 'bad.png');
    form.append('items', JSON.stringify([{ id: 'one', metadata: { shelf: 7 } }, { label: 'shoe' }, {}]));
    const headers = { prefer: 'respond-async', 'idempotency-key': 'form' };
    return ask('/v1/functasets/forms/functions', { method: 'POST', headers, body: form });
  };
  const posted = await send('');
  const { id } = (await posted.json()) as Job;
  expect([posted.status, posted.headers.get('preference-applied')]).toEqual([202, 'respond-async']);
  expect((await over(id)).result).toMatchObject({
    functaset: 'forms',
    figures: { functions: 2, refused: 1, added: 2 },
  });
  expect(await client.functionInfo('forms', 'one')).toMatchObject({ metadata: { shelf: 7 } });
  expect(await client.functionInfo('forms', '29')).toMatchObject({ label: 'shoe', shape: [28, 29] });
  // each form has a boundary of its own
  expect(((await (await send('')).json()) as Job).id).toBe(id);
  expect((await send('!')).status).toBe(422);
});

test('a job comes with the file that it is about, in one form', async () => {
  const client = new FunctaClient(server.url);
  const uploadsThere = readdirSync(join(home, 'uploads', 'default'));
  const archive = await create({ cwd: photos, gzip: true, portable: true }, ['shop']).concat();
  const build = { kind: 'build', functaset: 'in-one', model: 'tiny' } as const;
  const asked = await client.jobs.addWithFile(build, archive, { idempotencyKey: 'in-one' });
  expect((await client.jobs.wait(asked.id)).result).toMatchObject({ figures: { functions: 3 } });
  expect((await client.jobs.addWithFile(build, archive, { idempotencyKey: 'in-one' })).id).toBe(asked.id);
  const other = client.jobs.addWithFile(build, archive.subarray(1), { idempotencyKey: 'in-one' });
  await expect(other).rejects.toMatchObject({ code: 'idempotency-mismatch' });
  const send = async (parts: readonly (readonly [string, string | Blob])[]) => {
    const form = new FormData();
    for (const [name, value] of parts) form.append(name, value);
    const response = await ask('/v1/jobs', { method: 'POST', body: form });
    const { id, code, state } = (await response.json()) as Job & { readonly state: string };
    return { status: response.status, id, what: code ?? state };
  };
  const encode = { kind: 'encode', model: 'tiny' };
  const picture = ['file', new Blob([await png()])] as const;
  const job = (said: unknown) => ['job', JSON.stringify(said)] as const;
  const refusals = [
    [[picture], 422, 'bad-multipart'],
    [[job(encode)], 422, 'bad-parameter'],
    [[job({ ...encode, data: { upload: '0'.repeat(26) } }), picture], 422, 'bad-multipart'],
    [[job({ ...encode, model: 'none' }), picture], 404, 'unknown-model'],
    [[job(encode), picture, picture], 422, 'bad-multipart'],
    [[['job', '{'], picture], 400, 'malformed-json'],
    [[job([1]), picture], 422, 'bad-parameter'],
  ] as const;
  for (const [parts, status, code] of refusals)
    expect(await send(parts), JSON.stringify(parts)).toMatchObject({ status, what: code });
  const { id, ...taken } = await send([picture, job(encode)]);
  expect(taken).toEqual({ status: 202, what: 'queued' });
  expect((await over(id)).state).toBe('done');
  // nothing is left of what came with jobs, whether they were taken in or refused
  expect(readdirSync(join(home, 'uploads', 'default'))).toEqual(uploadsThere);
});

test('what a namespace did not ask for is not there, and what is too much is refused with its limit', async () => {
  const { json } = await add({ kind: 'encode', model: 'tiny', data: { upload: await upload(await png()) } });
  await over(json.id);
  const keys = join(home, 'keys');
  const other = createKey(keys, { scope: 'admin', namespace: 'other' });
  const headers = { authorization: `Bearer ${other.key}` };
  for (const path of ['', '/events', '/result']) {
    const response = await ask(`/v1/jobs/${json.id}${path}`, { headers });
    expect([response.status, ((await response.json()) as Job).code], path).toEqual([404, 'unknown-job']);
  }
  expect((await ask(`/v1/jobs/${json.id}`, { headers, method: 'DELETE' })).status).toBe(404);
  expect(await (await ask('/v1/jobs', { headers })).json()).toEqual({ jobs: [] });
  const mine = createKey(keys, { scope: 'admin', namespace: 'default' });
  const own = { authorization: `Bearer ${mine.key}` };
  const data = { dataset: 'fixture-fashion' };
  const refusals = [
    [{ kind: 'learn', data, recipe: { ...small, steps: 501 } }, 413, 'limit-job-steps'],
    [{ kind: 'learn', data, recipe: { ...small, batch: 2 ** 20 } }, 413, 'limit-step-values'],
    [{ kind: 'learn', data, recipe: 'nothing' }, 422, 'unknown-recipe'],
    [{ kind: 'learn', data, recipe: {} }, 422, 'bad-recipe'],
    [{ kind: 'learn', data: { dataset: '../..' }, recipe: small }, 404, 'unknown-dataset'],
    [{ kind: 'learn', data: { dataset: 'images:/etc' }, recipe: small }, 404, 'unknown-dataset'],
    [{ kind: 'build', functaset: '../x', model: 'tiny', data }, 422, 'bad-parameter'],
    [{ kind: 'build', functaset: 'shoes', model: 'tiny', data }, 409, 'name-taken'],
    [{ kind: 'build', functaset: 'x', model: 'none', data }, 404, 'unknown-model'],
    [{ kind: 'prior', model: 'tiny', data, kinds: ['histogram'] }, 409, 'model-of-operator'],
    [{ kind: 'encode', model: 'tiny', data: { upload: '0'.repeat(26) } }, 404, 'unknown-upload'],
  ] as const;
  for (const [job, status, code] of refusals) {
    const found = await add(job, own);
    expect([found.status, found.json.code], JSON.stringify(job)).toEqual([status, code]);
  }
  const asked = { kind: 'build', functaset: 'twice', model: 'tiny', data, limit: 2 };
  const first = await add(asked, { ...own, 'idempotency-key': 'one' });
  expect((await add(asked, { ...own, 'idempotency-key': 'one' })).json.id).toBe(first.json.id);
  const differs = await add({ ...asked, limit: 3 }, { ...own, 'idempotency-key': 'one' });
  expect([differs.status, differs.json.code]).toEqual([422, 'idempotency-mismatch']);
});
