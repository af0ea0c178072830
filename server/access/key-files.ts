/**
 * Keys on the disk: a sealed file for each, `ID.key` in the folder of keys, so that two commands and a running server never meet in
 * one file. A file holds the SHA-256 of its key and not the key. One pass of a fast hash is enough: a key is 256 random bits,
 * which nobody finds by trying, whereas a slow hash would cost every request what it was to cost a thief.
 *
 * A key that is revoked keeps its file: a server whose last key was revoked asks for one, and is not open to all.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BadInputError, NotFoundError } from '../../src/core/errors.ts';
import { sealJson, unsealJson } from '../../src/core/sealed.ts';
import { writeFailure } from '../../src/disk/failure.ts';
import { replaceWhole } from '../../src/disk/whole.ts';
import { type Scope, scopes } from './access.ts';

/** Names of folders, on every file system. */
export const namespacePattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const idPattern = /^[0-9a-f]{12}$/;
const filePattern = /^([0-9a-f]{12})\.key$/;
const format = 'service-key/1';
const secretBytes = 32;

const record = z.strictObject({
  id: z.string().regex(idPattern),
  /** SHA-256 of the key, in hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  scope: z.enum(scopes),
  namespace: z.string().regex(namespacePattern),
  note: z.string().max(200),
  /** Times are milliseconds since 1970. */
  createdAt: z.number().int(),
  expiresAt: z.number().int().nullable(),
  revokedAt: z.number().int().nullable(),
});

export type KeyRecord = Readonly<z.infer<typeof record>>;

export interface NewKey {
  readonly scope: Scope;
  readonly namespace: string;
  readonly note?: string;
  /** Milliseconds from now; undefined: it does not expire. */
  readonly lifeMs?: number | undefined;
}

export interface MadeKey {
  /** Nobody can show it again. */
  readonly key: string;
  readonly record: KeyRecord;
}

/** The id that a key carries; undefined for a text that is no key. */
export function idOfKey(key: string): string | undefined {
  return /^functa_([0-9a-f]{12})_[\w-]{43}$/.exec(key)?.[1];
}

export function digestOfKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

export function keyPath(directory: string, id: string): string {
  return join(directory, `${id}.key`);
}

/** Throws BadInputError `bad-namespace`, and what the disk says. */
export function createKey(directory: string, wanted: NewKey, nowMs = Date.now()): MadeKey {
  const { scope, namespace, note = '', lifeMs } = wanted;
  if (!namespacePattern.test(namespace)) {
    throw new BadInputError(
      'bad-namespace',
      `a namespace is 1 to 63 of a-z, 0-9 and -, and does not begin with -; ${JSON.stringify(namespace.slice(0, 64))} is none`,
    );
  }
  const id = randomBytes(6).toString('hex');
  const key = `functa_${id}_${randomBytes(secretBytes).toString('base64url')}`;
  const made: KeyRecord = {
    id,
    digest: digestOfKey(key).toString('hex'),
    scope,
    namespace,
    note: note.slice(0, 200),
    createdAt: nowMs,
    expiresAt: lifeMs === undefined ? null : nowMs + lifeMs,
    revokedAt: null,
  };
  write(directory, made);
  return { key, record: made };
}

/** By age. Throws what `readKey` throws. */
export function listKeys(directory: string): KeyRecord[] {
  const ids = idsIn(directory);
  const found = ids.map((id) => readKey(directory, id)).filter((one) => one !== undefined);
  return found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
}

/** Idempotent. Throws NotFoundError `key-unknown`. */
export function revokeKey(directory: string, id: string, nowMs = Date.now()): KeyRecord {
  const found = existing(directory, id);
  if (found.revokedAt !== null) return found;
  const revoked = { ...found, revokedAt: nowMs };
  write(directory, revoked);
  return revoked;
}

/**
 * A new key for the same, with a life as long as that of the old one, which ends `overlapMs` from now. Throws NotFoundError
 * `key-unknown`, BadInputError `key-revoked`.
 */
export function rotateKey(directory: string, id: string, overlapMs: number, nowMs = Date.now()): MadeKey {
  const old = existing(directory, id);
  if (old.revokedAt !== null)
    throw new BadInputError('key-revoked', `key ${id} is revoked; create a new one instead`);
  const { scope, namespace, note, createdAt, expiresAt } = old;
  const lifeMs = expiresAt === null ? undefined : expiresAt - createdAt;
  const made = createKey(directory, { scope, namespace, note, lifeMs }, nowMs);
  if (overlapMs === 0) revokeKey(directory, id, nowMs);
  else
    write(directory, {
      ...old,
      expiresAt: Math.min(expiresAt ?? Number.MAX_SAFE_INTEGER, nowMs + overlapMs),
    });
  return made;
}

/** Undefined where there is none. Throws BadStreamError `seal-absent`, `seal-broken` for a file that is damaged. */
export function readKey(directory: string, id: string): KeyRecord | undefined {
  const path = keyPath(directory, id);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const remedy = 'remove the file, and create a new key';
  return record.parse(unsealJson(format, bytes, { what: `the key file ${path}`, remedy }));
}

/** Ids of all keys that were ever made and whose files are there. */
export function idsIn(directory: string): string[] {
  try {
    return readdirSync(directory).flatMap((name) => filePattern.exec(name)?.[1] ?? []);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function existing(directory: string, id: string): KeyRecord {
  const found = idPattern.test(id) ? readKey(directory, id) : undefined;
  if (found !== undefined) return found;
  throw new NotFoundError('key-unknown', `there is no key ${id.slice(0, 64)}; functa keys list names them`);
}

/** Whoever may write here may let himself in: nobody else gets into the folder. */
function write(directory: string, made: KeyRecord): void {
  const path = keyPath(directory, made.id);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    replaceWhole(path, (fresh) => writeFileSync(fresh, sealJson(format, made), { flag: 'wx', mode: 0o600 }));
  } catch (error) {
    throw writeFailure(path, error);
  }
}
