/**
 * What every store of functions does, wherever it stands: one directory on this machine, or a database that many machines share. A caller
 * that has only this cannot tell which it is. Everything that is acknowledged is durable, and whoever asks after that is told of it.
 */
import { type Backup, backupFunctaset } from './backup.ts';
import type {
  Functaset,
  FunctasetInfo,
  FunctasetStats,
  FunctasetTransaction,
  FunctionRecord,
  FunctionSummary,
  Label,
  PutOptions,
  Range,
  StoredFunction,
  VerifyReport,
  WalkOptions,
} from './types.ts';

/** What a transaction will read, told before: a store that is far away fetches it at once. */
export interface Touches {
  readonly ids: readonly string[];
  /** Under which answers are looked for or kept. */
  readonly answers?: readonly string[] | undefined;
}

export interface FunctionStore {
  /** Where it stands, without a password. */
  readonly name: string;
  readonly info: FunctasetInfo;
  count(): Promise<number>;

  /** Errors as those of `Functaset.put`, and those of the place where it stands. */
  put(fn: StoredFunction, options?: PutOptions): Promise<void>;
  /** All of them or none. */
  putMany(fns: readonly StoredFunction[], options?: PutOptions): Promise<void>;
  /** As `putMany`, of records that are coded already; they are not checked again. */
  putRecords(records: readonly FunctionRecord[], options?: PutOptions): Promise<void>;
  delete(id: string): Promise<boolean>;
  /** How many there were. */
  deleteMany(ids: readonly string[]): Promise<number>;
  /** Whatever `work` does, all of it or, where it throws, nothing. It may be called again where the store had to begin anew. */
  transact<T>(touches: Touches, work: (transaction: FunctasetTransaction) => T): Promise<T>;

  /** Undefined when there is none. Throws EnvironmentError `function-damaged`. */
  get(id: string): Promise<StoredFunction | undefined>;
  /** In the order asked for. */
  getMany(ids: readonly string[]): Promise<(StoredFunction | undefined)[]>;
  /** In the order of their ids (bytes of UTF-8), each checked. */
  iterate(range?: Range): AsyncIterable<StoredFunction>;
  /** Those whose label prints as this one does. */
  byLabel(label: Label, range?: Range): AsyncIterable<StoredFunction>;
  summaries(range?: Range & { readonly label?: Label | undefined }): AsyncIterable<FunctionSummary>;
  /** As the store keeps them, in the order of their ids; they are not checked. */
  records(range?: Pick<Range, 'after' | 'limit'>): AsyncIterable<FunctionRecord>;
  verify(options?: WalkOptions): Promise<VerifyReport>;
  stats(options?: WalkOptions): Promise<FunctasetStats>;
  /** One file that `restoreFunctaset` makes a functaset of. Errors as those of `backupFunctaset`. */
  backup(file: string, options?: WalkOptions & { readonly replace?: boolean }): Promise<Backup>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A functaset of this machine as any store; closing that closes this. */
export function functionStoreOf(set: Functaset): FunctionStore {
  // what others wrote before a question is in its answer
  const now = (): Functaset => {
    set.renew();
    return set;
  };
  return {
    name: `lmdb:${set.path}`,
    info: set.info,
    count: async () => now().count,
    put: (fn, options) => set.put(fn, options),
    putMany: (fns, options) => set.putMany(fns, options),
    putRecords: (records, options) => set.putRecords(records, options),
    delete: (id) => set.delete(id),
    deleteMany: (ids) => set.deleteMany(ids),
    transact: ({ answers }, work) => set.transact(work, { answers: answers !== undefined }),
    get: async (id) => now().get(id),
    getMany: async (ids) => now().getMany(ids),
    iterate: (range) => later(() => now().iterate(range)),
    byLabel: (label, range) => later(() => now().byLabel(label, range)),
    summaries: (range) => later(() => now().summaries(range)),
    records: (range) => later(() => now().records(range)),
    verify: async (options) => now().verify(options),
    stats: async (options) => now().stats(options),
    backup: (file, options) => backupFunctaset(set.path, file, options),
    close: () => set.close(),
  };
}

async function* later<T>(start: () => Iterable<T>): AsyncGenerator<T> {
  yield* start();
}
