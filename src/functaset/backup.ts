/**
 * One file that a functaset is made of again: LMDB's own copy of a state of it, taken while others read and write, without the pages that
 * are free. It gets its name once every record in it has been checked.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { copyFile, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { aFlag, aText, check, optionsOf } from '../core/check.ts';
import { BadStreamError, FunctaError, NotFoundError } from '../core/errors.ts';
import { unbrokenUntil } from '../core/unbroken.ts';
import { digestOfFile } from '../disk/file.ts';
import { placeDirectory, placeFile } from '../disk/place.ts';
import { dropScratch, scratchBeside } from '../disk/scratch.ts';
import { checkFree } from '../disk/whole.ts';
import { closeDatabases, openDatabases } from './databases.ts';
import { failure, guarded } from './failure.ts';
import { checkFile } from './file.ts';
import { openFunctaset } from './store.ts';
import { checkTrees } from './tree.ts';
import type { WalkOptions } from './types.ts';

export interface Backup {
  readonly functions: number;
  readonly networkId: string;
  readonly bytes: number;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
}

/**
 * Copies the functaset at `path`, as it is now, into the file `target`. Throws NotFoundError `functaset-missing`, BadStreamError
 * `backup-damaged` where a record is (`verify` names it), ConflictError `output-exists` unless `replace`, EnvironmentError `disk-full`,
 * AbortedError. Nothing is left behind then.
 *
 * @example
 * await backupFunctaset('mine.functaset', 'mine.backup');
 */
export async function backupFunctaset(
  path: string,
  target: string,
  asked: WalkOptions & { readonly replace?: boolean } = {},
): Promise<Backup> {
  check(
    'backupFunctaset',
    aText(path, 'path'),
    aText(target, 'target'),
    optionsOf({ replace: aFlag })(asked, 'options'),
  );
  const { replace = false, ...options } = asked;
  const file = join(path, 'data.mdb');
  if (!existsSync(file))
    throw new NotFoundError('functaset-missing', `there is no functaset at ${path}; check the path`);
  await checkFree(target, { replace });
  return inScratch(target, async (fresh) => {
    const copy = join(fresh, 'data.mdb');
    const databases = guarded(path, () => {
      checkFile(file);
      return openDatabases(path, true, false);
    });
    try {
      // into a directory that is there, as the store is one, and under its own name of the file
      await unbrokenUntil(() => databases.root.backup(fresh, true));
    } finally {
      await closeDatabases(databases, path);
    }
    const made = await checked(fresh, path, options);
    await flushFile(copy);
    await placeFile(copy, target, { replace });
    return made;
  });
}

/**
 * A functaset at `path`, which may not be there yet, of a backup. Throws NotFoundError `no-file`, BadStreamError `backup-damaged` for a file
 * that is none or is not whole, ConflictError `output-exists`, EnvironmentError `disk-full`, AbortedError. Nothing is left behind then.
 *
 * @example
 * await restoreFunctaset('mine.backup', 'again.functaset');
 */
export async function restoreFunctaset(
  backup: string,
  path: string,
  options: WalkOptions = {},
): Promise<Backup> {
  check('restoreFunctaset', aText(backup, 'backup'), aText(path, 'path'), optionsOf()(options, 'options'));
  if (!existsSync(backup)) throw new NotFoundError('no-file', `there is no backup ${backup}; check the path`);
  await checkFree(path, { replace: false });
  return inScratch(path, async (fresh) => {
    const copy = join(fresh, 'data.mdb');
    await copyFile(backup, copy);
    const made = await checked(fresh, backup, options);
    await flushFile(copy);
    await placeDirectory(fresh, path);
    return made;
  });
}

async function inScratch(beside: string, work: (fresh: string) => Promise<Backup>): Promise<Backup> {
  const fresh = scratchBeside(beside);
  try {
    mkdirSync(fresh);
    return await work(fresh);
  } catch (error) {
    throw failure(beside, error);
  } finally {
    dropScratch(fresh);
  }
}

/**
 * The trees are looked at without LMDB, which trusts them: a file may come from anywhere. Then every record is. Throws BadStreamError
 * `backup-damaged`, AbortedError.
 */
async function checked(fresh: string, from: string, options: WalkOptions): Promise<Backup> {
  const file = join(fresh, 'data.mdb');
  const { functions, networkId } = await whole(fresh, file, options).catch((error: unknown) => {
    if (!(error instanceof FunctaError) || error.kind === 'aborted') throw error;
    const what = error.message.replaceAll(file, from).replaceAll(fresh, from);
    throw new BadStreamError('backup-damaged', 0, what);
  });
  const { size } = await stat(file);
  return { functions, networkId, bytes: size, sha256: await digestOfFile(file, { signal: options.signal }) };
}

async function whole(fresh: string, file: string, options: WalkOptions) {
  checkFile(file);
  const trees = await checkTrees(file, options.signal);
  if (trees.faults.length > 0) throw fault(trees.faults[0]!);
  const store = await openFunctaset(fresh, { readOnly: true });
  try {
    const { ok, faults, functions } = await store.verify(options);
    if (!ok) throw fault(`${faults[0]?.id}: ${faults[0]?.message}`);
    return { functions, networkId: store.info.networkId };
  } finally {
    await store.close();
  }
}

function fault(what: string): BadStreamError {
  return new BadStreamError('backup-damaged', 0, what);
}

async function flushFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
