/** Directories that are there when this returns. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFailure } from './failure.ts';

/**
 * The first directory that had to be made; undefined: all were there. Step by step, since Node's recursive mkdir says ENOENT where a file
 * system is read-only. Throws what the system says.
 */
export function makeDirectory(directory: string): string | undefined {
  try {
    mkdirSync(directory);
    return directory;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return undefined;
    const parent = dirname(directory);
    if (code !== 'ENOENT' || parent === directory) throw error;
    const made = makeDirectory(parent);
    mkdirSync(directory);
    return made ?? directory;
  }
}

/** Throws EnvironmentError `disk-full` or `cannot-write`. */
export function ensureDirectory(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    throw writeFailure(directory, error);
  }
}
