/**
 * A functaset is a directory with one LMDB environment and, while it is open to be written, the claim of its writer.
 *
 * Writes go through LMDB's synchronous transactions: written, flushed and switched over when they return, so an
 * acknowledged function outlives the process and the power. The asynchronous ones of lmdb-js 3.5 are not used: on a
 * full disk they reject promises that nobody holds, hang in `close`, and a nested one never settles. The price is that
 * the event loop waits for the disk, about a millisecond a call; `putMany` pays it once for many.
 */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BadInputError, ConflictError, FunctaError, NotFoundError } from '../core/errors.ts';
import { type Label, labelForms, plainLabel } from '../core/label.ts';
import { defaultLimits } from '../core/limits.ts';
import { answersIn, noAnswers } from './answers.ts';
import { releaseClaim, takeClaim } from './claim.ts';
import {
  type AnswersDatabase,
  closeDatabases,
  type Databases,
  endReading,
  entryCount,
  lastTransaction,
  openAnswers,
  openDatabases,
  valueView,
} from './databases.ts';
import { failure, guarded, leaveOut } from './failure.ts';
import { checkFile } from './file.ts';
import { checkNetworkOf, decodeInfo, encodeInfo, infoKey } from './info.ts';
import { compareIds } from './order.ts';
import {
  checkFunction,
  checkId,
  decodeRecord,
  encodeRecord,
  labelOfRecord,
  summariseRecord,
} from './record.ts';
import { makeRoom } from './room.ts';
import type {
  Answer,
  Functaset,
  FunctasetInfo,
  FunctasetOptions,
  FunctasetStats,
  FunctasetTransaction,
  FunctionRecord,
  FunctionSummary,
  PutOptions,
  Range,
  StoredFunction,
  TransactOptions,
  VerifyReport,
  WalkOptions,
} from './types.ts';
import { statsOf, verifyAll, wantedLength } from './walk.ts';

/** Functions read in one go: at 100 bytes to a few kB each, a page of an iteration is at most a quarter of a megabyte. */
const pageFunctions = 64;
const nothing = new Uint8Array(0);
/** Beside the description of the functaset. */
const markKey = 'mark';

/**
 * Opens the functaset at `path`, a directory; makes it when it is not there and `network` is given.
 * Throws NotFoundError `functaset-missing`, ConflictError `functaset-network` (it belongs to another network; both are
 * named) or `functaset-busy` (someone is writing to it), EnvironmentError `disk-full`, `disk-denied`,
 * `functaset-damaged`, and BadStreamError `info-*`.
 */
export async function openFunctaset(path: string, options: FunctasetOptions = {}): Promise<Functaset> {
  const readOnly = options.readOnly ?? false;
  const there = existsSync(join(path, 'data.mdb'));
  if (!there && (readOnly || options.network === undefined)) {
    throw new NotFoundError(
      'functaset-missing',
      `there is no functaset at ${path}; build one, or check the path`,
    );
  }
  const network = options.network && encodeInfo(options.network);
  const databases = guarded(path, () => {
    makeRoom(path, !there);
    if (there) checkFile(join(path, 'data.mdb'));
    return openDatabases(path, readOnly, options.network !== undefined);
  });
  let claim: string | undefined;
  try {
    const stored = guarded(path, () => {
      const found = databases.info.get(infoKey);
      if (found !== undefined)
        checkNetworkOf(path, decodeInfo(path, found), options.network ?? decodeInfo(path, found));
      if (readOnly) return found;
      return databases.root.transactionSync(() => {
        claim = takeClaim(resolve(path));
        if (databases.info.get(infoKey) === undefined && network) databases.info.put(infoKey, network);
        return databases.info.get(infoKey);
      });
    });
    if (stored === undefined) {
      throw new NotFoundError(
        'functaset-missing',
        `${path} is an LMDB store, and no functaset; check the path`,
      );
    }
    return new LmdbFunctaset(path, decodeInfo(path, stored), databases, claim, options);
  } catch (error) {
    if (claim !== undefined) releaseClaim(resolve(path), claim);
    await closeDatabases(databases, path);
    throw error;
  }
}

