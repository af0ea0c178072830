/** Files that appear whole or not at all. */
import { readFile } from 'node:fs/promises';
import type { CheckpointPlace } from '../../prior/train/index.ts';
import { EnvironmentError, FunctaError } from '../core/errors.ts';
import { writeWhole } from '../disk/whole.ts';

/**
 * Writes a whole file; one that is there is kept unless `replace` says otherwise. Throws ConflictError `output-exists`,
 * EnvironmentError `disk-full` or `cannot-write`.
 */
export async function writeFileWhole(
  path: string,
  bytes: Uint8Array,
  { replace = false }: { readonly replace?: boolean | undefined } = {},
): Promise<void> {
  try {
    await writeWhole(path, bytes, { replace });
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** Whether a file holds just these bytes: writing them again replaces nothing. */
export async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  const found = await readFile(path).catch(() => undefined);
  return found?.equals(bytes) === true;
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
    save: (bytes) => writeFileWhole(path, bytes, { replace: true }),
  };
}
