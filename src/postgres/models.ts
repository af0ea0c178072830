/** Models that many machines share: which file each name stands for, and what stands beside it. The files are among those of the database. */
import type { PoolClient } from 'pg';
import type { Database, Transaction } from './database.ts';
import { jobChannel } from './queue.ts';

export interface SharedModel {
  readonly namespace: string;
  readonly name: string;
  /** SHA-256 of the model's file. */
  readonly digest: string;
  /** Ids of files: `model`, and the kinds of what stands beside it. */
  readonly files: Readonly<Record<string, string>>;
  /** It was removed. */
  readonly gone: boolean;
}

/** What becomes of a model: its digest, and the files that are others by now; null: there is none of the kind any more. */
export interface ModelChange {
  readonly digest: string;
  readonly files: Readonly<Record<string, string | null>>;
  /** What stood beside it before goes. */
  readonly alone?: boolean | undefined;
}

const columns = 'namespace, name, digest, files, gone';

/** All there are and were. */
export async function listSharedModels(database: Database): Promise<SharedModel[]> {
  const { rows } = await database.query((client) =>
    client.query<SharedModel>(`SELECT ${columns} FROM functa.models ORDER BY namespace, name`),
  );
  return rows;
}

/** Undefined: there is none, or no more. Within a transaction it stays as it is until the end. */
export async function findSharedModel(
  client: PoolClient,
  { namespace, name }: Pick<SharedModel, 'namespace' | 'name'>,
): Promise<SharedModel | undefined> {
  const { rows } = await client.query<SharedModel>(
    `SELECT ${columns} FROM functa.models WHERE namespace = $1 AND name = $2 AND NOT gone FOR UPDATE`,
    [namespace, name],
  );
  return rows[0];
}

/** Within a transaction: changes a model, or makes it; files that nothing stands for any more are removed. */
export async function changeSharedModel(
  { client }: Transaction,
  { namespace, name }: Pick<SharedModel, 'namespace' | 'name'>,
  { digest, files, alone = false }: ModelChange,
): Promise<void> {
  const before = (await findSharedModel(client, { namespace, name }))?.files ?? {};
  const merged = { ...(alone ? {} : before), ...files };
  const now = Object.fromEntries(Object.entries(merged).filter(([, file]) => file !== null));
  await client.query(
    `INSERT INTO functa.models (namespace, name, digest, files) VALUES ($1, $2, $3, $4)
     ON CONFLICT (namespace, name) DO UPDATE SET digest = excluded.digest, files = excluded.files, gone = false`,
    [namespace, name, digest, JSON.stringify(now)],
  );
  await dropFiles(client, before, now);
  await told(client);
}

/** Whether there was one. */
export function removeSharedModel(
  database: Database,
  of: Pick<SharedModel, 'namespace' | 'name'>,
): Promise<boolean> {
  return database.transaction(async ({ client }) => {
    const found = await findSharedModel(client, of);
    if (found === undefined) return false;
    await client.query(
      `UPDATE functa.models SET gone = true, files = '{}' WHERE namespace = $1 AND name = $2`,
      [of.namespace, of.name],
    );
    await dropFiles(client, found.files, {});
    await told(client);
    return true;
  });
}

async function dropFiles(
  client: PoolClient,
  before: SharedModel['files'],
  now: Readonly<Record<string, unknown>>,
): Promise<void> {
  const kept = new Set(Object.values(now));
  const dropped = Object.values(before).filter((file) => !kept.has(file));
  if (dropped.length > 0)
    await client.query('DELETE FROM functa.files WHERE id = ANY($1::text[])', [dropped]);
}

async function told(client: PoolClient): Promise<void> {
  await client.query('SELECT pg_notify($1, $2)', [jobChannel, 'models']);
}
