/** A file system of a few megabytes, which can be filled and made read-only (Linux, root). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporary } from './temporary.ts';

const mount = (...args: string[]) => spawnSync('mount', args).status === 0;

/** Whether one can be had here; tests that need one are skipped where not. */
export const hasSmallDisks = process.platform === 'linux' && process.getuid?.() === 0 && probe();

export interface SmallDisk {
  readonly directory: string;
  /** Leaves so many bytes free, in whole pages of 4 KiB. */
  fill(free: number): void;
  /** Takes away what fills it. */
  free(): void;
  /** Another size, `2m`, or `ro` and `rw`. */
  remount(as: string): void;
}

/** Goes away with the test, or with what calls the function that `onDone` is given. */
export function smallDisk(size: string, onDone: (end: () => void) => void = onTestFinished): SmallDisk {
  const directory = temporary();
  if (!mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory)) throw new Error('mount failed');
  onDone(() => {
    spawnSync('umount', ['--lazy', directory]);
  });
  const filling = join(directory, 'filling');
  return {
    directory,
    fill(free) {
      rmSync(filling, { force: true });
      const { bavail, bsize } = statfsSync(directory);
      const bytes = Math.max(0, bavail * bsize - free);
      writeFileSync(filling, Buffer.alloc(bytes));
    },
    free: () => truncateSync(filling, 0),
    remount(as) {
      if (!mount('-o', `remount,${as}`, directory)) throw new Error('mount failed');
    },
  };
}

function probe(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'functa-'));
  try {
    return mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory);
  } finally {
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}
