import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withPostgres } from '../../test/postgres.ts';
import { temporary } from '../../test/temporary.ts';
import { functionStoreOf, openFunctaset, recordOf } from '../functaset/index.ts';
import { testFunction, testNetwork } from '../functaset/testing.ts';
import { writeChanges } from './changes.ts';
import {
  adoptFunctaset,
  Changes,
  createPostgresFunctaset,
  Database,
  dropPostgresFunctaset,
  forgetChanges,
  openPostgresFunctaset,
  Replica,
} from './index.ts';

const series = (n: number, from = 0) => Array.from({ length: n }, (_, i) => testFunction(from + i));

withPostgres('replicas of PostgreSQL', {}, (cluster) => {
  let url: Promise<string> | undefined;
  let names = 0;
  const made = async () => {
    url ??= cluster().database();
    const database = await Database.open(await url);
    onTestFinished(() => database.close());
    const of = { namespace: 'ns', name: `set${++names}` };
    expect(await createPostgresFunctaset(database, of, testNetwork())).toBe(true);
    expect(await createPostgresFunctaset(database, of, testNetwork())).toBe(false);
    await expect(createPostgresFunctaset(database, of, testNetwork('2'))).rejects.toMatchObject({
      code: 'functaset-network',
    });
    const set = await openPostgresFunctaset(database, of);
    return { database, of, set };
  };
  const opened = async (...args: Parameters<typeof Replica.open>) => {
    const replica = await Replica.open(...args);
    onTestFinished(() => replica.close());
    return replica;
  };
  const isSame = async (replica: Replica) => {
    const all = [];
    for await (const fn of replica.source.iterate()) all.push(fn);
    expect([...replica.local.iterate()]).toEqual(all);
    return all.length;
  };

  test('a replica follows what is put, replaced and taken away, and goes on after it was closed', async () => {
    const { set } = await made();
    const path = join(temporary(), 'replica');
    await set.putMany(series(300));
    const first = await Replica.open(set, path);
    await first.catchUp();
    expect(await isSame(first)).toBe(300);
    await set.deleteMany(['item-000001', 'item-000002']);
    await set.put(testFunction(2, { label: 'again' }));
    await set.put(testFunction(3, { label: 'new' }), { replace: true });
    await first.catchUp();
    expect(await isSame(first)).toBe(299);
    await first.close();
    await set.putMany(series(2500, 1000));
    const second = await opened(set, path);
    expect(second.seq).toBe(first.seq);
    await second.catchUp();
    expect(await isSame(second)).toBe(2799);
    expect((await second.local.verify()).ok).toBe(true);
    const reader = await openFunctaset(path, { readOnly: true });
    expect([...reader.byLabel('again')]).toHaveLength(1);
    await reader.close();
  });

  test('a transaction that began first and committed last is not missed', async () => {
    const { set, database } = await made();
    const replica = await opened(set, join(temporary(), 'replica'));
    let commit: () => void = () => undefined;
    const may = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let wrote: () => void = () => undefined;
    const written = new Promise<void>((resolve) => {
      wrote = resolve;
    });
    const late = database.transaction(async (transaction) => {
      const changes = new Changes();
      for (const fn of series(5)) changes.put(recordOf(fn));
      // its rows are there first; its number is taken when it commits
      const more = await writeChanges(transaction.client, set.row, changes);
      wrote();
      await may;
      return set.number(transaction, { ids: [...changes.puts.keys()], more });
    });
    await written;
    await set.putMany(series(5, 100));
    await replica.catchUp();
    expect(replica.seq).toBe(1);
    commit();
    expect(await late).toBe(2);
    await replica.catchUp();
    expect(await isSame(replica)).toBe(10);
  });

  test('numbers are given in the order of commits: who has one not yet committed keeps the next one waiting', async () => {
    const { set, database } = await made();
    const replica = await opened(set, join(temporary(), 'replica'));
    let commit: () => void = () => undefined;
    const may = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let numbered: () => void = () => undefined;
    const hasNumber = new Promise<void>((resolve) => {
      numbered = resolve;
    });
    const first = database.transaction(async (transaction) => {
      const changes = new Changes();
      changes.put(recordOf(testFunction(1)));
      await set.apply(transaction, changes);
      numbered();
      await may;
    });
    await hasNumber;
    const second = set.put(testFunction(2));
    await expect(Promise.race([second.then(() => 'done'), later(100)])).resolves.toBe('later');
    await replica.catchUp();
    expect(replica.seq).toBe(0);
    commit();
    await Promise.all([first, second]);
    await replica.catchUp();
    expect([replica.seq, await isSame(replica)]).toEqual([2, 2]);
  });

  test('writers at once and a reader all along: it ends with the same functions', async () => {
    const { set, database, of } = await made();
    const replica = await opened(set, join(temporary(), 'replica'));
    const other = await openPostgresFunctaset(database, of);
    let over = false;
    const following = (async () => {
      while (!over) await replica.catchUp();
    })();
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const store = i % 2 === 0 ? set : other;
        if (i % 5 === 4) await store.deleteMany(series(8, i).map(({ id }) => id));
        else await store.putMany(series(1 + (i % 3) * 70, i * 7), { replace: true });
      }),
    );
    over = true;
    await following;
    await replica.catchUp();
    expect(await isSame(replica)).toBeGreaterThan(100);
    expect(await set.verify()).toMatchObject({ ok: true });
  });

  test('what this process wrote is applied without being asked for, where nobody wrote before it', async () => {
    const { set } = await made();
    const replica = await opened(set, join(temporary(), 'replica'));
    await replica.catchUp();
    const written = await set.write({ ids: ['item-000001'] }, ({ put }) => put(recordOf(testFunction(1))));
    await replica.applied(written);
    expect([replica.seq, replica.local.count]).toEqual([1, 1]);
    await set.put(testFunction(2));
    const next = await set.write({ ids: ['item-000001'] }, (transaction) =>
      transaction.delete('item-000001'),
    );
    await replica.applied(next);
    expect(await isSame(replica)).toBe(1);
  });

  test('where the history is forgotten, or the functaset another, all is compared', async () => {
    const { set, database, of } = await made();
    const path = join(temporary(), 'replica');
    await set.putMany(series(1200));
    const replica = await Replica.open(set, path);
    await replica.catchUp();
    await set.deleteMany(series(50, 1150).map(({ id }) => id));
    await set.put(testFunction(7, { label: 'new' }), { replace: true });
    await forgetChanges(database, { ageMs: 0, most: 1000 });
    await replica.catchUp();
    expect(await isSame(replica)).toBe(1150);
    await dropPostgresFunctaset(database, of);
    await expect(replica.catchUp()).rejects.toMatchObject({ code: 'functaset-changed' });
    await replica.close();
    await createPostgresFunctaset(database, of, testNetwork('2'));
    const again = await openPostgresFunctaset(database, of);
    await again.putMany(series(3));
    const other = await opened(again, path);
    await other.catchUp();
    expect([await isSame(other), other.local.info.networkId[0]]).toEqual([3, '2']);
  });

  test('history is kept so long and so many: what is forgotten stays forgotten, and nobody misses a change for it', async () => {
    const { set, database } = await made();
    const replica = await opened(set, join(temporary(), 'replica'));
    await set.put(testFunction(1));
    await replica.catchUp();
    const kept = async () => {
      const { rows } = await database.query((client) =>
        client.query('SELECT seq FROM functa.changes WHERE functaset = $1 ORDER BY seq', [set.row.id]),
      );
      return rows.map(({ seq }) => seq);
    };
    for (let i = 2; i <= 6; i++) await set.put(testFunction(i));
    await forgetChanges(database, { ageMs: 60_000, most: 4 });
    expect(await kept()).toEqual([3, 4, 5, 6]);
    // of transactions that began at other times than they ended
    const ages = (text: string) => database.query((client) => client.query(text));
    await ages(
      `UPDATE functa.changes SET at = now() - interval '1 hour' WHERE functaset = ${set.row.id} AND seq = 5`,
    );
    await forgetChanges(database, { ageMs: 60_000, most: 100 });
    await ages(
      `UPDATE functa.changes SET at = now() - interval '1 hour' WHERE functaset = ${set.row.id} AND seq = 3`,
    );
    await forgetChanges(database, { ageMs: 60_000, most: 100 });
    expect(await kept()).toEqual([4, 6]);
    const { rows } = await ages(`SELECT floor FROM functa.functasets WHERE id = ${set.row.id}`);
    expect(rows[0].floor).toBe(5);
    await replica.catchUp();
    expect(await isSame(replica)).toBe(6);
  });

  test('a functaset is adopted whole and once; a name that was taken meanwhile is a conflict, and is left as it is', async () => {
    const { set, database, of } = await made();
    await set.put(testFunction(1));
    const local = await openFunctaset(join(temporary(), 'own'), { network: testNetwork() });
    onTestFinished(() => local.close());
    await local.putMany(series(6000, 100));
    const from = functionStoreOf(local);
    const [uuid, other] = [randomUUID(), randomUUID()];
    await expect(adoptFunctaset(database, of, from, uuid)).rejects.toMatchObject({ code: 'output-exists' });
    expect(await set.count()).toBe(1);
    const fresh = { ...of, name: `${of.name}-adopted` };
    await adoptFunctaset(database, fresh, from, uuid);
    // the process ended before it could say so, and does it again
    await adoptFunctaset(database, fresh, from, uuid);
    await expect(adoptFunctaset(database, fresh, from, other)).rejects.toMatchObject({
      code: 'output-exists',
    });
    const adopted = await openPostgresFunctaset(database, fresh);
    expect(await adopted.verify()).toMatchObject({ ok: true, functions: 6000 });
    const replica = await opened(adopted, join(temporary(), 'replica'));
    await replica.catchUp();
    expect(await isSame(replica)).toBe(6000);
  });

  test('a functaset that is no replica is left as it is', async () => {
    const { set } = await made();
    const path = join(temporary(), 'own');
    const own = await openFunctaset(path, { network: testNetwork() });
    await own.putMany(series(3));
    await own.close();
    await expect(Replica.open(set, path)).rejects.toMatchObject({ code: 'functaset-not-replica' });
    const again = await openFunctaset(path);
    expect(again.count).toBe(3);
    await again.close();
  });

  test('shards have every function once between them', async () => {
    const { set } = await made();
    await set.putMany(series(200));
    const directory = temporary();
    const ids = new Set<string>();
    for (const index of [0, 1, 2, 3]) {
      const shard = { index, count: 4 };
      const replica = await opened(set, join(directory, `${index}`), { shard });
      await replica.catchUp();
      await set.putMany(series(20, 200 + 20 * index));
      await replica.catchUp();
      expect(replica.local.count).toBeGreaterThan(20);
    }
    for (const index of [0, 1, 2, 3]) {
      const reader = await openFunctaset(join(directory, `${index}`), { readOnly: true });
      // those that went on later than this one are theirs
      for (const { id } of reader.iterate()) {
        expect(ids.has(id)).toBe(false);
        ids.add(id);
      }
      await reader.close();
    }
    expect(ids.size).toBeGreaterThanOrEqual(220);
    await expect(
      Replica.open(set, join(directory, 'x'), { shard: { index: 0, count: 3 } }),
    ).rejects.toMatchObject({
      code: 'functaset-shards',
    });
  });
});

function later(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('later'), ms));
}
