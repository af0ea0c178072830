import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withPostgres } from '../../test/postgres.ts';
import { openProxy } from '../../test/postgres-proxy.ts';
import { temporary } from '../../test/temporary.ts';
import { recordOf } from '../functaset/index.ts';
import { testFunction, testNetwork } from '../functaset/testing.ts';
import { createPostgresFunctaset, Database, openPostgresFunctaset, parseAddress, Replica } from './index.ts';

const of = { namespace: '', name: 'set' };

test('an address says where, and keeps its password to itself', () => {
  const address = parseAddress('postgres://u:s3cret@a:5432,b/db?sslmode=require&password=s3cret#ns/set');
  expect(address).toEqual({
    urls: [
      'postgres://u:s3cret@a:5432/db?sslmode=require&password=s3cret',
      'postgres://u:s3cret@b/db?sslmode=require&password=s3cret',
    ],
    name: 'postgres://u@a:5432,b/db?sslmode=require&password=***',
    functaset: { namespace: 'ns', name: 'set' },
  });
  for (const bad of ['mysql://x', 'postgres://a b/c', 'postgres://h/d#a/b/c', 'postgres://h/d#'])
    expect(() => parseAddress(bad)).toThrow(expect.objectContaining({ code: 'store-url' }));
});

test('what is not there is said within the time given, in one line without the password', async () => {
  for (const url of [
    'postgres://u:s3cret@127.0.0.1:1/db',
    `postgres://u:s3cret@/db?host=${temporary()}`,
    'postgres://u:s3cret@no-such-host.invalid/db',
  ]) {
    const opening = Database.open(url, { patienceMs: 50 });
    await expect(opening).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.not.stringMatching(/s3cret|\n/),
    });
  }
});

