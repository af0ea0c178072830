/**
 * The LMDB environment of a functaset: three databases, `info` (what it is of), `functions` (id to record) and `labels`
 * ([label, id] to nothing). A fourth, `answers`, is made when the first is kept.
 */
import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import { NotFoundError } from '../core/errors.ts';
import { unbroken, unbrokenUntil } from '../core/unbroken.ts';
import type { Label } from './types.ts';

/** `['key', key]` to the answer, `['at', milliseconds, key]` to nothing. */
export type AnswerKey = ['key', string] | ['at', number, string] | ['at'];
export type AnswersDatabase = Database<Uint8Array, AnswerKey>;

export interface Databases {
  readonly root: RootDatabase;
  readonly info: Database<Uint8Array, string>;
  readonly functions: Database<Uint8Array, string>;
  readonly labels: Database<Uint8Array, [Label, string]>;
}

/**
 * Throws NotFoundError `functaset-missing` where there is another store, and whatever LMDB throws.
 *
 * All who open one path in one process share one LMDB environment, so a reader opens it as a writer does wherever the
 * file allows: else a writer that comes later would be given the reader's.
 */
export function openDatabases(path: string, readOnly: boolean, create: boolean): Databases {
  const root = open({
    path,
    noSubdir: false,
    maxDbs: 4,
    readOnly: readOnly && !isWritable(path),
    overlappingSync: false,
    encoding: 'binary',
  });
  const database = <K extends string | [Label, string]>(name: string) => {
    const options = { name, encoding: 'binary', create } as const;
    const found = root.openDB<Uint8Array, K>(options) as Database<Uint8Array, K> | undefined;
    if (found) return found;
    throw new NotFoundError(
      'functaset-missing',
      `${path} is an LMDB store, and no functaset; check the path`,
    );
  };
  try {
    const databases: Databases = {
      root,
      info: database('info'),
      functions: database('functions'),
      labels: database('labels'),
    };
    opened.set(resolve(path), (opened.get(resolve(path)) ?? new Set()).add(root));
    return databases;
  } catch (error) {
    void root.close();
    throw error;
  }
}

/** Undefined where there is none and none is to be made. Not within a transaction. */
export function openAnswers(root: RootDatabase, create: boolean): AnswersDatabase | undefined {
  const options = { name: 'answers', encoding: 'binary', create } as const;
  return root.openDB<Uint8Array, AnswerKey>(options) as AnswersDatabase | undefined;
}

function isWritable(path: string): boolean {
  try {
    accessSync(join(path, 'data.mdb'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A view of a value, gone with the next read. lmdb-js hands out one buffer with a `length` of its own making, which
 * typed arrays and DataView do not see: hence a view of exactly the value.
 */
export function valueView<K extends Key>(database: Database<Uint8Array, K>, key: K): Uint8Array | undefined {
  const buffer = database.getBinaryFast(key);
  return buffer && new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

export function entryCount<K extends Key>(database: Database<Uint8Array, K>): number {
  return unbroken(() => (database.getStats() as { entryCount: number }).entryCount);
}

/** Those that are open in this process, by their path. */
const opened = new Map<string, Set<RootDatabase>>();

/**
 * Gives up the snapshots of this process's readers of a store. lmdb-js keeps each from its first read until the event loop turns to
 * its timers, and while it is kept no page that was freed since can be used again: a writer that never lets the loop turn would
 * lengthen the file with every transaction. Call it when no cursor is in use.
 */
export function endReading(path: string): void {
  for (const root of opened.get(resolve(path)) ?? []) root.resetReadTxn();
}

export async function closeDatabases({ root }: Pick<Databases, 'root'>, path: string): Promise<void> {
  opened.get(resolve(path))?.delete(root);
  await unbrokenUntil(() => root.close());
}

/** The last transaction; whoever reads after this call sees what it wrote, which a reader's snapshot may else lag behind. */
export function lastTransaction(root: RootDatabase): number {
  return unbroken(() => {
    root.resetReadTxn();
    return (root.getStats() as { lastTxnId: number }).lastTxnId;
  });
}
