import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning } from '../../src/disk/process.ts';

/**
 * A fresh directory ROOT/.PURPOSE-PID-RANDOM, for work that ends in a rename. Those that a killed process left behind
 * are removed on the way.
 */
export async function makeScratch(root: string, purpose: string): Promise<string> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const pid = /^\.[\w-]+-(\d+)-\w{6}$/.exec(name)?.[1];
    if (pid !== undefined && name.startsWith(`.${purpose}-`) && !isRunning(Number(pid))) {
      await rm(join(root, name), { recursive: true, force: true });
    }
  }
  const directory = await mkdtemp(join(root, `.${purpose}-${process.pid}-`));
  await chmod(directory, 0o755); // mkdtemp makes it the user's alone, and a cache may be shared
  return directory;
}
