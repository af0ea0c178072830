/** Files that appear whole or not at all. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CheckpointPlace } from '../../prior/train/index.ts';
import { EnvironmentError, FunctaError } from '../core/errors.ts';

/** Writes beside the name, flushes, renames. Throws EnvironmentError `disk-full` or `cannot-write`. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    throw writeFailure(path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** What a failed write to `path` is called. */
export function writeFailure(path: string, error: unknown): unknown {
  if (error instanceof FunctaError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new EnvironmentError('disk-full', `no room for ${path}; free some, or choose another disk`, {
      cause: error,
    });
  }
  return new EnvironmentError('cannot-write', `${path} cannot be written: ${message}`, { cause: error });
}

/** The state of a training run in one file. */
export function checkpointAt(path: string): CheckpointPlace {
  return {
    load: () =>
      readFile(path).then(
        (bytes) => new Uint8Array(bytes),
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return undefined;
          throw error;
        },
      ),
    save: (bytes) => writeWhole(path, bytes),
  };
}
