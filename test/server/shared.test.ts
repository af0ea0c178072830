import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { openFunctionStore } from '../../src/postgres/index.ts';
import { withPostgres } from '../postgres.ts';
import { png, prepare, type Serving } from './serving.ts';

withPostgres('servers that share a database', {}, (cluster) => {
  let serving: Serving;
  let url: string;
  let [a, b]: RunningServer[] = [];
  let picture: Uint8Array<ArrayBuffer>;

  beforeAll(async () => {
    serving = await prepare();
    url = await cluster().database();
    picture = (await png()) as Uint8Array<ArrayBuffer>;
    a = await serving.start({ home: join(serving.directory, 'a'), store: url });
    b = await serving.start({ home: join(serving.directory, 'b'), store: url });
  }, 120_000);
  afterAll(() => serving.stop());

  const send = (server: RunningServer, method: string, path: string, json?: unknown) =>
    fetch(`${server.url}/v1/functasets${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
  const put = (server: RunningServer, path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/v1/functasets${path}`, {
      method: 'POST',
      body: picture,
      headers: { 'content-type': 'image/png', ...headers },
    });
  // biome-ignore lint/suspicious/noExplicitAny: answers of many routes
  const jsonOf = (answer: Response): Promise<any> => answer.json();
  const status = async (answer: Promise<Response>) => (await answer).status;

  test('what one has acknowledged it gives at once, and the other soon', async () => {
    expect(await status(send(a!, 'PUT', '/mine', { model: 'tiny' }))).toBe(201);
    await expect.poll(() => status(send(b!, 'GET', '/mine'))).toBe(200);
    expect(await status(send(b!, 'PUT', '/mine', { model: 'tiny' }))).toBe(200);
    for (let i = 0; i < 5; i++) {
      const [writer, reader] = i % 2 === 0 ? [a!, b!] : [b!, a!];
      expect(await status(put(writer, `/mine/functions?id=one${i}&label=7`))).toBe(201);
      expect(await status(send(writer, 'GET', `/mine/functions/one${i}`))).toBe(200);
      await expect.poll(() => status(send(reader, 'GET', `/mine/functions/one${i}`))).toBe(200);
    }
    const near = await send(b!, 'POST', '/mine/query', { kind: 'near', id: 'one1', k: 2 });
    expect((await jsonOf(near)).items).toHaveLength(2);
    const shared = await openFunctionStore(`${url}#default/mine`, { readOnly: true });
    expect(await shared.verify()).toMatchObject({ ok: true, functions: 5 });
    await shared.close();
  });

  test('two that write one id: one of them does; a request that comes again to the other is answered as it was', async () => {
    const both = await Promise.all([a!, b!].map((server) => status(put(server, '/mine/functions?id=same'))));
    expect(both.sort()).toEqual([201, 409]);
    const key = { 'idempotency-key': 'k1' };
    const first = await put(a!, '/mine/functions?id=keyed', key);
    const again = await put(b!, '/mine/functions?id=keyed', key);
    expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([
      201,
      201,
      'true',
    ]);
    expect(await again.text()).toBe(await first.text());
  });

  test('what is changed, taken out and taken away by one is so for the other', async () => {
    expect(await status(send(b!, 'PATCH', '/mine/functions/one0', { label: 'new' }))).toBe(200);
    await expect
      .poll(async () => (await jsonOf(await send(a!, 'GET', '/mine/functions/one0'))).label)
      .toBe('new');
    expect(await status(send(a!, 'DELETE', '/mine/functions/one0'))).toBe(204);
    await expect.poll(() => status(send(b!, 'GET', '/mine/functions/one0'))).toBe(404);
    const made = await jsonOf(await send(a!, 'POST', '/mine/snapshots'));
    const restored = await send(a!, 'POST', `/mine/snapshots/${made.id}/restore`, { name: 'again' });
    expect([restored.status, (await jsonOf(restored)).functions]).toEqual([201, 6]);
    await expect.poll(() => status(send(b!, 'GET', '/again/functions/one1'))).toBe(200);
    expect(await status(send(a!, 'DELETE', '/mine'))).toBe(204);
    expect(await status(send(a!, 'GET', '/mine'))).toBe(404);
    await expect.poll(() => status(send(b!, 'GET', '/mine'))).toBe(404);
  });

  test('while the database is away what is there is read, and a write says so', async () => {
    cluster().stop('fast');
    expect(await status(send(a!, 'GET', '/again/functions/one1'))).toBe(200);
    const writing = put(a!, '/again/functions?id=late');
    await cluster().start();
    expect(await status(writing)).toBe(201);
    await expect.poll(() => status(send(b!, 'GET', '/again/functions/late'))).toBe(200);
  });
});
