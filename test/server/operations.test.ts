import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type JobError, type JobRequest, ProblemError } from '../../server/client/client.ts';
import { createKey, FunctaClient, recordJson } from '../../server/index.ts';
import { durationBuckets } from '../../server/operations/metrics.ts';
import { restoreFunctaset } from '../../src/functaset/index.ts';
import { tinyRecipe } from '../../src/jobs/testing.ts';
import { rounds } from '../rounds.ts';
import { hasSmallDisks, smallDisk } from '../small-disk.ts';
import { png, prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 120_000 });

let serving: Serving;
beforeAll(async () => {
  serving = await prepare();
}, 120_000);
afterAll(() => serving.stop());

it('counts requests by route and status on a port of its own, with no label that a client chooses', async () => {
  const server = await serving.start({ metricsPort: 0 });
  const ask = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);
  await Promise.all([
    ask('/v1/models/tiny'),
    ask('/v1/models/no-such-model'),
    ask('/made/up/path'),
    ask('/livez', { method: 'PURGE' }),
  ]);
  // an answer counts when it is out
  const text = await vi.waitFor(async () => {
    const found = await (await fetch(server.metricsUrl!)).text();
    expect(found.match(/^functa_requests_total\{.*$/gm)).toHaveLength(4);
    return found;
  });
  expect(text.match(/^functa_requests_total\{.*$/gm)!.sort()).toEqual([
    'functa_requests_total{method="GET",route="/v1/models/{m}",status="2xx"} 1',
    'functa_requests_total{method="GET",route="/v1/models/{m}",status="4xx"} 1',
    'functa_requests_total{method="GET",route="none",status="4xx"} 1',
    'functa_requests_total{method="other",route="none",status="4xx"} 1',
  ]);
  expect(text).not.toMatch(/no-such-model|made\/up|PURGE|Infinity/);
  expect(text).toContain('functa_problems_total{code="unknown-model"} 1');
  expect(text).toMatch(/^functa_pool_threads [1-9]/m);
  expect(text).toMatch(/^functa_functaset_bytes [1-9]\d{3}/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d/m);
  const bounds = [
    ...text.matchAll(/functa_request_seconds_bucket\{le="([\d.]+)",method="GET",route="none"/g),
  ];
  expect(bounds.map(([, bound]) => Number(bound))).toEqual([...durationBuckets]);
  expect([...durationBuckets].sort((a, b) => a - b)).toEqual([...durationBuckets]);
  expect((await fetch(server.metricsUrl!.replace('/metrics', '/'))).status).toBe(404);
  expect((await ask('/metrics')).status).toBe(404);
});

it('writes records in the form of pino, without queries, bodies or keys', async () => {
  const server = await serving.start();
  serving.records.length = 0;
  await fetch(`${server.url}/v1/models/tiny?secret=1`, { headers: { authorization: 'Bearer hush-hush' } });
  const record = await vi.waitFor(() => {
    expect(serving.records).toHaveLength(1);
    return serving.records[0]!;
  });
  const line = recordJson(record);
  expect(line).not.toMatch(/hush|secret/);
  expect(JSON.parse(line)).toMatchObject({
    level: 30,
    time: expect.any(Number),
    pid: process.pid,
    msg: 'request',
    id: expect.stringMatching(/^[\w-]{8,}$/),
    method: 'GET',
    path: '/v1/models/tiny',
    route: '/v1/models/{m}',
    status: 401,
    code: 'key-unknown',
  });
  const fault = { ...record, status: 500, code: 'bug', error: 'Error: x\n    at y' };
  expect(JSON.parse(recordJson(fault))).toMatchObject({ level: 50, err: { message: 'Error: x' } });
});

it('takes snapshots while functions are put, gives them in parts, and makes functasets of them', async () => {
  const home = join(serving.directory, 'home-snapshots');
  const server = await serving.start({ home, maxSnapshots: 2 });
  const base = `${server.url}/v1/functasets`;
  const json = { 'content-type': 'application/json' };
  const made = await fetch(`${base}/mine`, { method: 'PUT', headers: json, body: '{"model":"tiny"}' });
  expect(made.status).toBe(201);
  const functa = await new FunctaClient(server.url).function('shoes', await firstId(server.url), {
    format: 'functa',
  });
  const put = (id: string) =>
    fetch(`${base}/mine/functions/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.functa' },
      body: functa as Uint8Array<ArrayBuffer>,
    });
  expect((await put('a')).status).toBe(201);
  const [taken] = await Promise.all([
    fetch(`${base}/mine/snapshots`, { method: 'POST' }),
    ...['b', 'c', 'd'].map(put),
  ]);
  expect(taken.status).toBe(201);
  const snapshot = (await taken.json()) as {
    functions: number;
    bytes: number;
    sha256: string;
    links: { self: string; restore: string };
  };
  const address = `${server.url}${snapshot.links.self}`;
  const whole = new Uint8Array(await (await fetch(address)).arrayBuffer());
  expect(whole.length).toBe(snapshot.bytes);
  expect(createHash('sha256').update(whole).digest('hex')).toBe(snapshot.sha256);
  const ranges = {
    'bytes=0-99': [0, 100],
    'bytes=4000-': [4000, whole.length],
    'bytes=-10': [whole.length - 10, whole.length],
  };
  for (const [range, [start, end]] of Object.entries(ranges)) {
    const part = await fetch(address, { headers: { range } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes ${start}-${end! - 1}/${whole.length}`,
    ]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.subarray(start, end));
  }
  expect((await fetch(address, { headers: { range: `bytes=${whole.length}-` } })).status).toBe(416);
  expect((await fetch(address, { headers: { 'if-none-match': `"${snapshot.sha256}"` } })).status).toBe(304);
  const restore = (name: string) =>
    fetch(`${server.url}${snapshot.links.restore}`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ name }),
    });
  expect((await restore('mine')).status).toBe(409);
  const restored = await restore('again');
  expect([restored.status, await restored.json()]).toEqual([
    201,
    expect.objectContaining({ name: 'again', functions: snapshot.functions, model: 'tiny' }),
  ]);
  expect((await fetch(`${base}/again/functions/a`, { headers: { accept: 'application/json' } })).status).toBe(
    200,
  );
  // by the command line as well
  const file = join(serving.directory, 'one.backup');
  writeFileSync(file, whole);
  expect(await restoreFunctaset(file, join(serving.directory, 'by-hand'))).toMatchObject({
    sha256: snapshot.sha256,
  });
  // and by the client
  const client = new FunctaClient(server.url);
  const [known] = await client.snapshots.list('mine');
  expect(known).toEqual(snapshot);
  expect(await client.snapshots.file('mine', known!.id, { range: [4, 90] })).toEqual(whole.subarray(4, 90));
  const byClient = await client.snapshots.restore('mine', known!.id, { name: 'by-client' });
  expect(byClient).toMatchObject({ name: 'by-client', functions: snapshot.functions });
  // they outlive their functaset, and are bounded
  expect((await client.snapshots.take('mine')).functions).toBe(4);
  expect((await fetch(`${base}/mine/snapshots`, { method: 'POST' })).status).toBe(409);
  expect((await fetch(`${base}/mine`, { method: 'DELETE' })).status).toBe(204);
  const listed = (await (await fetch(`${base}/mine/snapshots`)).json()) as { snapshots: unknown[] };
  expect(listed.snapshots).toHaveLength(2);
  expect((await fetch(address, { method: 'DELETE' })).status).toBe(204);
  expect((await fetch(address)).status).toBe(404);
  const folder = join(home, 'snapshots', 'default', 'mine');
  expect(readdirSync(folder)).toHaveLength(2);
  // of what the operator serves, with the scope admin alone
  const { key } = createKey(join(home, 'keys'), { scope: 'write', namespace: 'default' });
  const shoes = await fetch(`${base}/shoes/snapshots`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  });
  expect(shoes.status).toBe(403);
});