class LmdbFunctaset implements Functaset {
  readonly path: string;
  readonly readOnly: boolean;
  readonly info: FunctasetInfo;
  readonly #databases: Databases;
  readonly #claim: string | undefined;
  readonly #options: FunctasetOptions;
  #answers: AnswersDatabase | undefined;
  #closed = false;

  constructor(
    path: string,
    info: FunctasetInfo,
    databases: Databases,
    claim: string | undefined,
    options: FunctasetOptions,
  ) {
    this.path = path;
    this.readOnly = claim === undefined;
    this.info = info;
    this.#databases = databases;
    this.#claim = claim;
    this.#options = options;
  }

  get count(): number {
    return this.#read(({ functions }) => entryCount(functions));
  }

  get version(): number {
    return this.#read(({ root }) => lastTransaction(root));
  }

  put(fn: StoredFunction, options?: PutOptions): Promise<void> {
    return this.putMany([fn], options);
  }

  async putMany(fns: readonly StoredFunction[], options: PutOptions = {}): Promise<void> {
    for (const fn of fns) this.#check(fn);
    const ids = new Set<string>();
    for (const { id } of fns) {
      // As in two calls: with `replace` the last one stays.
      if (ids.has(id) && !options.replace) throw exists(this.path, id);
      ids.add(id);
    }
    await this.putRecords(
      fns.map((fn) => ({ id: fn.id, label: fn.label, bytes: encodeRecord(fn) })),
      options,
    );
  }