withPostgres('faults of PostgreSQL', { settings: ['password_encryption=scram-sha-256'] }, (cluster) => {
  const made = async (patienceMs?: number) => {
    const url = await cluster().database();
    const database = await Database.open(url, { patienceMs });
    onTestFinished(() => database.close());
    await createPostgresFunctaset(database, of, testNetwork());
    return { url, database, set: await openPostgresFunctaset(database, of) };
  };

  test('a wrong password, no database, no permission and tables of a later version are each a tagged error', async () => {
    const { url, database } = await made();
    const { directory, sql } = cluster();
    writeFileSync(
      join(directory, 'data', 'pg_hba.conf'),
      'local all guarded scram-sha-256\nlocal all all trust\n',
    );
    sql(`CREATE ROLE guarded LOGIN PASSWORD 'right'; SELECT pg_reload_conf()`);
    const as = (user: string) => url.replace('//postgres@', `//${user}@`);
    const wrong = () => Database.open(as('guarded:wrong'), { patienceMs: 0 });
    await expect.poll(() => wrong().catch((error) => error.code)).toBe('store-denied');
    await expect(wrong()).rejects.toThrow(/^(?!.*wrong:).*password authentication failed/);
    await expect(Database.open(url.replace('/test', '/none'), { patienceMs: 0 })).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.stringContaining('createdb'),
    });
    await expect(Database.open(as('guarded:right'))).rejects.toMatchObject({ code: 'store-denied' });
    await database.query((client) => client.query('INSERT INTO functa.migrations (version) VALUES (99)'));
    await expect(Database.open(url)).rejects.toMatchObject({ code: 'store-version' });
    const empty = await cluster().database();
    await expect(Database.open(empty, { readOnly: true })).rejects.toMatchObject({ code: 'store-version' });
    sql(`CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    await expect(Database.open(cluster().url('latin'))).rejects.toMatchObject({ code: 'store-version' });
  });

  test('a server that only reads is read, and a write to it says so', async () => {
    const { url, set } = await made();
    await set.put(testFunction(1));
    cluster().sql(`ALTER DATABASE ${/(test\d+)/.exec(url)![1]} SET default_transaction_read_only = on`);
    const standby = await Database.open(url, { patienceMs: 0 });
    onTestFinished(() => standby.close());
    const read = await openPostgresFunctaset(standby, of);
    expect(await read.get('item-000001')).toEqual(testFunction(1));
    await expect(read.put(testFunction(2))).rejects.toMatchObject({ code: 'store-read-only' });
  });

  test('a standby is read and not written to; who writes waits for it to be promoted', async () => {
    const { url, set } = await made();
    await set.put(testFunction(1));
    cluster().stop('fast');
    writeFileSync(join(cluster().directory, 'data', 'standby.signal'), '');
    await cluster().start();
    const standby = await Database.open(url, { readOnly: true });
    onTestFinished(() => standby.close());
    const read = await openPostgresFunctaset(standby, of);
    expect(await read.get('item-000001')).toEqual(testFunction(1));
    await expect(read.put(testFunction(2))).rejects.toMatchObject({ code: 'functaset-read-only' });
    const replica = await Replica.open(read, join(temporary(), 'replica'));
    await replica.catchUp();
    expect(replica.local.count).toBe(1);
    await replica.close();
    // what it would answer may be older than what was acknowledged
    await expect(Database.open(url, { patienceMs: 50 })).rejects.toMatchObject({
      code: 'store-read-only',
      message: expect.stringContaining('give the address of the primary, or several hosts'),
    });
    const waiting = set.put(testFunction(2));
    cluster().promote();
    await waiting;
    expect(await set.count()).toBe(2);
  });

  test('connections that are lost between, and in the middle of a transaction, are made again', async () => {
    const { url, database, set } = await made();
    const name = /(test\d+)/.exec(url)![1];
    const cut = () =>
      cluster().sql(
        `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '${name}'`,
      );
    await set.put(testFunction(1));
    cut();
    expect(await set.get('item-000001')).toEqual(testFunction(1));
    let tries = 0;
    await database.transaction(async (transaction) => {
      await transaction.client.query('SELECT 1');
      if (++tries === 1) cut();
      await transaction.client.query('SELECT 1');
    });
    expect(tries).toBe(2);
    const heard: string[] = [];
    let again = 0;
    const stop = database.listen(
      'functa',
      (payload) => heard.push(payload),
      () => again++,
    );
    await expect.poll(() => again).toBe(1);
    cut();
    await expect.poll(() => again).toBe(2);
    await set.put(testFunction(2));
    await expect.poll(() => heard).toEqual(['1 2']);
    await stop();
  });

  test('a commit whose answer is lost is found out: it is done once, and acknowledged', async () => {
    const { url, set } = await made();
    const proxy = await openProxy(cluster().directory, join(temporary(), 'proxy'));
    onTestFinished(() => proxy.close());
    const database = await Database.open(
      url.replace(/host=.*/, `host=${encodeURIComponent(proxy.directory)}`),
    );
    onTestFinished(() => database.close());
    const cut = await openPostgresFunctaset(database, of);
    for (const [i, how] of (['before', 'after', 'before', 'after'] as const).entries()) {
      proxy.cut = how;
      if (i < 2) await cut.put(testFunction(i));
      else await cut.transact({ ids: [] }, ({ put }) => put(recordOf(testFunction(i))));
    }
    expect(proxy.cuts).toBe(4);
    expect(await set.verify()).toMatchObject({ ok: true, functions: 4 });
    expect(await set.state()).toEqual({ functions: 4, seq: 4 });
    proxy.cut = 'after';
    expect(await cut.deleteMany(['item-000000', 'nobody'])).toBe(1);
    expect(await set.state()).toEqual({ functions: 3, seq: 5 });
  });

  test('tables of an earlier version get what is new, and keep what they have; a label is found without reading the others', async () => {
    const { url, database, set } = await made();
    const rare = [7, '7', '007', 1.5, -1, 1e21, 'ä'.repeat(100)];
    const labelled = rare.map((label, i) => testFunction(3000 + i, { label, shape: [300, 1] }));
    await set.putMany(Array.from({ length: 3000 }, (_, i) => testFunction(i, { label: `of ${i % 2}` })));
    await database.query((client) =>
      client.query(`
        DROP FUNCTION functa.label_of CASCADE;
        ALTER TABLE functa.jobs DROP COLUMN checkpoint;
        DELETE FROM functa.migrations WHERE version > 2`),
    );
    const migrated = await Database.open(url);
    await (await openPostgresFunctaset(migrated, of)).putMany(labelled);
    // what a connection has read is told when it ends
    await migrated.close();
    // of a table as small as this one the planner would read all
    cluster().sql(`ALTER DATABASE ${/(test\d+)/.exec(url)![1]} SET enable_seqscan = off`);
    const later = await Database.open(url);
    const again = await openPostgresFunctaset(later, of);
    const read = `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS n FROM pg_stat_user_tables WHERE relname ~ '^functions_'`;
    await database.query((client) => client.query('SELECT pg_stat_reset()'));
    for (const label of rare) {
      const found: unknown[] = [];
      for await (const fn of again.byLabel(label)) found.push(fn);
      expect(found).toEqual(labelled.filter((fn) => String(fn.label) === String(label)));
    }
    await later.close();
    const rows = async () => (await database.query((client) => client.query(read))).rows[0].n;
    await expect.poll(rows, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await rows()).toBeLessThan(100);
    let common = 0;
    for await (const _ of set.summaries({ label: 'of 1', after: 'item-000100' })) common++;
    expect(common).toBe(1450);
  });

  test('a server that went down is waited for', async () => {
    const { set } = await made();
    await set.put(testFunction(1));
    cluster().stop('fast');
    const waiting = set.put(testFunction(2));
    await cluster().start();
    await waiting;
    expect(await set.count()).toBe(2);
  });
});
