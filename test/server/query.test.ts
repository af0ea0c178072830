import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { damageRecord } from '../../src/functaset/testing.ts';
import { png, prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let serving: Serving;
let server: RunningServer;

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start();
});
afterAll(() => serving.stop());

function post(query: unknown, accept = 'application/json'): Promise<Response> {
  return fetch(`${server.url}/v1/functasets/shoes/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify(query),
  });
}

describe('POST /v1/functasets/{s}/query', () => {
  it('answers with one object', async () => {
    const { items } = (await (await post({ kind: 'where' })).json()) as { items: { id: string }[] };
    expect(items).toHaveLength(8);
    const response = await post({ kind: 'near', id: items[0]!.id, k: 3 });
    expect(response.status).toBe(200);
    const answer = { kind: 'near', method: 'exact', searched: 8, next: expect.any(String) };
    expect(await response.json()).toMatchObject(answer);
  });

  it('gives what is near a page at a time, as lines too', async () => {
    const { items } = (await (await post({ kind: 'where', limit: 1 })).json()) as { items: { id: string }[] };
    const query = { kind: 'near', id: items[0]!.id, k: 4 };
    const first = (await (await post(query)).json()) as { items: unknown[]; next: string };
    const second = await (await post({ ...query, cursor: first.next }, 'application/x-ndjson')).text();
    const lines = second
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first.items).toHaveLength(4);
    expect(lines.slice(1, -1)).toHaveLength(3);
    expect(lines.at(-1)).toEqual({ next: null });
    for (const row of lines.slice(1, -1)) expect(first.items).not.toContainEqual(row);
  });

  it('takes a picture in base64', async () => {
    const file = Buffer.from(await png()).toString('base64');
    const response = await post({ kind: 'near', signal: { file }, k: 2 });
    expect(((await response.json()) as { items: unknown[] }).items).toHaveLength(2);
  });

  it('answers line by line: the head, the items, the cursor', async () => {
    const response = await post({ kind: 'where', limit: 3 }, 'application/x-ndjson');
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(5);
    expect(lines[0]).toEqual({ kind: 'where' });
    expect(lines[4].next).toEqual(expect.any(String));
  });

  it.each([
    [{ kind: 'near', id: 'nobody' }, 404, 'unknown-function'],
    [{ kind: 'where', filter: { labels: ['hat'] } }, 404, 'unknown-label'],
    [{ kind: 'unlikely', prior: 'diffusion' }, 422, 'prior-cannot'],
    [{ kind: 'near', id: 'x', k: 0 }, 422, 'bad-parameter'],
    [{ kind: 'aggregate', size: [1024, 1024] }, 413, 'limit-field-values'],
  ])('says what is wrong with %j', async (query, status, code) => {
    const response = await post(query);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe('a damaged function', () => {
  it('is named beside the rest, and asked for by name the fault of the server', async () => {
    const listed = async () =>
      (await (await fetch(`${server.url}/v1/functasets/shoes/functions`)).json()) as {
        functions: { id: string }[];
        damaged?: string[];
      };
    const [first, bad] = (await listed()).functions.map(({ id }) => id);
    await damageRecord(join(serving.directory, 'shoes'), bad!);
    expect(await listed()).toMatchObject({ damaged: [bad], next: null });
    for (const query of [{ kind: 'where' }, { kind: 'aggregate' }, { kind: 'near', id: first }]) {
      const response = await post(query);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ damaged: [bad] });
    }
    const lines = (await (await post({ kind: 'where' }, 'application/x-ndjson')).text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toEqual({ next: null, damaged: [bad] });
    for (const response of [
      await post({ kind: 'near', id: bad }),
      await fetch(`${server.url}/v1/functasets/shoes/functions/${encodeURIComponent(bad!)}`),
    ]) {
      expect(response.status).toBe(500);
      expect(response.headers.get('retry-after')).toBeNull();
      expect(await response.json()).toMatchObject({ code: 'function-damaged' });
    }
  });
});