  async putRecords(records: readonly FunctionRecord[], options: PutOptions = {}): Promise<void> {
    await this.#write((databases) => {
      for (const record of records) {
        if (!options.replace && databases.functions.doesExist(record.id)) throw exists(this.path, record.id);
        putRecord(databases, record);
      }
    });
  }

  async delete(id: string): Promise<boolean> {
    return (await this.deleteMany([id])) === 1;
  }

  async deleteMany(ids: readonly string[]): Promise<number> {
    for (const id of ids) checkId(id);
    return this.#write((databases) =>
      ids.reduce((gone, id) => gone + Number(removeRecord(databases, id)), 0),
    );
  }

  async transact<T>(
    work: (transaction: FunctasetTransaction) => T,
    { answers = false }: TransactOptions = {},
  ): Promise<T> {
    if (answers) this.#answers ??= this.#read(({ root }) => openAnswers(root, true));
    return this.#write((databases) =>
      work({
        record: (id) => copyOf(valueView(databases.functions, id)),
        put: (record) => putRecord(databases, record),
        delete: (id) => removeRecord(databases, id),
        answers: this.#answers === undefined ? noAnswers : answersIn(this.#answers),
        mark: (bytes) => databases.info.put(markKey, bytes),
      }),
    );
  }

  renew(): void {
    this.#read(({ root }) => root.resetReadTxn());
  }

  get mark(): Uint8Array | undefined {
    return this.#read(({ info }) => copyOf(valueView(info, markKey)));
  }

  *records(range: Pick<Range, 'after' | 'limit'> = {}): IterableIterator<FunctionRecord> {
    const asRecord = (id: string, view: Uint8Array): FunctionRecord => {
      const bytes = new Uint8Array(view);
      return { id, label: labelOfRecord(id, bytes), bytes };
    };
    yield* this.#functions(this.#ids(range), asRecord, {});
  }

  record(id: string): Uint8Array | undefined {
    checkId(id);
    return this.#read(({ functions }) => copyOf(valueView(functions, id)));
  }

  answer(key: string): Answer | undefined {
    return this.#read(({ root }) => {
      this.#answers ??= openAnswers(root, false);
      return this.#answers && answersIn(this.#answers).get(key);
    });
  }

  has(id: string): boolean {
    checkId(id);
    return this.#read(({ functions }) => functions.doesExist(id));
  }

  get(id: string): StoredFunction | undefined {
    checkId(id);
    return this.#read(({ functions }) => {
      const bytes = valueView(functions, id);
      return bytes && readable(decodeRecord, id, bytes, undefined);
    });
  }

  getMany(
    ids: readonly string[],
    { onDamaged }: Pick<Range, 'onDamaged'> = {},
  ): (StoredFunction | undefined)[] {
    for (const id of ids) checkId(id);
    return ids.map((id) =>
      this.#read(({ functions }) => {
        const bytes = valueView(functions, id);
        return bytes && readable(decodeRecord, id, bytes, onDamaged);
      }),
    );
  }

  *iterate(range: Range = {}): IterableIterator<StoredFunction> {
    yield* this.#functions(this.#ids(range), decodeRecord, range);
  }

  *byLabel(label: Label, range: Range = {}): IterableIterator<StoredFunction> {
    yield* this.#functions(this.#idsOf(label, range), decodeRecord, range);
  }

  *summaries(range: Range & { readonly label?: Label | undefined } = {}): IterableIterator<FunctionSummary> {
    const pages = range.label === undefined ? this.#ids(range) : this.#idsOf(range.label, range);
    yield* this.#functions(pages, summariseRecord, range);
  }

  verify(options: WalkOptions = {}): Promise<VerifyReport> {
    const file = join(this.path, 'data.mdb');
    const check = { ...options, file, lengthOf: this.#options.lengthOf };
    return this.#walk((databases) => verifyAll(databases, this.info, check));
  }

  stats(options: WalkOptions = {}): Promise<FunctasetStats> {
    return this.#walk((databases) => statsOf(databases, join(this.path, 'data.mdb'), options));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { root } = this.#databases;
    const claim = this.#claim;
    try {
      if (claim !== undefined) root.transactionSync(() => releaseClaim(resolve(this.path), claim));
    } catch (error) {
      throw failure(this.path, error);
    } finally {
      await closeDatabases({ root }, this.path);
    }
  }

  #check(fn: StoredFunction): void {
    checkFunction(fn, this.#options.limits ?? defaultLimits);
    if (fn.content.kind === 'file') return;
    const wanted = wantedLength(this.info, fn.shape, this.#options.lengthOf);
    const { length } = fn.content.values;
    if (wanted !== undefined && length !== wanted) {
      const lengths = `a modulation of ${length} numbers, shape [${fn.shape}] takes ${wanted}`;
      throw new BadInputError('bad-function', `function ${JSON.stringify(fn.id)}: ${lengths}`);
    }
  }

  #open(): Databases {
    if (this.#closed) {
      throw new ConflictError('functaset-closed', `functaset ${this.path} was closed; open it again`);
    }
    return this.#databases;
  }

  #read<T>(work: (databases: Databases) => T): T {
    const databases = this.#open();
    return guarded(this.path, () => work(databases));
  }

  async #walk<T>(work: (databases: Databases) => Promise<T>): Promise<T> {
    const databases = this.#open();
    try {
      return await work(databases);
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  async #write<T>(work: (databases: Databases) => T): Promise<T> {
    const databases = this.#open();
    if (this.readOnly) {
      throw new ConflictError(
        'functaset-read-only',
        `functaset ${this.path} was opened to be read; open it to write`,
      );
    }
    const result = guarded(this.path, () => {
      endReading(this.path);
      return databases.root.transactionSync(() => work(databases));
    });
    await databases.root.flushed;
    return result;
  }

  /** Reads a page of functions at once, so that nothing stays open while the caller holds one. */
  *#functions<T>(
    pages: Iterable<string[]>,
    decode: (id: string, bytes: Uint8Array) => T,
    { onDamaged }: Range,
  ): Generator<T> {
    for (const page of pages) {
      yield* this.#read(({ functions }) =>
        page.flatMap((id) => {
          const bytes = valueView(functions, id);
          return bytes === undefined ? [] : (readable(decode, id, bytes, onDamaged) ?? []);
        }),
      );
    }
  }

  *#ids({ after, limit = Infinity }: Range): Generator<string[]> {
    if (after !== undefined) checkId(after);
    yield* pages(limit, after, (from, count) =>
      this.#read(({ functions }) => [
        ...functions.getKeys({
          ...(from === undefined ? {} : { start: from, exclusiveStart: true }),
          limit: count,
        }),
      ]),
    );
  }

  *#idsOf(label: Label, { after, limit = Infinity }: Range): Generator<string[]> {
    if (after !== undefined) checkId(after);
    const forms = labelForms(label);
    yield* pages(limit, after, (from, count) => {
      const found = forms.map((form) => this.#idsUnder(form, from, count));
      if (found.length === 1) return found[0]!;
      return found.flat().sort(compareIds).slice(0, count);
    });
  }

  /** Ids in the index under exactly this label. */
  #idsUnder(label: Label, from: string | undefined, count: number): string[] {
    return this.#read(({ labels }) => {
      const start = from === undefined ? [label] : [label, from];
      const keys = [
        ...labels.getKeys({ start: start as [Label, string], exclusiveStart: true, limit: count }),
      ];
      // Keys of one label stand together; the first of another ends them.
      const end = keys.findIndex(([found]) => found !== label);
      return keys.slice(0, end < 0 ? keys.length : end).map(([, id]) => id);
    });
  }
}

