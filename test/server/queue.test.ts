import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, type RunningWorker, startWorker } from '../../server/index.ts';
import { tinyRecipe } from '../../src/jobs/testing.ts';
import { withPostgres } from '../postgres.ts';
import { png, prepare, type Serving } from './serving.ts';

withPostgres('jobs of servers that share a database', {}, (cluster) => {
  let serving: Serving;
  let url: string;
  let [a, b]: RunningServer[] = [];
  let worker: RunningWorker;
  const home = mkdtempSync(join(tmpdir(), 'functa-worker-'));

  const work = (name: string, leaseMs?: number) =>
    startWorker({
      ...{ store: url, home: join(home, name), modelsDir: serving.directory, leaseMs },
      engine: serving.engine.name,
    });

  beforeAll(async () => {
    serving = await prepare();
    url = await cluster().database();
    a = await serving.start({ home: join(home, 'a'), store: url });
    b = await serving.start({ home: join(home, 'b'), store: url });
    worker = await work('first');
  }, 300_000);
  afterAll(async () => {
    await worker?.close();
    await serving?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  // biome-ignore lint/suspicious/noExplicitAny: answers of many routes
  const jsonOf = (answer: Response): Promise<any> => answer.json();
  const add = async (server: RunningServer, job: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(job),
    });
    return { status: answer.status, json: await jsonOf(answer) };
  };
  const upload = async (server: RunningServer, bytes: Uint8Array): Promise<string> => {
    const answer = await fetch(`${server.url}/v1/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
    expect(answer.status).toBe(201);
    return (await jsonOf(answer)).id;
  };
  /** All events, to the last. */
  const events = async (server: RunningServer, id: string, after = 0) => {
    const headers = { 'last-event-id': String(after) };
    const text = await (await fetch(`${server.url}/v1/jobs/${id}/events`, { headers })).text();
    return [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)].map(([, n, type, data]) => ({
      id: Number(n),
      type: type!,
      data: JSON.parse(data!),
    }));
  };
  const jobAt = async (server: RunningServer, id: string) =>
    jsonOf(await fetch(`${server.url}/v1/jobs/${id}`));
  const status = async (server: RunningServer, path: string) => (await fetch(`${server.url}${path}`)).status;
  const data = { dataset: 'fixture-fashion' };
  const small = { ...tinyRecipe, steps: 12, phases: { distortion: 6, rounded: 2, coded: 0 } };

  test('one takes a job in, a worker does it, another tells of it as it goes; what it made is on both', async () => {
    const { status: accepted, json } = await add(a!, {
      ...{ kind: 'build', functaset: 'built', model: 'tiny', data, split: 'test' },
    });
    expect([accepted, json.state]).toEqual([202, 'queued']);
    const told = await events(b!, json.id);
    expect(told.map(({ id }) => id)).toEqual(told.map((_, i) => i + 1));
    expect(told.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['state', 'start', 'progress', 'end']),
    );
    expect(told.at(-1)!.data).toMatchObject({ state: 'done', result: { functaset: 'built' } });
    expect(await events(a!, json.id, told.length - 1)).toEqual(told.slice(-1));
    for (const server of [a!, b!]) {
      await expect.poll(() => status(server, '/v1/functasets/built')).toBe(200);
      expect(await jobAt(server, json.id)).toMatchObject({ state: 'done', kind: 'build' });
      const result = await fetch(`${server.url}/v1/jobs/${json.id}/result`);
      expect(await jsonOf(result)).toMatchObject({ name: 'built', functions: 8, model: 'tiny' });
    }
  });

  test('an upload to one is encoded by a worker, and the file is had from the other', async () => {
    const id = await upload(a!, await png(28, 28));
    const { json } = await add(b!, { kind: 'encode', model: 'tiny', data: { upload: id }, effort: 1 });
    expect((await events(a!, json.id)).at(-1)!.data).toMatchObject({ state: 'done' });
    const result = await fetch(`${a!.url}/v1/jobs/${json.id}/result`);
    expect(result.headers.get('content-type')).toBe('application/vnd.functa');
    const bytes = new Uint8Array(await result.arrayBuffer());
    expect(bytes.length).toBe((await jobAt(b!, json.id)).result.fileBytes);
    const removed = await fetch(`${b!.url}/v1/jobs/${json.id}`, { method: 'DELETE' });
    expect(removed.status).toBe(200);
    expect(await status(a!, `/v1/jobs/${json.id}`)).toBe(404);
    const left = cluster().sql(`SELECT count(*) FROM functa.files WHERE kind = 'result'`, 'test1');
    expect(left).toBe('0');
  });

  test('a model that was learnt is served by all, and priors are trained of it', async () => {
    const { json } = await add(a!, { kind: 'learn', model: 'mine', data, recipe: small });
    expect((await events(b!, json.id)).at(-1)!.data).toMatchObject({ state: 'done' });
    for (const server of [a!, b!]) await expect.poll(() => status(server, '/v1/models/mine')).toBe(200);
    const { json: trained } = await add(b!, {
      ...{ kind: 'prior', model: 'mine', data, kinds: ['histogram'] },
    });
    expect((await events(a!, trained.id)).at(-1)!.data).toMatchObject({ state: 'done' });
    const { modelId } = (await jobAt(a!, trained.id)).result;
    for (const server of [a!, b!])
      await expect
        .poll(async () => (await jsonOf(await fetch(`${server.url}/v1/models/mine`))).id)
        .toBe(modelId);
  });

  test('a job is paused by one server and resumed by the other', async () => {
    const turn = async (server: RunningServer, id: string, what: string) => {
      const answer = await fetch(`${server.url}/v1/jobs/${id}/${what}`, { method: 'POST' });
      return jsonOf(answer);
    };
    const long = { ...small, steps: 60, phases: { distortion: 30, rounded: 10, coded: 0 } };
    const { json } = await add(a!, { kind: 'learn', model: 'long', data, recipe: long });
    await expect
      .poll(async () => (await jobAt(a!, json.id)).progress?.done ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(0);
    expect((await turn(b!, json.id, 'pause')).state).toBe('paused');
    const { json: other } = await add(a!, { kind: 'learn', model: 'short', data, recipe: small });
    expect((await events(b!, other.id)).at(-1)!.data).toMatchObject({ state: 'done' });
    expect((await jobAt(b!, json.id)).state).toBe('paused');
    expect((await turn(a!, json.id, 'resume')).state).toMatch(/queued|running/);
    expect((await events(b!, json.id)).at(-1)!.data).toMatchObject({ state: 'done' });
    expect((await turn(a!, json.id, 'resume')).code).toBe('job-over');
  });

  test('functions are added to a functaset of the database, once however often they are asked for', async () => {
    const id = await upload(a!, await png(28, 28));
    const job = { kind: 'add', functaset: 'built', data: { upload: id }, type: 'image/png', id: 'one' };
    const first = await add(a!, job, { 'idempotency-key': 'k' });
    const again = await add(b!, job, { 'idempotency-key': 'k' });
    expect(again.json.id).toBe(first.json.id);
    expect((await add(b!, { ...job, id: 'two' }, { 'idempotency-key': 'k' })).json.code).toBe(
      'idempotency-mismatch',
    );
    expect((await events(b!, first.json.id)).at(-1)!.data.result.figures).toMatchObject({
      added: 1,
      there: 0,
    });
    const more = await add(b!, job);
    expect((await events(a!, more.json.id)).at(-1)!.data.result.figures).toMatchObject({
      added: 0,
      there: 1,
    });
    await expect.poll(() => status(a!, '/v1/functasets/built/functions/one')).toBe(200);
  });

  test('what a worker cannot do fails with a code; what no worker could is refused', async () => {
    expect((await add(a!, { kind: 'build', functaset: 'built', model: 'tiny', data })).json.code).toBe(
      'name-taken',
    );
    const local = { kind: 'add', functaset: 'shoes', data };
    expect((await add(a!, local)).json.code).toMatch(/not-shared|scope-needed/);
    const { json } = await add(a!, {
      kind: 'encode',
      model: 'tiny',
      data: { upload: await upload(a!, new Uint8Array(40)) },
    });
    expect((await events(b!, json.id)).at(-1)!.data).toMatchObject({
      state: 'failed',
      fault: { code: expect.any(String) },
    });
    const damaged = await upload(a!, await png(28, 28));
    cluster().sql(
      `UPDATE functa.file_parts SET bytes = set_byte(bytes, 20, 7) WHERE file = '${damaged}'`,
      'test1',
    );
    const { json: asked } = await add(a!, { kind: 'encode', model: 'tiny', data: { upload: damaged } });
    expect((await events(b!, asked.id)).at(-1)!.data).toMatchObject({ fault: { code: 'store-damaged' } });
  });
});
