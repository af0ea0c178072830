import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { openFunctaset, recordOf } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';
import { Database, openPostgresFunctaset, Replica } from '../../src/postgres/index.ts';
import { withPostgres } from '../../test/postgres.ts';
import { temporary } from '../../test/temporary.ts';
import { SharedStores } from './shared.ts';

withPostgres('functasets of a database and their replicas', {}, (cluster) => {
  afterEach(() => vi.restoreAllMocks());
  const opened = async (kept?: {
    readonly ageMs: number;
    readonly most: number;
    readonly everyMs: number;
  }) => {
    const root = temporary();
    const url = await cluster().database();
    const shared = await SharedStores.open({ url, root, heir: false, changed: () => undefined, kept });
    onTestFinished(() => shared.close());
    const path = join(root, '+', 'set');
    mkdirSync(join(root, '+'), { recursive: true });
    await shared.create(path, testNetwork());
    const database = await Database.open(url);
    onTestFinished(() => database.close());
    const set = await openPostgresFunctaset(database, { namespace: '', name: 'set' });
    return { shared, path, root, database, set };
  };
  const count = async (path: string) => {
    const reader = await openFunctaset(path, { readOnly: true });
    const { count: functions } = reader;
    await reader.close();
    return functions;
  };

  test('a replica that could not follow tries again at once, and not at the next look', async () => {
    const { shared, path, set } = await opened();
    const failing = vi.spyOn(Replica.prototype, 'catchUp');
    for (let i = 0; i < 4; i++) failing.mockRejectedValueOnce(new Error('the disk was full'));
    const began = performance.now();
    await set.put(testFunction(1));
    await expect.poll(() => count(path), { timeout: 4000, interval: 20 }).toBe(1);
    expect(performance.now() - began).toBeLessThan(4000);
    vi.spyOn(Replica.prototype, 'applied').mockRejectedValueOnce(new Error('the disk was full'));
    const work = ({ put }: { put(record: ReturnType<typeof recordOf>): void }) =>
      put(recordOf(testFunction(2)));
    await shared.commit(path, { ids: [testFunction(2).id] }, work);
    await expect.poll(() => count(path), { timeout: 4000, interval: 20 }).toBe(2);
  });

  test('the history of changes is bounded while a server runs', async () => {
    const { database, set, path } = await opened({ ageMs: 3_600_000, most: 3, everyMs: 30 });
    for (let i = 0; i < 9; i++) await set.put(testFunction(i));
    const kept = async () => {
      const { rows } = await database.query((client) =>
        client.query('SELECT count(*) AS n FROM functa.changes'),
      );
      return rows[0].n;
    };
    await expect.poll(kept, { timeout: 4000 }).toBe(3);
    await expect.poll(() => count(path), { timeout: 4000 }).toBe(9);
  });

  test('a functaset that is adopted under a name that was taken meanwhile is a conflict; under a free one it is there whole', async () => {
    const { shared, path, root, set } = await opened();
    await set.put(testFunction(1));
    const made = join(root, 'made');
    const own = await openFunctaset(made, { network: testNetwork() });
    await own.putMany([testFunction(2), testFunction(3)]);
    await own.close();
    await expect(shared.adopt(made, path)).rejects.toMatchObject({ code: 'output-exists' });
    expect(await set.count()).toBe(1);
    const free = join(root, '+', 'free');
    await shared.adopt(made, free);
    await shared.adopt(made, free);
    expect(await count(free)).toBe(2);
  });
});
