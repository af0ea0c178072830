/** Checkpoints of jobs that many machines share: whoever takes a job from a worker that died goes on from them. */
import type { PoolClient } from 'pg';
import type { Database } from './database.ts';
import type { Turn } from './queue.ts';

/** Ids of files of the database, by the names that they have where the work is done. */
export type Checkpoint = Readonly<Record<string, string>>;

/** A step of the migrations. */
export const checkpointStep = 'ALTER TABLE functa.jobs ADD COLUMN checkpoint json;';

/**
 * Keeps files in the place of those that were kept before, under the token of a turn; those that are not among them go. `write` may be called
 * again. Whether the job was still held: nothing was kept otherwise. Throws what the database says.
 */
export function keepCheckpoint(
  database: Database,
  { job, token }: Turn,
  write: (client: PoolClient) => Promise<Checkpoint>,
): Promise<boolean> {
  return database.transaction(async ({ client }) => {
    const { rows } = await client.query<{ checkpoint: Checkpoint | null }>(
      `SELECT checkpoint FROM functa.jobs WHERE id = $1 AND holder = $2 AND state = 'running' FOR UPDATE`,
      [job.id, token],
    );
    if (rows[0] === undefined) return false;
    const before = Object.values(rows[0].checkpoint ?? {});
    const now = await write(client);
    const kept = new Set(Object.values(now));
    await client.query('UPDATE functa.jobs SET checkpoint = $2 WHERE id = $1', [job.id, JSON.stringify(now)]);
    await client.query('DELETE FROM functa.files WHERE id = ANY($1::text[])', [
      before.filter((id) => !kept.has(id)),
    ]);
    return true;
  });
}
