/**
 * One writer at a time. LMDB would let several processes write in turns; two builds that fill one functaset are a
 * mistake all the same, and the second hears of it here. A claim is a file beside the store, looked at and replaced
 * inside a write transaction: LMDB's own lock, which the kernel frees when its holder dies, makes that atomic. A file,
 * since taking it back must not need room on a full disk. The claim of a process that is gone is taken over. Claims are
 * sealed (core/sealed.ts): one that was damaged is an error, as nobody knows whose it is.
 *
 * It guards against confusion, not against corruption: LMDB does that. Processes that cannot see each other, as in two
 * containers over one volume, may both claim; their transactions still take turns.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConflictError, FunctaError } from '../core/errors.ts';
import { sealJson, unsealJson } from '../core/sealed.ts';
import { bootId, isRunning, startOf } from '../disk/process.ts';
import { replaceWhole } from '../disk/whole.ts';

interface Owner {
  readonly token: string;
  readonly pid: number;
  /** When the process began, in the kernel's own count, where it says so: tells a process from a later one of its number. */
  readonly started: string | null;
  /** Of this start of this machine: processes of another are gone. */
  readonly boot: string;
}

const format = 'functaset-writer/1';

/** Claims of this process whose release could not be carried out. */
const released = new Set<string>();

/** What is said of a directory that a living process holds. */
export type Busy = (directory: string, who: string) => ConflictError;

/**
 * Claims `directory` for this process; returns what `releaseClaim` needs. Call it inside a write transaction.
 * Throws ConflictError `functaset-busy`, or what `busy` makes, also when this process holds the claim itself, and `functaset-claim` for a
 * damaged one.
 */
export function takeClaim(directory: string, busy: Busy = functasetBusy): string {
  const path = claimPath(directory);
  const owner = readOwner(path);
  if (owner !== undefined && isAlive(owner))
    throw busy(directory, owner.pid === process.pid ? 'this process' : `process ${owner.pid}`);
  const mine: Owner = {
    token: randomUUID(),
    pid: process.pid,
    started: startOf(process.pid),
    boot: bootId(),
  };
  // By a rename: whoever reads the claim finds the old one or the new one, never half of one.
  replaceWhole(path, (fresh) => writeFileSync(fresh, sealJson(format, mine), { flag: 'wx' }));
  return mine.token;
}

/** Gives a claim back; one that was taken over meanwhile is left alone. Call it inside a write transaction. */
export function releaseClaim(directory: string, token: string): void {
  released.add(token);
  const path = claimPath(directory);
  if (ownToken(path) === token) rmSync(path, { force: true });
}

/**
 * Takes the claim of this very process away, for a thread that stands in for one that died with it. What another process claims, and
 * what cannot be read, stays.
 */
export function forsakeClaim(directory: string): void {
  const path = claimPath(directory);
  try {
    if (readOwner(path)?.pid === process.pid) rmSync(path, { force: true });
  } catch (error) {
    if (!(error instanceof FunctaError)) throw error;
  }
}

function functasetBusy(directory: string, who: string): ConflictError {
  return new ConflictError(
    'functaset-busy',
    `functaset ${directory} is being written by ${who}; close it there, or open it with readOnly`,
  );
}

export function claimPath(directory: string): string {
  return join(directory, 'writer.json');
}

/** Of the claim that is there; a damaged one is not this process's to take away. */
function ownToken(path: string): string | undefined {
  try {
    return readOwner(path)?.token;
  } catch (error) {
    if (error instanceof FunctaError) return undefined;
    throw error;
  }
}

/**
 * Undefined when there is no claim. Claims of one line are those of older versions, without a seal; of these, what cannot be
 * read is not of a living process either: renames are whole.
 */
function readOwner(path: string): Owner | undefined {
  try {
    const bytes = readFileSync(path);
    const owner = (
      bytes.includes(10) ? readSealed(path, bytes) : JSON.parse(bytes.toString())
    ) as Owner | null;
    return owner && Number.isInteger(owner.pid) && owner.pid > 0 ? owner : undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readSealed(path: string, bytes: Uint8Array): unknown {
  const remedy = 'if no other process writes to the functaset, remove this file';
  try {
    return unsealJson(format, bytes, { what: `the claim ${path}`, remedy });
  } catch (error) {
    throw error instanceof FunctaError ? new ConflictError('functaset-claim', error.message) : error;
  }
}

function isAlive({ token, pid, started, boot }: Owner): boolean {
  if (boot !== bootId() || released.has(token)) return false;
  if (pid === process.pid) return started === startOf(pid);
  if (!isRunning(pid)) return false;
  const now = startOf(pid);
  return started === null || now === null || started === now;
}
