/** The functasets of a database: which there are, and making, opening and taking them away. */
import type { PoolClient } from 'pg';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import type { FunctasetNetwork, FunctionRecord, FunctionStore } from '../functaset/index.ts';
import { checkNetworkOf, decodeInfo, encodeInfo } from '../functaset/info.ts';
import { type FunctasetName, functasetText } from './address.ts';
import { bytesOf, insert, type Row, tableOf } from './changes.ts';
import type { Database } from './database.ts';
import { labelIndex } from './labels.ts';
import { PostgresFunctaset, type PostgresFunctasetOptions } from './store.ts';

export interface CreateOptions {
  /** Parts that a table is made of, by the hash of ids: a power of two. Shards hold whole parts, so this is how many there can be. Default 8. */
  readonly partitions?: number | undefined;
}

export interface ListedFunctaset extends FunctasetName {
  readonly id: number;
  readonly uuid: string;
  readonly networkId: string;
  /** Of its last change. */
  readonly seq: number;
}

const usualPartitions = 8;
/** Rows of one COPY. */
const mostRows = 5000;
const columns = 'id, uuid, info, partitions';

export async function listFunctasets(database: Database): Promise<ListedFunctaset[]> {
  const { rows } = await database.query((client) =>
    client.query(
      'SELECT id, namespace, name, uuid, info, seq FROM functa.functasets ORDER BY namespace, name',
    ),
  );
  return rows.map(({ info, ...row }) => {
    const { networkId } = decodeInfo(functasetText(row), info);
    return { ...row, networkId };
  });
}

/** Throws NotFoundError `functaset-missing`, and ConflictError `functaset-network` where `network` is another. */
export async function openPostgresFunctaset(
  database: Database,
  of: FunctasetName,
  {
    network,
    ...options
  }: PostgresFunctasetOptions & { readonly network?: FunctasetNetwork | undefined } = {},
): Promise<PostgresFunctaset> {
  const row = await find(database, of);
  if (row === undefined) {
    throw new NotFoundError(
      'functaset-missing',
      `there is no functaset ${functasetText(of)} in ${database.name}; make it, or check the name`,
    );
  }
  const set = new PostgresFunctaset(database, of, row, options);
  if (network !== undefined) checkNetworkOf(set.name, set.info, network);
  return set;
}

/** Whether it was made; one that is there must be of the same network. Throws ConflictError `functaset-network`. */
export async function createPostgresFunctaset(
  database: Database,
  of: FunctasetName,
  network: FunctasetNetwork,
  { partitions = usualPartitions }: CreateOptions = {},
): Promise<boolean> {
  const made = await database.transaction(
    async ({ client }) => (await makeFunctaset(client, of, network, partitions)) !== undefined,
  );
  if (!made) await openPostgresFunctaset(database, of, { network });
  return made;
}

/** Makes a functaset within a transaction; undefined: there is one of this name. */
export async function makeFunctaset(
  client: PoolClient,
  of: FunctasetName,
  network: FunctasetNetwork,
  partitions = usualPartitions,
): Promise<Row | undefined> {
  const { rows } = await client.query<Row>(
    `INSERT INTO functa.functasets (namespace, name, info, partitions) VALUES ($1, $2, $3, $4)
     ON CONFLICT (namespace, name) DO NOTHING RETURNING ${columns}`,
    [of.namespace, of.name, bytesOf(encodeInfo(network)), partitions],
  );
  if (rows[0] !== undefined) await client.query(tableText(tableOf(rows[0]), partitions));
  return rows[0];
}

/** Whether there was one. */
export function dropPostgresFunctaset(database: Database, of: FunctasetName): Promise<boolean> {
  return database.transaction(async ({ client }) => {
    const { rows } = await client.query(
      'DELETE FROM functa.functasets WHERE namespace = $1 AND name = $2 RETURNING id',
      [of.namespace, of.name],
    );
    if (rows.length === 0) return false;
    await client.query(`DROP TABLE ${tableOf(rows[0])}`);
    await client.query(`SELECT pg_notify('functa', 'functasets')`);
    return true;
  });
}

