import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { recordJson } from '../../server/index.ts';
import { durationBuckets } from '../../server/metrics.ts';
import { prepare, type Serving } from './serving.ts';

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
