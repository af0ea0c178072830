/** Files that indexes keep in the directory of a store: whole or not there, and nothing left behind by what was killed. */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, readSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const temporary = /^near-.*\.(\d+)\.[0-9a-f-]{36}\.tmp$/;
const pieceBytes = 2 ** 20;

/**
 * `write` gets a name beside `path`; what it wrote is flushed and gets the name that `write` returns, or else `path`. Names
 * that processes left which are gone are removed first.
 */
export function replaceFile(path: string, write: (fresh: string) => string | undefined): void {
  sweep(dirname(path));
  const fresh = join(dirname(path), `${basename(path)}.${process.pid}.${randomUUID()}.tmp`);
  try {
    const name = write(fresh) ?? path;
    const file = openSync(fresh, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, name);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

/** SHA-256 of a file, in hex; it is read piece by piece. */
export function digestOf(path: string): string {
  const hash = createHash('sha256');
  const piece = new Uint8Array(pieceBytes);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      hash.update(piece.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

function sweep(directory: string): void {
  for (const name of readdirSync(directory)) {
    const owner = temporary.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner))) rmSync(join(directory, name), { force: true });
  }
}

/** Of a process that may not be asked, it is known that it runs. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
