/** The program compiled: what starts processes and threads takes a third of the time that it takes from TypeScript. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from '../scripts/sources.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = join(root, 'build', 'compiling');
/** One that compiles for longer was killed. */
const longestMs = 300_000;
const pollMs = 100;

/** The folder dist, which is what the sources compile to: made first where it is not. */
export function compiled(): string {
  if (!isBuilt(root)) holding(() => isBuilt(root) || build());
  return join(root, 'dist');
}

function build(): void {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the sources do not compile: ${stderr}`);
}

/** Test files run at once: one of them compiles, and the others wait for it. */
function holding(work: () => void): void {
  mkdirSync(join(root, 'build'), { recursive: true });
  while (!taken()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function taken(): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (since !== undefined && Date.now() - since > longestMs) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}
