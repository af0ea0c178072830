/** The keys of a running server, looked up on the disk at each request: what was made or revoked counts at once. */
import { timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { EnvironmentError } from '../../src/core/errors.ts';
import { fileStamp } from '../../src/disk/file.ts';
import { HttpFault } from '../http-fault.ts';
import type { Access } from './access.ts';
import { digestOfKey, idOfKey, idsIn, type KeyRecord, keyPath, readKey } from './key-files.ts';

interface Known {
  readonly stamp: string;
  readonly record: KeyRecord;
}

/** A directory is settled when it did not change for so long. */
const settledMs = 100;
/** Records that are kept, at most; more keys than this are read again. */
const mostKnown = 4096;

export class Keyring {
  readonly #directory: string | undefined;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  #any = false;
  /** Of the directory when it was without keys. */
  #noneAt: bigint | undefined;

  /** Without a directory there are no keys. */
  constructor(directory: string | undefined, now: () => number = Date.now) {
    this.#directory = directory;
    this.#now = now;
  }

  /** Whether a key was ever made. It does not become false again: who removes the files of all keys restarts the server. */
  get any(): boolean {
    if (this.#any || this.#directory === undefined) return this.#any;
    const changed = statSync(this.#directory, { bigint: true, throwIfNoEntry: false })?.mtimeNs;
    // No directory, no keys: reading one that is not there costs an error with its stack.
    if (changed === undefined || changed === this.#noneAt) return false;
    this.#any = idsIn(this.#directory).length > 0;
    // One that changed just now may change again within the same tick of its clock.
    const isSettled = Date.now() - Number(changed / 1_000_000n) > settledMs;
    this.#noneAt = isSettled ? changed : undefined;
    return this.#any;
  }

  /**
   * What the bearer of a key may do. Throws HttpFault 401 `key-unknown`, `key-expired`, `key-revoked`; EnvironmentError
   * `key-unreadable` where its file is damaged.
   */
  check(key: string): Access {
    const found = this.#find(key);
    if (found === undefined)
      throw refused('key-unknown', 'this key is not known here; check that all of it was sent');
    const { id, scope, namespace, expiresAt, revokedAt } = found;
    if (revokedAt !== null) throw refused('key-revoked', `key ${id} is revoked; ask for a new one`);
    if (expiresAt !== null && expiresAt <= this.#now())
      throw refused(
        'key-expired',
        `key ${id} expired on ${new Date(expiresAt).toISOString()}; ask for a new one`,
      );
    return { scope, namespace, key: id };
  }

  #find(key: string): KeyRecord | undefined {
    const id = idOfKey(key);
    const record = id && this.#record(id);
    if (!record) return undefined;
    return timingSafeEqual(digestOfKey(key), Buffer.from(record.digest, 'hex')) ? record : undefined;
  }

  #record(id: string): KeyRecord | undefined {
    if (this.#directory === undefined) return undefined;
    const stamp = fileStamp(keyPath(this.#directory, id))?.stamp;
    if (stamp === undefined) {
      this.#known.delete(id);
      return undefined;
    }
    const known = this.#known.get(id);
    if (known?.stamp === stamp) return known.record;
    const record = readWhole(this.#directory, id);
    if (record === undefined) return undefined;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(id, { stamp, record });
    return record;
  }
}

/** The file is the operator's to mend, and its path is not for clients. */
function readWhole(directory: string, id: string): KeyRecord | undefined {
  try {
    return readKey(directory, id);
  } catch (error) {
    throw new EnvironmentError(
      'key-unreadable',
      `the file of key ${id} cannot be read; the operator must replace the key`,
      { cause: error },
    );
  }
}

/** RFC 6750, section 3.1. */
function refused(code: ErrorCode, message: string): HttpFault {
  return new HttpFault(401, code, message, {
    'www-authenticate': 'Bearer realm="functa", error="invalid_token"',
  });
}
