/**
 * What was made of a whole functaset, kept in the directory of the store until that is written: a line of JSON that says what it is of and
 * its SHA-256, and the bytes. A file that is cut off, damaged or of something else is no file.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceWhole } from '../disk/whole.ts';
import { type Functaset, stampOf } from '../functaset/index.ts';

/**
 * The bytes that `make` gives, or those that it gave before: of the store as it is, and of the same `of`. A store whose directory cannot be
 * written keeps none. Throws what `make` throws.
 */
export async function keptBeside(
  store: Functaset,
  name: string,
  of: readonly (string | number)[],
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  // before anything is read: what is written meanwhile makes another stamp
  const key = JSON.stringify([stampOf(store), ...of]);
  const path = join(store.path, name);
  const found = read(path, key);
  if (found !== undefined) return found;
  const made = await make();
  try {
    const head = Buffer.from(`${JSON.stringify({ key, sha256: digestOf(made) })}\n`);
    replaceWhole(path, (fresh) => writeFileSync(fresh, Buffer.concat([head, made])));
  } catch {
    // It is made again when it is asked for again.
  }
  return made;
}

function read(path: string, key: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path);
    const end = bytes.indexOf('\n');
    const head = JSON.parse(bytes.subarray(0, end).toString()) as { key: string; sha256: string };
    const body = Uint8Array.from(bytes.subarray(end + 1));
    return head.key === key && head.sha256 === digestOf(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
