/**
 * Names of what is on the disk for a while: a hidden neighbour of what it becomes, which says whose it is. Whoever writes in
 * a directory removes what processes left there that are over.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isOver, processTag, tagPattern } from './process.ts';

/** Most characters of a name that are kept: a name of a file has 255 bytes. */
const keptCharacters = 40;
const pattern = new RegExp(`^\\..*\\.(${tagPattern.source})\\.[0-9a-f]{8}\\.tmp$`, 's');

/** Of this process, and not done yet: taken away when it must leave at once. */
const unfinished = new Set<string>();
/** Hears of scratch that is begun and done: another thread, which may have to take it away. */
let listener: ((path: string, there: boolean) => void) | undefined;
/** Directories that this process has swept. */
const swept = new Set<string>();

/** A fresh name beside `path`, for a file or a directory. Removes what is left behind beside it, once in a process. */
export function scratchBeside(path: string): string {
  const directory = dirname(path);
  if (!swept.has(resolve(directory))) sweepScratch(directory);
  const name = basename(path).slice(0, keptCharacters);
  const scratch = join(directory, `.${name}.${processTag()}.${randomBytes(4).toString('hex')}.tmp`);
  unfinished.add(scratch);
  listener?.(scratch, true);
  return scratch;
}

/**
 * Removes a scratch that was not renamed, and forgets one that was. Never throws: it is called where a fault may be on its
 * way, and what cannot be removed now is swept later.
 */
export function dropScratch(scratch: string): void {
  unfinished.delete(scratch);
  try {
    rmSync(scratch, { recursive: true, force: true });
  } catch {
    // see above
  }
  listener?.(scratch, false);
}

/** One listener a thread. */
export function tellScratch(tell: (path: string, there: boolean) => void): void {
  listener = tell;
}

/** Removes the scratch of processes that are over; what cannot be removed stays. */
export function sweepScratch(directory: string, nowMs = Date.now()): void {
  swept.add(resolve(directory));
  for (const name of namesIn(directory)) {
    const tag = pattern.exec(name)?.[1];
    if (tag === undefined) continue;
    const path = join(directory, name);
    try {
      if (isOver(tag, nowMs - statSync(path).mtimeMs)) rmSync(path, { recursive: true, force: true });
    } catch {
      // another sweep was faster, or it is not ours to remove
    }
  }
}

/** For the moment before a process leaves in the middle of its work. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { recursive: true, force: true });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
