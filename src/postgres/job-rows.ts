/** Rows of jobs and their files, within the transactions of the queue. */
import type { PoolClient } from 'pg';

/** An event of number `id`: the job is in another state. */
export async function sayState(client: PoolClient, job: string, id: number, state: string): Promise<void> {
  await client.query('INSERT INTO functa.job_events (job, id, type, body) VALUES ($1, $2, $3, $4)', [
    ...[job, id, 'state', JSON.stringify({ state })],
  ]);
}

export async function isHeld(client: PoolClient, id: string, token: string): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 FROM functa.jobs WHERE id = $1 AND holder = $2', [id, token]);
  return rows.length > 0;
}

/** An upload that stays until the transaction is over. */
export async function isThere(client: PoolClient, namespace: string, upload: string): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM functa.files
     WHERE id = $1 AND namespace = $2 AND kind = 'upload' AND sha256 IS NOT NULL AND NOT forgotten FOR SHARE`,
    [upload, namespace],
  );
  return rows.length > 0;
}

export async function removeOver(client: PoolClient, ids: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ file: string | null }>(
    'DELETE FROM functa.jobs WHERE id = ANY($1::text[]) AND ended_at IS NOT NULL RETURNING result_file AS file',
    [ids],
  );
  const results = rows.flatMap(({ file }) => (file === null ? [] : [file]));
  if (results.length > 0)
    await client.query('DELETE FROM functa.files WHERE id = ANY($1::text[])', [results]);
}

/** A connection whose other end is gone lets go of what it locked, in a minute and not in the two hours of TCP: for this transaction. */
export const brokenWhenGone = Object.entries({
  idle_in_transaction_session_timeout: '60s',
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
})
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ');
