/** What a file is, told without keeping it: a digest of its bytes, and a stamp that changes when it does. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { AbortedError } from '../core/errors.ts';

/** Of a file that is read at a time. */
const pieceBytes = 2 ** 20;

/** SHA-256 of a file, in hex, read piece by piece. Throws what reading it throws, AbortedError. */
export async function digestOfFile(
  path: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    if (signal?.aborted) throw new AbortedError();
    hash.update(piece as Uint8Array);
  }
  return hash.digest('hex');
}

/** The same without waiting, for who names a file by it while it is put in its place. Throws what reading it throws. */
export function digestOfFileSync(path: string): string {
  const hash = createHash('sha256');
  const piece = new Uint8Array(pieceBytes);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece))
      hash.update(piece.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

/** Which file stands at a path, and when it was last written; undefined where there is none. */
export function fileStamp(
  path: string,
): { readonly stamp: string /** Milliseconds since 1970. */; readonly writtenAt: number } | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { dev, ino, size, mtimeNs, mtimeMs, ctimeNs } = found;
  return { stamp: [dev, ino, size, mtimeNs, ctimeNs].join('.'), writtenAt: Number(mtimeMs) };
}