/** Over the one that is there. */
function putRecord(databases: Databases, { id, label, bytes }: FunctionRecord): void {
  const { functions, labels } = databases;
  const before = valueView(functions, id);
  if (before !== undefined) unlabel(databases, id, before);
  functions.put(id, bytes);
  if (label !== undefined) labels.put([plainLabel(label), id], nothing);
}

function removeRecord(databases: Databases, id: string): boolean {
  const before = valueView(databases.functions, id);
  if (before === undefined) return false;
  unlabel(databases, id, before);
  databases.functions.remove(id);
  return true;
}

function copyOf(view: Uint8Array | undefined): Uint8Array | undefined {
  return view && new Uint8Array(view);
}

/** Keys of a function in the index. A zero with a sign, which was taken once, has a key that cannot be read, but removed. */
function keysOf(label: Label, id: string): [Label, string][] {
  return label === 0
    ? [
        [0, id],
        [-0, id],
      ]
    : [[label, id]];
}

/** Undefined for what is damaged and told to `onDamaged`. Throws EnvironmentError `function-damaged` without that. */
function readable<T>(
  decode: (id: string, bytes: Uint8Array) => T,
  id: string,
  bytes: Uint8Array,
  onDamaged: Range['onDamaged'],
): T | undefined {
  try {
    return decode(id, bytes);
  } catch (error) {
    if (!(error instanceof FunctaError)) throw error;
    return leaveOut(id, error, onDamaged);
  }
}

/** Takes a function out of the index of labels: that of a damaged record is looked for under every label. */
function unlabel({ labels }: Databases, id: string, record: Uint8Array): void {
  let label: Label | undefined;
  try {
    ({ label } = summariseRecord(id, record));
  } catch (error) {
    if (!(error instanceof FunctaError)) throw error;
    for (const key of [...labels.getKeys()]) if (key[1] === id) labels.remove(key);
  }
  if (label !== undefined) for (const key of keysOf(label, id)) labels.remove(key);
}

function exists(path: string, id: string): ConflictError {
  return new ConflictError(
    'function-exists',
    `function ${JSON.stringify(id)} is in ${path} already, or twice in this call; skip it, or put it with replace`,
  );
}

function* pages(
  limit: number,
  after: string | undefined,
  read: (from: string | undefined, count: number) => string[],
): Generator<string[]> {
  for (let left = limit, from = after; left > 0; ) {
    const asked = Math.min(left, pageFunctions);
    const page = read(from, asked);
    if (page.length > 0) yield page;
    if (page.length < asked) return;
    from = page.at(-1);
    left -= page.length;
  }
}
