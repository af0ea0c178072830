/** One store copied into another, whatever each of them is. What is there already is compared and not written again, so that a copy that was interrupted goes on. */
import { AbortedError, ConflictError, FunctaError } from '../core/errors.ts';
import { damagedFunction } from './failure.ts';
import type { FunctionStore } from './function-store.ts';
import { compareIds } from './order.ts';
import { summariseRecord } from './record.ts';
import type { FunctionRecord, WalkOptions } from './types.ts';

export interface CopyOptions extends WalkOptions {
  /** Over functions of the same ids that are others; without it those are a conflict. */
  readonly replace?: boolean | undefined;
}

export interface Copied {
  /** Functions of the source. */
  readonly functions: number;
  /** Those that were written. */
  readonly copied: number;
  /** Those that were there already. */
  readonly there: number;
}

/** Functions of one transaction, and their bytes. */
const mostFunctions = 5000;
const mostBytes = 2 ** 23;

/**
 * Puts all functions of `from` into `to`, and then reads both again and compares them byte by byte. Functions of other ids stay where they
 * are. Throws ConflictError `function-exists` for one that is another there, EnvironmentError `function-damaged`, ConflictError
 * `functaset-changed` where the two are not the same at the end, AbortedError, and what the stores throw.
 */
export async function copyFunctions(
  from: FunctionStore,
  to: FunctionStore,
  { replace = false, signal, onProgress }: CopyOptions = {},
): Promise<Copied> {
  const total = await from.count();
  let [functions, copied, bytes] = [0, 0, 0];
  let waiting: FunctionRecord[] = [];
  const write = async () => {
    if (signal?.aborted) throw new AbortedError();
    if (waiting.length > 0) await to.putRecords(waiting, { replace });
    copied += waiting.length;
    [waiting, bytes] = [[], 0];
    onProgress?.(functions, total);
  };
  for await (const { record, other } of pairs(from, to, signal)) {
    functions++;
    checkRecord(record);
    if (other !== undefined && isEqual(record.bytes, other)) continue;
    if (other !== undefined && !replace) throw another(record.id, to);
    waiting.push(record);
    bytes += record.bytes.length;
    if (waiting.length >= mostFunctions || bytes >= mostBytes) await write();
  }
  await write();
  for await (const { record, other } of pairs(from, to, signal)) {
    if (other !== undefined && isEqual(record.bytes, other)) continue;
    throw new ConflictError(
      'functaset-changed',
      `function ${JSON.stringify(record.id)} is not the same in ${from.name} and ${to.name}: one of them was written to meanwhile; copy again`,
    );
  }
  return { functions, copied, there: functions - copied };
}

/** Every function of a store, with what another one has under its id. Both are read in the order of ids. */
async function* pairs(
  from: FunctionStore,
  to: FunctionStore,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly record: FunctionRecord; readonly other: Uint8Array | undefined }> {
  const others = to.records()[Symbol.asyncIterator]();
  try {
    let next = await others.next();
    let done = 0;
    for await (const record of from.records()) {
      if (++done % mostFunctions === 0 && signal?.aborted) throw new AbortedError();
      while (!next.done && compareIds(next.value.id, record.id) < 0) next = await others.next();
      const isSame = !next.done && next.value.id === record.id;
      yield { record, other: isSame ? (next.value as FunctionRecord).bytes : undefined };
    }
  } finally {
    await others.return?.(undefined);
  }
}

function checkRecord({ id, bytes }: FunctionRecord): void {
  try {
    summariseRecord(id, bytes);
  } catch (error) {
    throw error instanceof FunctaError ? damagedFunction(id, error) : error;
  }
}

function another(id: string, to: FunctionStore): ConflictError {
  return new ConflictError(
    'function-exists',
    `function ${JSON.stringify(id)} is another one in ${to.name}; copy with replace, or into another functaset`,
  );
}

/** Whether two records are the same. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
