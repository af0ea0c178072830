/**
 * The tables of a database, made and changed in numbered steps. One process takes them, under a lock; a database that is ahead of this
 * version of functa is refused.
 *
 * A functaset N has a table `functions_N`, partitioned by the hash of the id. Every transaction that writes to it says in `changes` which ids it
 * touched, and takes for that, as its last step, the next `seq` of the functaset: the row in `functasets` stays locked from there to the
 * commit, so that numbers become visible in their order, without a gap, however long the transactions took before that.
 */
import type { Client } from 'pg';
import { EnvironmentError } from '../core/errors.ts';
import { checkpointStep } from './checkpoints.ts';
import { jobTables } from './job-tables.ts';
import { labelStep } from './labels.ts';

const steps: readonly string[] = [
  `
  CREATE TABLE functa.functasets (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- tells it from an earlier one of its name
    uuid uuid NOT NULL DEFAULT gen_random_uuid(),
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    info bytea NOT NULL,
    partitions int NOT NULL,
    functions bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    -- changes up to this one are forgotten
    floor bigint NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (namespace, name)
  );
  CREATE TABLE functa.changes (
    functaset int NOT NULL REFERENCES functa.functasets ON DELETE CASCADE,
    seq bigint NOT NULL,
    -- of functions that were put or taken away
    ids text[] NOT NULL,
    -- by which whoever lost the connection in the middle of a commit finds out
    token uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (functaset, seq)
  );
  CREATE TABLE functa.answers (
    functaset int NOT NULL REFERENCES functa.functasets ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,
    at double precision NOT NULL,
    digest text NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (functaset, key)
  );
  CREATE INDEX ON functa.answers (functaset, at);
  `,
  jobTables,
  labelStep,
  checkpointStep,
];

/** Any number that others do not lock: "functa" in ASCII. */
const lock = '0x66756e637461';

/** What the database has; 0: nothing of functa. */
async function versionOf(client: Client): Promise<number> {
  const there = await client.query(`SELECT to_regclass('functa.migrations') IS NOT NULL AS there`);
  if (!there.rows[0].there) return 0;
  return (await client.query('SELECT coalesce(max(version), 0)::int AS version FROM functa.migrations'))
    .rows[0].version;
}

/** `make`: takes the steps that are missing. Throws EnvironmentError `store-version`, and what the driver throws. */
export async function migrate(
  client: Client,
  name: string,
  { make }: { readonly make: boolean },
): Promise<void> {
  let version = await versionOf(client);
  if (version < steps.length && make) {
    await client.query('BEGIN');
    await client.query(`SELECT pg_advisory_xact_lock(${BigInt(lock)})`);
    await checkEncoding(client, name);
    await client.query(`
      CREATE SCHEMA IF NOT EXISTS functa;
      CREATE TABLE IF NOT EXISTS functa.migrations (
        version int PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now()
      )`);
    // another process may have been faster
    version = await versionOf(client);
    for (; version < steps.length; version++) {
      await client.query(steps[version]!);
      await client.query('INSERT INTO functa.migrations (version) VALUES ($1)', [version + 1]);
    }
    await client.query('COMMIT');
  }
  if (version === steps.length) return;
  const what =
    version > steps.length
      ? `is of version ${version} and this functa knows ${steps.length}; update functa`
      : 'holds no tables of functa, or older ones; open it once to write';
  throw new EnvironmentError('store-version', `${name} ${what}`);
}

/** Ids are text, and in the order of their bytes. */
async function checkEncoding(client: Client, name: string): Promise<void> {
  const { server_encoding: encoding } = (await client.query('SHOW server_encoding')).rows[0];
  if (encoding === 'UTF8') return;
  throw new EnvironmentError(
    'store-version',
    `${name} is encoded in ${encoding}; make a database with: createdb -E UTF8 -T template0`,
  );
}
