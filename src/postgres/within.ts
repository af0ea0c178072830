/** Functions that are written as a part of a larger transaction: what a job made becomes visible in the one that says that it is done. */
import type { PutOptions } from '../functaset/index.ts';
import type { FunctionRecord } from '../functaset/types.ts';
import { Changes, insert, tableOf } from './changes.ts';
import type { Transaction } from './database.ts';
import type { PostgresFunctaset } from './store.ts';

/** Inserts functions of ids that are new, and tells replicas. Throws what the driver throws: 23505 where an id is there. */
export async function insertWithin(
  transaction: Transaction,
  set: PostgresFunctaset,
  records: readonly FunctionRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await insert(transaction.client, tableOf(set.row), records);
  await set.number(transaction, { ids: records.map(({ id }) => id), more: records.length });
}

/**
 * Puts functions; without `replace` those whose ids are there stay as they are. Gives how many were put and how many were there. Throws
 * what the driver throws: 23505 where somebody put an id that was new a moment ago, and the transaction has to begin again.
 */
export async function mergeWithin(
  transaction: Transaction,
  set: PostgresFunctaset,
  records: readonly FunctionRecord[],
  { replace = false }: PutOptions,
): Promise<{ readonly added: number; readonly there: number }> {
  const { rows } = await transaction.client.query<{ id: string }>(
    `SELECT id FROM ${tableOf(set.row)} WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE`,
    [records.map(({ id }) => id)],
  );
  const before = new Map(rows.map(({ id }) => [id, nothing]));
  const changes = new Changes(before);
  for (const record of records) if (replace || !before.has(record.id)) changes.put(record);
  await set.apply(transaction, changes);
  return { added: changes.puts.size, there: replace ? 0 : before.size };
}

const nothing = new Uint8Array(0);