export interface Kept {
  /** Milliseconds. */
  readonly ageMs: number;
  /** Changes of a functaset. */
  readonly most: number;
}

/**
 * Forgets the history of functasets beyond what is kept: replicas that have not heard since then are compared with the whole. Functions
 * stay as they are.
 */
export async function forgetChanges(database: Database, { ageMs, most }: Kept): Promise<void> {
  await database.transaction(async ({ client }) => {
    // a transaction that began early may have a late number: what is forgotten stays forgotten
    await client.query(
      `WITH old AS (
         DELETE FROM functa.changes c USING functa.functasets f
         WHERE f.id = c.functaset AND (c.at < now() - $1 * interval '1 ms' OR c.seq <= f.seq - $2)
         RETURNING c.functaset, c.seq
       )
       UPDATE functa.functasets f SET floor = greatest(f.floor, o.seq)
       FROM (SELECT functaset, max(seq) AS seq FROM old GROUP BY functaset) o WHERE f.id = o.functaset`,
      [ageMs, most],
    );
  });
}

/**
 * A functaset of the functions of another, in one transaction: there is all of it, or nothing. Once more with the same `uuid` it is nothing.
 * Throws ConflictError `output-exists` where there is another of this name, and what reading `from` and writing throw.
 */
export async function adoptFunctaset(
  database: Database,
  of: FunctasetName,
  from: FunctionStore,
  uuid: string,
): Promise<void> {
  const { format: _, ...network } = from.info;
  await database.transaction(async (transaction) => {
    const { client } = transaction;
    const made = await client.query(
      `INSERT INTO functa.functasets (namespace, name, info, partitions, uuid) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (namespace, name) DO NOTHING RETURNING id`,
      [of.namespace, of.name, bytesOf(encodeInfo(network)), usualPartitions, uuid],
    );
    if (made.rows.length === 0) {
      if (await isThere(client, of, uuid)) return;
      throw new ConflictError(
        'output-exists',
        `there is a functaset ${functasetText(of)} by now; give another name, or take that one away`,
      );
    }
    const [{ id }] = made.rows as [{ id: number }];
    await client.query(tableText(tableOf({ id }), usualPartitions));
    let records: FunctionRecord[] = [];
    let functions = 0;
    const write = async () => {
      await insert(client, tableOf({ id }), records);
      functions += records.length;
      records = [];
    };
    for await (const record of from.records()) {
      if (records.push(record) === mostRows) await write();
    }
    await write();
    await client.query('UPDATE functa.functasets SET functions = $2 WHERE id = $1', [id, functions]);
    transaction.isDone = (asked) => isThere(asked, of, uuid);
  });
}

async function isThere(
  client: PoolClient,
  { namespace, name }: FunctasetName,
  uuid: string,
): Promise<boolean> {
  const { rows } = await client.query(
    'SELECT 1 FROM functa.functasets WHERE namespace = $1 AND name = $2 AND uuid = $3',
    [namespace, name, uuid],
  );
  return rows.length > 0;
}

async function find(database: Database, of: FunctasetName): Promise<Row | undefined> {
  const { rows } = await database.query((client) =>
    client.query(`SELECT ${columns} FROM functa.functasets WHERE namespace = $1 AND name = $2`, [
      of.namespace,
      of.name,
    ]),
  );
  return rows[0];
}

/** Files are as small as they get: the server need not try to compress them. */
function tableText(table: string, partitions: number): string {
  const parts = Array.from(
    { length: partitions },
    (_, k) =>
      `CREATE TABLE ${table}_${k} PARTITION OF ${table} FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${k});`,
  );
  return `
    CREATE TABLE ${table} (
      id text COLLATE "C" NOT NULL,
      record bytea NOT NULL,
      PRIMARY KEY (id)
    ) PARTITION BY HASH (id);
    ALTER TABLE ${table} ALTER COLUMN record SET STORAGE EXTERNAL;
    ${parts.join(' ')}
    ${labelIndex(table)}
    SELECT pg_notify('functa', 'functasets')`;
}
