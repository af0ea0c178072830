import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FunctaClient } from '../../server/client/client.ts';
import type { RunningServer } from '../../server/index.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { openFunctionStore } from '../../src/postgres/index.ts';
import { collectAnswer, NearIndexes, parseQuery, type QueryInput, runQuery } from '../../src/query/index.ts';
import { withPostgres } from '../postgres.ts';
import { prepare, type Serving } from './serving.ts';

withPostgres('a functaset in shards', {}, (cluster) => {
  let serving: Serving;
  let url: string;
  let shards: RunningServer[];
  let whole: RunningServer;
  let client: FunctaClient;
  let mute: Server;
  /** Of the functions, in order. */
  let ids: string[];
  const start = (name: string, options: object) =>
    serving.start({
      home: join(serving.directory, name),
      store: url,
      running: 2,
      functasets: [],
      ...options,
    });

  beforeAll(async () => {
    serving = await prepare();
    url = await cluster().database();
    const shoes = await openFunctaset(join(serving.directory, 'shoes'), { readOnly: true });
    const { format: _, ...network } = shoes.info;
    const store = await openFunctionStore(`${url}#default/shoes`, { network });
    const functions = [...shoes.iterate()].flatMap((fn) =>
      Array.from({ length: 10 }, (_, i) => ({ ...fn, id: `${fn.id}.${i}` })),
    );
    await store.putMany(functions);
    await store.close();
    await shoes.close();
    ids = functions.map(({ id }) => id).sort();
    shards = [await start('one', { shard: '1/2' }), await start('two', { shard: '2/2' })];
    whole = await start('whole', { shards: shards.map((shard) => shard.url) });
    client = new FunctaClient(whole.url);
    mute = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
  }, 240_000);
  afterAll(async () => {
    mute?.closeAllConnections();
    mute?.close();
    await serving.stop();
  });

  /** What one server answers that holds all of it. */
  const alone = async (query: object) => {
    const store = await openFunctaset(join(serving.directory, 'whole/functasets/default/shoes'), {
      readOnly: true,
    });
    const { model, engine } = serving;
    const indexes = new NearIndexes({ store, model, engine });
    const readSignal = () => Promise.reject(new Error('no file is read here'));
    const context = { store, model, engine, indexes, limits: defaultLimits, readSignal };
    const answer = await collectAnswer(await runQuery(context, parseQuery(query)));
    await store.close();
    return JSON.parse(JSON.stringify(answer));
  };

  test('answers what one server does that holds all of it, and says that no shard is missing', async () => {
    const counts = await Promise.all(
      shards.map(async (shard) => (await new FunctaClient(shard.url).functaset('shoes')).functions),
    );
    expect(counts.every((count) => count > 10)).toBe(true);
    expect(counts[0]! + counts[1]!).toBe(ids.length);
    const queries: QueryInput[] = [
      { kind: 'near', id: ids[5]!, k: 12 },
      { kind: 'where', limit: 9, filter: { ids: ids.slice(3, 20) } },
      { kind: 'unlikely', k: 7 },
      { kind: 'aggregate', by: 'label', size: [7, 7] },
    ];
    for (const query of queries) {
      const { shards: told, compared: _c, ...answer } = await client.query('shoes', query);
      const { compared: _o, ...own } = await alone(query);
      expect(answer).toEqual(own);
      expect(told).toEqual({ count: 2, missing: [] });
    }
    const lines = await fetch(`${whole.url}/v1/functasets/shoes/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
      body: JSON.stringify({ kind: 'where', limit: 2 }),
    });
    const [head, first, , end] = (await lines.text()).split('\n').map((line) => line && JSON.parse(line));
    expect([head.shards.count, first.id, end.next === null]).toEqual([2, ids[0], false]);
    const wrong = client.query('shoes', { kind: 'near', id: 'nobody' });
    await expect(wrong).rejects.toMatchObject({ code: 'unknown-function' });
    const bad = client.query('shoes', { kind: 'aggregate', size: [1] });
    await expect(bad).rejects.toMatchObject({ code: 'bad-size', status: 422 });
    const pairs = await client.query('shoes', { kind: 'duplicates', maxDistance: 0 });
    expect(pairs.items.length).toBeGreaterThan(10);
  });

  test('a shard that is late, gone, another or refuses the key is named, and the rest is answered', async () => {
    const address = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const key = join(serving.directory, 'key');
    writeFileSync(key, 'functa_0123456789ab_of-nobody\n');
    const asking = async (name: string, urls: readonly string[], options: object = {}) => {
      const server = await start(name, { shards: urls, shardMs: 700, ...options });
      const answer = await fetch(`${server.url}/v1/functasets/shoes/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ kind: 'where', limit: 100 }),
      });
      await server.close();
      // biome-ignore lint/suspicious/noExplicitAny: an answer or a problem
      const json: any = await answer.json();
      return { answer, json };
    };
    const one = shards[0]!.url;
    const { functions } = await new FunctaClient(one).functaset('shoes');
    const late = await asking('a', [one, address]);
    expect([late.answer.status, late.answer.headers.get('functa-shards-missing')]).toEqual([200, '2']);
    expect(late.json.items).toHaveLength(functions);
    expect(late.json.shards).toMatchObject({ count: 2, missing: [{ shard: '2/2', code: 'shard-late' }] });
    const swapped = await asking('a', [one, one]);
    expect(swapped.json.shards.missing).toMatchObject([{ shard: '2/2', code: 'shard-other' }]);
    const refused = await asking('a', [one, one], { shardKeyFile: key });
    expect([refused.answer.status, refused.json.code]).toEqual([503, 'shards-missing']);
    expect(refused.json.detail).toContain('1/2 key-unknown');
    await shards[1]!.close();
    const gone = await client.query('shoes', { kind: 'near', id: ids[5]!, k: 40 });
    expect(gone.shards?.missing).toMatchObject([{ shard: '2/2', code: 'shard-gone' }]);
    expect(gone.items.length).toBeGreaterThanOrEqual(functions - 1);
    await shards[0]!.close();
    const none = client.query('shoes', { kind: 'where' });
    await expect(none).rejects.toMatchObject({ code: 'shards-missing', status: 503 });
  });

  test('a configuration that cannot be is refused', async () => {
    const store = url;
    for (const options of [
      { shard: '3/2', store },
      { shard: '1/2', store: undefined },
      { shards: ['http://a'], store: undefined },
      { shards: ['http://a'], shard: '1/2', store },
      { shards: ['http://a'], shardKeyFile: '/nowhere', store },
      { shards: ['a:b'], store },
    ])
      await expect(start('bad', options)).rejects.toMatchObject({ code: 'bad-config' });
  });
});
