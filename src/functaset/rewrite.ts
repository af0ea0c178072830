/**
 * Writing a functaset anew: `compact`, without the room that deleted and replaced functions left behind, and `upgrade`, from
 * format 1. Records are copied in order of their keys, so that every page is filled, into a directory within the store's own; its file
 * then takes the place of the old one in one rename. A process that has the old file open goes on with that.
 */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aText, check, optionsOf } from '../core/check.ts';
import { AbortedError, BadStreamError, FunctaError, NotFoundError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { dropScratch, scratchBeside } from '../disk/scratch.ts';
import { releaseClaim, takeClaim } from './claim.ts';
import { closeDatabases, type Databases, entryCount, openDatabases } from './databases.ts';
import { damagedFunction, failure, guarded } from './failure.ts';
import { checkFile } from './file.ts';
import { decodeRecord1 } from './format1.ts';
import { decodeInfo, decodeInfoOf, encodeInfo, infoKey } from './info.ts';
import { compareIds, compareLabels } from './order.ts';
import { checkFunction, decodeRecord, encodeRecord } from './record.ts';
import { makeRoom } from './room.ts';
import type { Label, StoredFunction, WalkOptions } from './types.ts';

export interface Rewritten {
  readonly functions: number;
  /** Bytes of the file before and after. */
  readonly before: number;
  readonly after: number;
}

/** Functions of one transaction. */
const batch = 256;
const nothing = new Uint8Array(0);

/**
 * Frees the room that deleted and replaced functions take. Throws NotFoundError `functaset-missing`, ConflictError `functaset-busy`,
 * EnvironmentError `function-damaged` (delete it first) or `disk-full`, AbortedError; the store is then as it was.
 *
 * @example
 * await compactFunctaset('store.functaset');
 */
export function compactFunctaset(path: string, options: WalkOptions = {}): Promise<Rewritten> {
  check('compactFunctaset', aText(path, 'path'), optionsOf()(options, 'options'));
  return rewrite(path, decodeRecord, options, (info) => decodeInfo(path, info));
}

/**
 * Makes a functaset of format 1 one of format 2: functions keep their files, those that have none their modulation, rounded to half
 * floats. Throws as `compactFunctaset`, and BadStreamError `info-format` for a store that is none of format 1.
 *
 * @example
 * await upgradeFunctaset('old.functaset');
 */
export function upgradeFunctaset(path: string, options: WalkOptions = {}): Promise<Rewritten> {
  check('upgradeFunctaset', aText(path, 'path'), optionsOf()(options, 'options'));
  return rewrite(path, decodeRecord1, options, (bytes) => {
    const { format, ...network } = decodeInfoOf(bytes);
    if (format === 1) return network;
    throw new BadStreamError('info-format', 4, `${path} is of format ${format}; there is nothing to upgrade`);
  });
}

async function rewrite(
  path: string,
  decode: (id: string, bytes: Uint8Array) => StoredFunction,
  options: WalkOptions,
  networkOf: (info: Uint8Array) => Parameters<typeof encodeInfo>[0],
): Promise<Rewritten> {
  const file = join(path, 'data.mdb');
  if (!existsSync(file)) throw missing(path);
  const old = guarded(path, () => {
    makeRoom(path, false);
    checkFile(file);
    return openDatabases(path, false, false);
  });
  const fresh = scratchBeside(join(path, 'rewrite'));
  let claim: string | undefined;
  try {
    const info = guarded(path, () => {
      const found = old.info.get(infoKey);
      if (found === undefined) throw missing(path);
      const network = encodeInfo(networkOf(found));
      old.root.transactionSync(() => {
        claim = takeClaim(resolve(path));
      });
      return network;
    });
    mkdirSync(fresh);
    const functions = await copyAll(old, fresh, info, decode, options);
    const before = statSync(file).size;
    const after = statSync(join(fresh, 'data.mdb')).size;
    replace(path, fresh);
    return { functions, before, after };
  } catch (error) {
    throw failure(path, error);
  } finally {
    dropScratch(fresh);
    if (claim !== undefined) releaseClaim(resolve(path), claim);
    await closeDatabases(old, path);
  }
}

async function copyAll(
  old: Databases,
  path: string,
  info: Uint8Array,
  decode: (id: string, bytes: Uint8Array) => StoredFunction,
  { signal, onProgress }: WalkOptions,
): Promise<number> {
  makeRoom(path, true);
  const made = openDatabases(path, false, true);
  try {
    made.root.transactionSync(() => {
      made.info.put(infoKey, info);
    });
    const labels: [Label, string][] = [];
    const total = entryCount(old.functions);
    let functions = 0;
    for (let from: string | undefined; ; ) {
      if (signal?.aborted) throw new AbortedError();
      const start = from === undefined ? {} : { start: from, exclusiveStart: true };
      const page = [...old.functions.getRange({ ...start, limit: batch })];
      made.root.transactionSync(() => {
        for (const { key: id, value } of page) {
          const fn = whole(decode, id, value);
          checkFunction(fn, defaultLimits);
          made.functions.put(id, encodeRecord(fn));
          if (fn.label !== undefined) labels.push([fn.label, id]);
        }
      });
      functions += page.length;
      onProgress?.(functions, total);
      if (page.length < batch) break;
      from = page.at(-1)!.key;
      await new Promise(setImmediate);
    }
    labels.sort(inKeyOrder);
    for (let at = 0; at < labels.length; at += batch) {
      made.root.transactionSync(() => {
        for (const key of labels.slice(at, at + batch)) made.labels.put(key, nothing);
      });
    }
    await made.root.flushed;
    return functions;
  } finally {
    await closeDatabases(made, path);
  }
}

/** The lock file goes with the file that it is of: its counts of transactions and readers are not those of the new one. */
function replace(path: string, fresh: string): void {
  renameSync(join(fresh, 'data.mdb'), join(path, 'data.mdb'));
  rmSync(join(path, 'lock.mdb'), { force: true });
  // What is derived from a store knows it by its count of transactions, which begins anew.
  for (const name of readdirSync(path)) {
    if (/\.(index|graph)$/.test(name)) rmSync(join(path, name), { force: true });
  }
}

function missing(path: string): NotFoundError {
  return new NotFoundError('functaset-missing', `there is no functaset at ${path}; check the path`);
}

function whole(
  decode: (id: string, bytes: Uint8Array) => StoredFunction,
  id: string,
  bytes: Uint8Array,
): StoredFunction {
  try {
    return decode(id, bytes);
  } catch (error) {
    throw error instanceof FunctaError ? damagedFunction(id, error) : error;
  }
}

/** Numbers before texts, as LMDB's keys are: an entry that is the last goes onto a full page. */
function inKeyOrder([a, first]: [Label, string], [b, second]: [Label, string]): number {
  return compareLabels(a, b) || compareIds(first, second);
}
