import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let home: string;
let picture: Uint8Array;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  home = mkdtempSync(join(tmpdir(), 'functa-home-'));
  server = await serving.start({ home });
  picture = await png();
}, 120_000);

afterAll(async () => {
  await serving.stop();
  rmSync(home, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: answers of many routes
type Json = any;

const send = (method: string, path: string, init: RequestInit & { json?: unknown } = {}) => {
  const { json, headers, ...rest } = init;
  return fetch(`${server.url}/v1/functasets${path}`, {
    method,
    ...rest,
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
};
const body = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;
const post = (path: string, bytes: Uint8Array, headers: Record<string, string> = {}) =>
  send('POST', path, { body: body(bytes), headers: { 'content-type': 'image/png', ...headers } });
const create = async (name: string) =>
  expect((await send('PUT', `/${name}`, { json: { model: 'tiny' } })).status).toBe(201);

describe('a functaset over HTTP', () => {
  it('is made once, listed, filled, read and taken away', async () => {
    const made = await send('PUT', '/mine', { json: { model: 'tiny' } });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/v1/functasets/mine');
    expect(await made.json()).toMatchObject({ name: 'mine', functions: 0, model: 'tiny' });
    expect((await send('PUT', '/mine', { json: { model: 'tiny' } })).status).toBe(200);

    const put = await post('/mine/functions?id=one&label=7', picture);
    expect(put.status).toBe(201);
    const { functions, errors } = (await put.json()) as Json;
    expect(errors).toEqual([]);
    expect(functions).toMatchObject([{ id: 'one', label: 7, shape: [28, 28], metadata: {} }]);
    expect(functions[0].psnrDb).toBeGreaterThan(5);

    const got = await send('GET', '/mine/functions/one', { headers: { accept: 'application/json' } });
    expect(await got.json()).toEqual(functions[0]);
    const drawn = await send('GET', '/mine/functions/one');
    expect([drawn.status, drawn.headers.get('content-type')]).toEqual([200, 'image/png']);

    const listed = (await (await send('GET', '')).json()) as Json;
    expect(listed.functasets.map(({ name }: Json) => name)).toEqual(['mine', 'shoes']);
    expect((await send('DELETE', '/mine')).status).toBe(204);
    expect((await send('GET', '/mine/functions/one')).status).toBe(404);
    expect((await send('PUT', '/mine', { json: { model: 'tiny' } })).status).toBe(201);
    expect(((await (await send('GET', '/mine')).json()) as Json).functions).toBe(0);
  });
});
void create;
