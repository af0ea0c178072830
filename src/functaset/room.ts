/**
 * Room on the disk for what LMDB maps before it can report an error: with none left, writing its lock file through the
 * map, or the first pages of a new store, ends the process with a signal.
 */
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../disk/directory.ts';
import { dropScratch, scratchBeside } from '../disk/scratch.ts';

/** What an empty functaset takes, a few times over. */
const newStoreBytes = 2 ** 18;
/** Zeros are a lock file that the first to open it fills in; this size has places for 250 readers. */
const lockBytes = 2 ** 14;

/**
 * Makes the directory of a new functaset and its lock file, all of it in being. Throws what the disk says (ENOSPC and
 * the like) and leaves nothing behind then.
 */
export function makeRoom(directory: string, isNew: boolean): void {
  const made = isNew ? makeDirectory(directory) : undefined;
  try {
    if (isNew) withScratch(directory, newStoreBytes, () => {});
    const lock = join(directory, 'lock.mdb');
    // A link appears whole and never replaces the lock of someone who was faster.
    if (!existsSync(lock)) withScratch(directory, lockBytes, (scratch) => linkSync(scratch, lock));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return;
    // LMDB reads a store on a medium that cannot be written without a lock file.
    if (!isNew && (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')) return;
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    throw error;
  }
}

function withScratch(directory: string, bytes: number, use: (path: string) => void): void {
  const scratch = scratchBeside(join(directory, 'room'));
  try {
    writeFileSync(scratch, new Uint8Array(bytes), { flag: 'wx' });
    use(scratch);
  } finally {
    dropScratch(scratch);
  }
}
