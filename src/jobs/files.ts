/** Files of jobs that go on where they stopped. */
import { readFile } from 'node:fs/promises';
import type { CheckpointPlace } from '../../prior/train/index.ts';
import { writeWhole } from '../disk/whole.ts';

/** Whether a file holds just these bytes: writing them again replaces nothing. */
export async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  const found = await readFile(path).catch(() => undefined);
  return found?.equals(bytes) === true;
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
    save: (bytes) => writeWhole(path, bytes, { replace: true }),
  };
}
