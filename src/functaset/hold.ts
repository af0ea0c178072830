/**
 * A directory that one process has at a time, such as the home of a service. The claim of a functaset's writer
 * (`claim.ts`) under the lock of an LMDB environment of its own: a claim of a process that is gone is taken over, by one.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { open } from 'lmdb';
import { unbrokenUntil } from '../core/unbroken.ts';
import { type Busy, releaseClaim, takeClaim } from './claim.ts';
import { guarded } from './failure.ts';
import { makeRoom } from './room.ts';

export interface Held {
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * Makes `directory` where it is not there and holds it for this process until `release`. Throws what `busy` makes where a living process
 * has it, EnvironmentError `disk-full`, `disk-denied`.
 */
export async function holdDirectory(directory: string, busy: Busy): Promise<Held> {
  const path = resolve(directory);
  const claim = await withLock(path, () => takeClaim(path, busy));
  let held = true;
  return {
    async release() {
      if (held) await withLock(path, () => releaseClaim(path, claim));
      held = false;
    },
  };
}

async function withLock<T>(path: string, work: () => T): Promise<T> {
  const lock = join(path, 'lock');
  const root = guarded(path, () => {
    mkdirSync(path, { recursive: true });
    makeRoom(lock, true);
    return open({ path: lock, noSubdir: false, overlappingSync: false, encoding: 'binary' });
  });
  try {
    return guarded(path, () => root.transactionSync(work));
  } finally {
    await unbrokenUntil(() => root.close());
  }
}
