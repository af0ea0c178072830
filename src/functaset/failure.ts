/** What the disk, or LMDB, said no to, as errors of the library. */
import { statfsSync } from 'node:fs';
import { EnvironmentError, FunctaError } from '../core/errors.ts';
import { unbroken } from '../core/unbroken.ts';
import type { Range } from './types.ts';

/** EIO: of the disk, or LMDB's word for a write of which only a part was taken. */
const partial = 5;
/** Below this a write that was taken in part was one too many for the disk. */
const roomBytes = 2 ** 20;
/** errno of ENOSPC, EFBIG, EDQUOT on Linux and macOS, and LMDB's MDB_MAP_FULL. */
const full = new Set<unknown>([28, 27, 122, 69, -30792, 'ENOSPC', 'EFBIG', 'EDQUOT']);
const denied = new Set<unknown>([13, 30, 1, 'EACCES', 'EROFS', 'EPERM']);
/** LMDB's own: a page that is not there, a page of another kind, a file that is no LMDB file, another version of it. */
const damaged = new Set<unknown>([-30797, -30796, -30793, -30794]);

/**
 * Runs `work`, which the end of this thread waits for. A FunctaError passes; whatever else is thrown becomes an EnvironmentError `disk-full`, `disk-failed`,
 * `disk-denied`, `functaset-damaged` or `functaset-failed` with its cause.
 */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return unbroken(work);
  } catch (error) {
    throw failure(path, error);
  }
}

/** EnvironmentError `function-damaged`: the record of a function, or its content, is not what was put. */
export function damagedFunction(id: string, cause: FunctaError): EnvironmentError {
  return new EnvironmentError(
    'function-damaged',
    `function ${JSON.stringify(id)} is damaged: ${cause.message} [${cause.code}]; put it again, or delete it`,
    { cause },
  );
}

/** What is damaged is told to `onDamaged`, and left out. Throws EnvironmentError `function-damaged` without that. */
export function leaveOut(id: string, cause: FunctaError, onDamaged: Range['onDamaged']): undefined {
  if (onDamaged === undefined) throw damagedFunction(id, cause);
  onDamaged({ id, code: cause.code, message: cause.message });
}

export function failure(path: string, cause: unknown): FunctaError {
  if (cause instanceof FunctaError) return cause;
  const code = (cause as { code?: unknown }).code;
  const message = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  const cutOff = code === partial && freeBytes(path) < roomBytes;
  if (cutOff || full.has(code) || /MDB_MAP_FULL|No space left|File too large|quota exceeded/i.test(message)) {
    return new EnvironmentError(
      'disk-full',
      `no room to write to functaset ${path}: nothing of this call was written; free some and put it again`,
      { cause },
    );
  }
  if (code === partial || /^Input\/output error/.test(message)) {
    return new EnvironmentError(
      'disk-failed',
      `the disk failed functaset ${path}, or took only part of a write (a quota, a limit on the size of files): nothing of this call was written`,
      { cause },
    );
  }
  if (denied.has(code) || /Permission denied|Read-only file system|Operation not permitted/i.test(message)) {
    return new EnvironmentError('disk-denied', `no permission for functaset ${path}: ${message}`, { cause });
  }
  if (damaged.has(code) || /MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|PANIC|VERSION_MISMATCH)/.test(message)) {
    return new EnvironmentError(
      'functaset-damaged',
      `functaset ${path} is damaged, or no functaset: ${message}; build it again`,
      { cause },
    );
  }
  return new EnvironmentError('functaset-failed', `functaset ${path}: ${message}`, { cause });
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
