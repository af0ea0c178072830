import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
const home = mkdtempSync(join(tmpdir(), 'functa-home-'));

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start({ home });
}, 300_000);

afterAll(async () => {
  await serving?.stop();
  rmSync(home, { recursive: true, force: true });
});

interface Job {
  readonly id: string;
  readonly code?: string;
}

interface Told {
  readonly id: number;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

const ask = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);

async function add(job: unknown, headers: Record<string, string> = {}) {
  const response = await ask('/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(job),
  });
  return { status: response.status, json: (await response.json()) as Job };
}

async function eventsOf(id: string, after = 0): Promise<Told[]> {
  const response = await ask(`/v1/jobs/${id}/events`, { headers: { 'last-event-id': String(after) } });
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((part) => part.startsWith('id:'))
    .map((part) => {
      const [, n, type, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(part)!;
      return { id: Number(n), type: type!, data: JSON.parse(data!) };
    });
}

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