const python = spawnSync('python3', ['--version']);

it.skipIf(python.error !== undefined || python.status !== 0)(
  `is used from Python with its standard library alone${python.error ? ' (left out: there is no python3 here)' : ''}`,
  async () => {
    const home = join(serving.directory, 'home-python');
    const server = await serving.start({ home });
    const { key } = createKey(join(home, 'keys'), { scope: 'write', namespace: 'default' });
    const file = join(serving.directory, 'picture.png');
    writeFileSync(file, await png());
    const program = join(import.meta.dirname, '../../examples/python/client.py');
    const { stdout } = await promisify(execFile)('python3', [program, server.url, 'tiny', file], {
      env: { ...process.env, FUNCTA_KEY: key },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      larger: '89504e470d0a1a0a',
      near: [],
      missing: 'unknown-function',
    });
  },
);

async function firstId(url: string): Promise<string> {
  const page = (await (await fetch(`${url}/v1/functasets/shoes/functions?limit=1`)).json()) as {
    functions: { id: string }[];
  };
  return page.functions[0]!.id;
}

it.skipIf(!hasSmallDisks)(
  'goes on reading while its disk is full: jobs fail in words, leave nothing, and are done once there is room',
  async () => {
    const disk = smallDisk('8m');
    const home = join(disk.directory, 'home');
    const server = await serving.start({ home });
    const client = new FunctaClient(server.url);
    await client.createFunctaset('kept', { model: 'tiny' });
    await client.addFunction('kept', await png(), { id: 'one', type: 'image/png' });
    const before = await client.function('kept', 'one', { format: 'functa' });
    const data = { dataset: 'fixture-fashion' };
    const small = { ...tinyRecipe, steps: 4, phases: { distortion: 2, rounded: 1, coded: 0 } };
    const kinds: JobRequest[] = [
      { kind: 'build', functaset: 'built', model: 'tiny', data, split: 'test' },
      { kind: 'add', functaset: 'kept', data, split: 'test' },
      { kind: 'learn', model: 'learnt', data, recipe: small },
      { kind: 'prior', model: 'tiny', as: 'priors', data, limit: 16, kinds: ['histogram'] },
    ];
    const outcomes = new Set<string>();
    const ask = async (job: JobRequest) => {
      const { id } = await client.jobs.add(job);
      const { state, fault } = await client.jobs.wait(id).catch(({ job }: JobError) => job);
      expect(await client.function('kept', 'one', { format: 'functa' })).toEqual(before);
      expect(readdirSync(join(home, 'jobs', id))).not.toContain('work');
      await client.jobs.remove(id);
      return fault?.code ?? state;
    };
    for (const job of kinds.slice(0, rounds(1, kinds.length))) {
      for (const free of [0, 4, 24, 96, 300].slice(rounds(3, 0), rounds(4, 5))) {
        disk.fill(free * 1024);
        outcomes.add(await ask(job).catch((error) => (error instanceof ProblemError ? error.code : error)));
        disk.free();
        expect(await client.functasets()).toHaveLength(2);
      }
      expect(await ask(job)).toBe('done');
      if (job.kind === 'build') await client.deleteFunctaset('built');
    }
    expect([...outcomes]).toEqual(['disk-full']);
    const left = readdirSync(home, { recursive: true }).map(String);
    expect(left.filter((name) => /\.tmp$|checkpoint|^jobs\/./.test(name))).toEqual([]);
    await server.close();
  },
);
