/** Walks over a whole functaset: is it sound, and what is in it. The event loop gets a turn between pages. */
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Database, Key } from 'lmdb';
import { AbortedError, FunctaError } from '../core/errors.ts';
import { type Databases, entryCount, valueView } from './databases.ts';
import { Figures } from './figures.ts';
import { decodeRecord, summariseRecord } from './record.ts';
import { checkTrees, type TreeReport } from './tree.ts';
import type {
  Fault,
  FunctasetInfo,
  FunctasetStats,
  Label,
  StoredFunction,
  VerifyReport,
  WalkOptions,
} from './types.ts';

const pageEntries = 256;
const maxFaults = 1000;

export interface VerifyOptions extends WalkOptions {
  /** The file of the databases. */
  readonly file: string;
  readonly lengthOf?: ((shape: readonly number[]) => number) | undefined;
}

/**
 * The trees of the file (`tree.ts`): where they are not whole, nothing of them is read through LMDB, which trusts them. Then every record:
 * checksum, lengths, finite values, its label in the index; as many forwards as backwards and as LMDB counts. Every entry of the index:
 * its function there and of that label. Throws AbortedError.
 */
export async function verifyAll(
  databases: Databases,
  info: FunctasetInfo,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { functions, labels } = databases;
  const faults: Fault[] = [];
  let faultCount = 0;
  let count = 0;
  const add = (id: string, code: string, message: string) => {
    faultCount++;
    if (faults.length < maxFaults) faults.push({ id, code, message });
  };

  const trees = await treesOf(databases, options);
  if (trees.faults.length > 0) {
    for (const fault of trees.faults) add('', 'tree', fault);
    return { ok: false, functions: trees.functions, faults, faultCount };
  }
  for await (const { key: id, value } of walk(databases, functions, options)) {
    count++;
    if (typeof id !== 'string') {
      add(String(id), 'record-key', 'a key that is no id');
      continue;
    }
    try {
      const fn = decodeRecord(id, value);
      const bad = faultOf(fn, wantedLength(info, fn.shape, options.lengthOf));
      if (bad !== undefined) add(id, ...bad);
      if (fn.label !== undefined && !labels.doesExist([fn.label, id])) {
        add(id, 'index-missing', `label ${JSON.stringify(fn.label)} is not in the index`);
      }
    } catch (error) {
      if (!(error instanceof FunctaError)) throw error;
      add(id, error.code, error.message);
    }
  }
  for (const [how, found] of [
    ['backwards', await countBackwards(databases, options)],
    ['by count', entryCount(functions)],
  ] as const) {
    if (found !== count) add('', 'tree', `${count} functions forwards, ${found} ${how}`);
  }
  for await (const { key } of walk(databases, labels, options)) {
    const [label, id] = Array.isArray(key) ? key : [];
    if (label === undefined || typeof id !== 'string') {
      add(String(key), 'index-key', 'a key that is no label and id');
      continue;
    }
    const bytes = valueView(functions, id);
    if (bytes === undefined) {
      add(
        id,
        'index-orphan',
        `the index has it under ${JSON.stringify(label)}, and there is no such function`,
      );
      continue;
    }
    try {
      if (summariseRecord(id, bytes).label !== label) {
        add(id, 'index-label', `the index has it under ${JSON.stringify(label)}, which is not its label`);
      }
    } catch (error) {
      // A record that cannot be read was reported above.
      if (!(error instanceof FunctaError)) throw error;
    }
  }
  return { ok: faultCount === 0, functions: count, faults, faultCount };
}

/** A snapshot keeps the pages of the newest state from being used again while they are read. */
async function treesOf({ root }: Databases, { file, signal }: VerifyOptions): Promise<TreeReport> {
  const snapshot = root.useReadTransaction();
  try {
    return await checkTrees(file, signal);
  } finally {
    snapshot.done();
  }
}

async function countBackwards({ functions }: Databases, { signal }: WalkOptions): Promise<number> {
  let count = 0;
  for (let from: string | undefined; ; ) {
    if (signal?.aborted) throw new AbortedError();
    const start = from === undefined ? {} : { start: from, exclusiveStart: true };
    const page = [...functions.getKeys({ ...start, reverse: true, limit: pageEntries })];
    count += page.length;
    if (page.length < pageEntries) return count;
    from = page.at(-1)!;
    await setImmediate();
  }
}

/** Walks records and index without their numbers. Throws AbortedError, BadStreamError for a record that cannot be read. */
export async function statsOf(
  databases: Databases,
  file: string,
  options: WalkOptions,
): Promise<FunctasetStats> {
  const figures = new Figures();
  for await (const { key: id, value } of walk(databases, databases.functions, options))
    figures.add(summariseRecord(id, value));
  const labels = new Map<Label, number>();
  for await (const { key } of walk(databases, databases.labels, options)) {
    const [label] = key;
    labels.set(label, (labels.get(label) ?? 0) + 1);
  }
  return figures.total(statSync(file).size, labels);
}

/** Length of the modulation of a signal of this shape, where it is known. */
export function wantedLength(
  info: FunctasetInfo,
  shape: readonly number[],
  lengthOf: VerifyOptions['lengthOf'],
): number | undefined {
  if (lengthOf !== undefined) return lengthOf(shape);
  return shape.join() === info.shape.join() ? info.layout.length : undefined;
}

/** What is wrong with a function whose record is whole. */
export function faultOf(
  { shape, content }: StoredFunction,
  wanted: number | undefined,
): [code: string, message: string] | undefined {
  if (content.kind === 'file') return undefined;
  const { values } = content;
  if (wanted !== undefined && values.length !== wanted) {
    const lengths = `${values.length} numbers, shape [${shape}] takes ${wanted}`;
    return ['record-length', `a modulation of ${lengths}`];
  }
  const at = values.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? undefined : ['record-not-finite', `modulation[${at}] is ${values[at]}`];
}

/** Entries in order of keys, a page a transaction. `onProgress` is told of functions, not of the index. */
async function* walk<K extends Key>(
  databases: Databases,
  database: Database<Uint8Array, K>,
  options: WalkOptions,
): AsyncGenerator<{ key: K; value: Uint8Array }> {
  const total = entryCount(database);
  let done = 0;
  for (let from: { start: K; exclusiveStart: true } | undefined; ; ) {
    if (options.signal?.aborted) throw new AbortedError();
    const page = [...database.getRange({ ...from, limit: pageEntries })];
    yield* page;
    done += page.length;
    if ((database as unknown) === databases.functions) options.onProgress?.(done, total);
    if (page.length < pageEntries) return;
    from = { start: page.at(-1)!.key, exclusiveStart: true };
    await setImmediate();
  }
}
