/** Files that indexes keep in the directory of a store: whole or not there, and nothing left behind by what was killed. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { dropScratch, scratchBeside, sweepScratch } from '../disk/scratch.ts';

const pieceBytes = 2 ** 20;

/**
 * `write` gets a name beside `path`; what it wrote is flushed and gets the name that `write` returns, or else `path`. Names
 * that processes left which are gone are removed first.
 */
export function replaceFile(path: string, write: (fresh: string) => string | undefined): void {
  // A server writes here for months: what others leave while it runs has to go too, not only what was there at first.
  sweepScratch(dirname(path));
  const fresh = scratchBeside(path);
  try {
    const name = write(fresh) ?? path;
    const file = openSync(fresh, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, name);
  } finally {
    dropScratch(fresh);
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
