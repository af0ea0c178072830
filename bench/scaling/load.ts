/** How fast functions go into a table, how many bytes they take there, and what a replica that follows them needs of memory. */
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

const perCall = 20_000;

export async function measureLoad(total: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-load-'));
  const cluster = await makeCluster({
    durable: true,
    settings: ['max_wal_size=4GB', 'shared_buffers=512MB'],
  });
  const database = await Database.open(await cluster.database());
  try {
    const { network, functions } = await demoFunctions(join(directory, 'demo'));
    const of = { namespace: '', name: 'load' };
    await createPostgresFunctaset(database, of, network);
    const set = await openPostgresFunctaset(database, of);
    let [payload, ms] = [0, 0];
    for (let from = 0; from < total; from += perCall) {
      const records = recordsFrom(functions, from, Math.min(perCall, total - from));
      for (const { id, bytes } of records) payload += id.length + bytes.length;
      const began = performance.now();
      await set.putRecords(records);
      ms += performance.now() - began;
    }
    const size = async (what: string) => {
      const text = `SELECT sum(${what}(inhrelid))::bigint AS bytes FROM pg_inherits WHERE inhparent = $1::regclass`;
      const table = `functa.functions_${set.row.id}`;
      return (await database.query((client) => client.query(text, [table]))).rows[0].bytes as number;
    };
    const [heap, all] = [await size('pg_table_size'), await size('pg_total_relation_size')];
    const labels = (
      await database.query((client) =>
        client.query(
          `SELECT sum(pg_relation_size(indexrelid))::bigint AS bytes FROM pg_index WHERE indrelid IN
             (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass) AND NOT indisprimary`,
          [`functa.functions_${set.row.id}`],
        ),
      )
    ).rows[0].bytes as number;
    console.log(
      `load: ${total} functions in ${(ms / 1000).toFixed(1)} s, ${Math.round((1000 * total) / ms)} a second; ` +
        `payload ${payload} bytes, table ${heap} (${(heap / payload).toFixed(3)} x), with indexes ${all} (${(all / payload).toFixed(3)} x), that of labels ${(labels / total).toFixed(1)} a function; ${setting()}`,
    );
    await follow(set, join(directory, 'replica'), total);
  } finally {
    await database.close();
    cluster.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resident memory without the pages of the replica's file, which are mapped. */
function ownMegabytes(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return Math.round((heapUsed + external + arrayBuffers) / 2 ** 20);
}

async function follow(
  set: Awaited<ReturnType<typeof openPostgresFunctaset>>,
  path: string,
  total: number,
): Promise<void> {
  const replica = await Replica.open(set, path);
  const seen: number[] = [];
  const timer = setInterval(() => seen.push(ownMegabytes()), 500);
  const began = performance.now();
  // the first time all is compared; to follow the changes it begins before the first of them
  await replica.catchUp();
  const ms = performance.now() - began;
  clearInterval(timer);
  const part = (from: number, to: number) => {
    const some = seen.slice(Math.floor(from * seen.length), Math.max(1, Math.ceil(to * seen.length)));
    return `${Math.min(...some)} to ${Math.max(...some)}`;
  };
  console.log(
    `replica: ${replica.local.count} of ${total} functions in ${(ms / 1000).toFixed(1)} s, ${Math.round((1000 * total) / ms)} a second; ` +
      `memory (heap and buffers) ${part(0, 0.25)} MB in the first quarter, ${part(0.75, 1)} MB in the last; ${setting()}`,
  );
  await replica.close();
}
