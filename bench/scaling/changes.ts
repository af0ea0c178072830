/** What a replica needs of memory that follows many changes, each a function of its own, from before the first of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createPostgresFunctaset,
  Database,
  openPostgresFunctaset,
  Replica,
} from '../../src/postgres/index.ts';
import { makeCluster } from '../../test/postgres.ts';
import { demoFunctions, recordsFrom, setting } from './setting.ts';

/** Functions of a transaction, written as so many changes: their history is made to say one change each. */
const perCall = 10_000;

export async function measureChanges(total: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-changes-'));
  const cluster = await makeCluster({ settings: ['max_wal_size=4GB', 'shared_buffers=256MB'] });
  const database = await Database.open(await cluster.database());
  try {
    const { network, functions } = await demoFunctions(join(directory, 'demo'));
    const of = { namespace: '', name: 'changes' };
    await createPostgresFunctaset(database, of, network);
    const set = await openPostgresFunctaset(database, of);
    const replica = await Replica.open(set, join(directory, 'replica'));
    await replica.catchUp();
    for (let from = 0; from < total; from += perCall)
      await set.putRecords(recordsFrom(functions, from, Math.min(perCall, total - from)));
    // as if each function had been put by itself: a million transactions take an hour
    await database.transaction(async ({ client }) => {
      await client.query(
        `WITH gone AS (DELETE FROM functa.changes WHERE functaset = $1::int RETURNING ids, token),
              one AS (SELECT id, $2::bigint + row_number() OVER () AS seq, token FROM gone, unnest(ids) AS id)
         INSERT INTO functa.changes (functaset, seq, ids, token) SELECT $1::int, seq, ARRAY[id], token FROM one`,
        [set.row.id, total],
      );
      await client.query('UPDATE functa.functasets SET seq = $2 WHERE id = $1', [set.row.id, 2 * total]);
    });
    const seen: number[] = [];
    const timer = setInterval(() => {
      const { heapUsed, external, arrayBuffers } = process.memoryUsage();
      seen.push(Math.round((heapUsed + external + arrayBuffers) / 2 ** 20));
    }, 250);
    const began = performance.now();
    await replica.catchUp();
    const ms = performance.now() - began;
    clearInterval(timer);
    const quarter = (q: number) => {
      const some = seen.slice(Math.floor((q * seen.length) / 4), Math.ceil(((q + 1) * seen.length) / 4));
      return `${Math.min(...some)} to ${Math.max(...some)}`;
    };
    console.log(
      `changes: a replica followed ${total} changes to ${replica.local.count} functions in ${(ms / 1000).toFixed(1)} s; ` +
        `memory (heap and buffers) by quarters ${[0, 1, 2, 3].map(quarter).join(', ')} MB; ${setting()}`,
    );
    await replica.close();
  } finally {
    await database.close();
    cluster.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}
