/**
 * Things that were finished elsewhere on the same file system, given their name. Either may be called again after a process died in the
 * middle of it: what stands there already is seen.
 */
import { link, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ensureDirectory } from './directory.ts';
import { writeFailure } from './failure.ts';
import { dropScratch, scratchBeside } from './scratch.ts';
import { flushNames, type ReplaceOptions, taken } from './whole.ts';

/**
 * Gives the file at `from` the name `to` as well; `from` stays. Throws ConflictError `output-exists` where another file has the name
 * and may not be replaced, EnvironmentError `disk-full` or `cannot-write`.
 */
export async function placeFile(from: string, to: string, { replace }: ReplaceOptions): Promise<void> {
  const told = <T>(work: Promise<T>) => work.catch((error) => Promise.reject(writeFailure(to, error)));
  ensureDirectory(dirname(to));
  const own = await told(stat(from));
  const there = await stat(to).catch(() => undefined);
  if (there !== undefined && there.ino === own.ino && there.dev === own.dev) return;
  if (there !== undefined && !replace) throw taken(to);
  const scratch = scratchBeside(to);
  try {
    await told(link(from, scratch));
    // a name that was taken since is found by `link`, which replaces nothing
    await (replace ? told(rename(scratch, to)) : link(scratch, to).catch(asTaken(to)));
    await told(flushNames(dirname(to)));
  } finally {
    dropScratch(scratch);
  }
}

/**
 * Gives the directory at `from` the name `to`. Where `from` is gone and `to` is there, that was done before. Throws ConflictError
 * `output-exists` where there is another one, EnvironmentError `cannot-write`.
 */
export async function placeDirectory(from: string, to: string): Promise<void> {
  const told = <T>(work: Promise<T>) => work.catch((error) => Promise.reject(writeFailure(to, error)));
  ensureDirectory(dirname(to));
  const there = await isThere(to);
  if (there && !(await isThere(from))) return;
  if (there) throw taken(to);
  await rename(from, to).catch(asTaken(to));
  await told(flushNames(dirname(to)));
}

/**
 * Takes a directory away at once: under its name there is all of it, or nothing. What stood there is removed after. Throws
 * EnvironmentError `cannot-write`.
 */
export async function takeAway(path: string): Promise<void> {
  const scratch = scratchBeside(path);
  try {
    await rename(path, scratch);
    await flushNames(dirname(path));
  } catch (error) {
    throw writeFailure(path, error);
  } finally {
    dropScratch(scratch);
  }
}

function asTaken(to: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw error.code === 'EEXIST' || error.code === 'ENOTEMPTY' ? taken(to) : writeFailure(to, error);
  };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
