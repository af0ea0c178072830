/** One functaset of a database. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { AbortedError, BadInputError, ConflictError, FunctaError } from '../core/errors.ts';
import { type Label, labelText, plainLabel } from '../core/label.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { dropScratch, scratchBeside } from '../disk/scratch.ts';
import { Figures } from '../functaset/figures.ts';
import {
  type Answer,
  type Backup,
  backupFunctaset,
  compareLabels,
  type Fault,
  type FunctasetInfo,
  type FunctasetStats,
  type FunctasetTransaction,
  type FunctionRecord,
  type FunctionStore,
  type FunctionSummary,
  leaveOut,
  openFunctaset,
  type PutOptions,
  type Range,
  type StoredFunction,
  type Touches,
  type VerifyReport,
  type WalkOptions,
} from '../functaset/index.ts';
import { decodeInfo } from '../functaset/info.ts';
import {
  checkFunction,
  checkId,
  decodeRecord,
  encodeRecord,
  labelOfRecord,
  summariseRecord,
} from '../functaset/record.ts';
import { faultOf, wantedLength } from '../functaset/walk.ts';
import { type FunctasetName, functasetText } from './address.ts';
import {
  type Change,
  Changes,
  insert,
  numberChange,
  type Row,
  tableOf,
  wasNumbered,
  writeChanges,
} from './changes.ts';
import type { Database, Transaction } from './database.ts';
import { isDuplicate } from './failure.ts';
import { idsByLabel, keysOfLabel } from './labels.ts';

export interface PostgresFunctasetOptions {
  readonly readOnly?: boolean | undefined;
  /** Length of the modulation of a signal of this shape; when given, `put` and `verify` check it. */
  readonly lengthOf?: ((shape: readonly number[]) => number) | undefined;
  readonly limits?: Limits | undefined;
}

/** Rows that are asked for at once. */
const pageRows = 256;
/** Ids of one label that are looked up at once: each time all of the label are sorted. */
const labelledIds = 10_000;
const mostFaults = 1000;
const nothing = new Uint8Array(0);
/** A transaction that others were in the way of is begun again so often. */
const mostTries = 50;

/** What a transaction did. */
export interface Written<T> {
  readonly result: T;
  /** The number of the change; undefined: nothing was changed. */
  readonly seq: number | undefined;
  readonly changes: Changes;
}

export class PostgresFunctaset implements FunctionStore {
  readonly name: string;
  readonly info: FunctasetInfo;
  readonly database: Database;
  readonly row: Row;
  readonly of: FunctasetName;
  readonly #options: PostgresFunctasetOptions;
  #closed = false;

  constructor(database: Database, of: FunctasetName, row: Row, options: PostgresFunctasetOptions = {}) {
    this.name = `${database.name}#${functasetText(of)}`;
    this.info = decodeInfo(this.name, row.info);
    this.database = database;
    this.row = row;
    this.of = of;
    this.#options = options;
  }

  async count(): Promise<number> {
    return (await this.state()).functions;
  }

  /** How many there are, and the number of the last change. Throws NotFoundError `functaset-missing`. */
  async state(): Promise<{ readonly functions: number; readonly seq: number }> {
    const rows = await this.#rows<{ functions: number; seq: number }>(
      'SELECT functions, seq FROM functa.functasets WHERE id = $1 AND uuid = $2',
      [this.row.id, this.row.uuid],
    );
    return rows[0] ?? { functions: 0, seq: 0 };
  }

  put(fn: StoredFunction, options?: PutOptions): Promise<void> {
    return this.putMany([fn], options);
  }

  async putMany(fns: readonly StoredFunction[], options: PutOptions = {}): Promise<void> {
    for (const fn of fns) this.#check(fn);
    const records = fns.map((fn) => ({ id: fn.id, label: fn.label, bytes: encodeRecord(fn) }));
    await this.putRecords(records, options);
  }

  async putRecords(records: readonly FunctionRecord[], { replace = false }: PutOptions = {}): Promise<void> {
    this.#checkWritable();
    const byId = new Map<string, FunctionRecord>();
    for (const record of records) {
      if (byId.has(record.id) && !replace) throw this.#exists(record.id);
      byId.set(record.id, record);
    }
    const unique = [...byId.values()];
    if (unique.length === 0) return;
    if (replace) {
      await this.#insisting(async (transaction) => {
        const there = await this.#there(transaction.client, [...byId.keys()]);
        const changes = new Changes(there);
        for (const record of unique) changes.put(record);
        await this.apply(transaction, changes);
      });
      return;
    }
    try {
      await this.database.transaction(async (transaction) => {
        await insert(transaction.client, tableOf(this.row), unique);
        await this.number(transaction, { ids: [...byId.keys()], more: unique.length });
      });
    } catch (error) {
      const { cause } = error as { cause?: unknown };
      throw isDuplicate(cause) ? this.#exists(idOfDuplicate(cause)) : error;
    }
  }

  async delete(id: string): Promise<boolean> {
    return (await this.deleteMany([id])) === 1;
  }

  deleteMany(ids: readonly string[]): Promise<number> {
    return this.transact({ ids }, (transaction) =>
      ids.reduce((gone, id) => gone + Number(transaction.delete(id)), 0),
    );
  }

  async transact<T>(touches: Touches, work: (transaction: FunctasetTransaction) => T): Promise<T> {
    return (await this.write(touches, work)).result;
  }

  /** As `transact`, and what was changed. */
  async write<T>(touches: Touches, work: (transaction: FunctasetTransaction) => T): Promise<Written<T>> {
    this.#checkWritable();
    for (const id of touches.ids) checkId(id);
    return this.#insisting(async (transaction) => {
      const changes = await this.#before(transaction.client, touches);
      const result = work(changes);
      return { result, changes, seq: await this.apply(transaction, changes) };
    });
  }

  /** Writes changes within a transaction, as the last thing that it does; the number of the change, if there is one. */
  async apply(transaction: Transaction, changes: Changes): Promise<number | undefined> {
    if (changes.isEmpty) return undefined;
    const more = await writeChanges(transaction.client, this.row, changes);
    return this.number(transaction, { ids: [...changes.puts.keys(), ...changes.deletes], more });
  }

  /** The last step of a transaction that wrote rows. */
  async number(transaction: Transaction, change: Change): Promise<number> {
    const token = randomUUID();
    const seq = await numberChange(transaction.client, this.row, { ...change, token });
    transaction.isDone ??= (client) => wasNumbered(client, this.row, seq, token);
    return seq;
  }

  async get(id: string): Promise<StoredFunction | undefined> {
    return (await this.getMany([id]))[0];
  }

  async getMany(ids: readonly string[]): Promise<(StoredFunction | undefined)[]> {
    for (const id of ids) checkId(id);
    const rows = await this.#rows<RecordRow>(
      `SELECT id, record FROM ${tableOf(this.row)} WHERE id = ANY($1::text[])`,
      [ids],
    );
    const found = new Map(rows.map(({ id, record }) => [id, record]));
    return ids.map((id) => {
      const record = found.get(id);
      return record && readable(decodeRecord, id, record, undefined);
    });
  }

  async *iterate(range: Range = {}): AsyncGenerator<StoredFunction> {
    yield* this.#functions(decodeRecord, range);
  }

  async *byLabel(label: Label, range: Range = {}): AsyncGenerator<StoredFunction> {
    yield* this.#functions(decodeRecord, { ...range, label });
  }

  async *summaries(
    range: Range & { readonly label?: Label | undefined } = {},
  ): AsyncGenerator<FunctionSummary> {
    yield* this.#functions(summariseRecord, range);
  }

  async *records(range: Pick<Range, 'after' | 'limit'> = {}): AsyncGenerator<FunctionRecord> {
    for await (const page of this.#pages(range)) {
      for (const { id, record } of page) {
        const bytes = new Uint8Array(record);
        yield { id, label: labelOfRecord(id, bytes), bytes };
      }
    }
  }

  async verify({ signal, onProgress }: WalkOptions = {}): Promise<VerifyReport> {
    const faults: Fault[] = [];
    let faultCount = 0;
    let functions = 0;
    const add = (fault: Fault) => {
      faultCount++;
      if (faults.length < mostFaults) faults.push(fault);
    };
    const total = await this.count();
    for await (const page of this.#pages({}, signal)) {
      for (const { id, record } of page) {
        functions++;
        const fn = readable(decodeRecord, id, record, add);
        if (fn === undefined) continue;
        const bad = faultOf(fn, wantedLength(this.info, fn.shape, this.#options.lengthOf));
        if (bad !== undefined) add({ id, code: bad[0], message: bad[1] });
      }
      onProgress?.(functions, total);
    }
    const counted = await this.#counts();
    if (counted.kept !== counted.found)
      add({ id: '', code: 'tree', message: `${counted.found} functions, ${counted.kept} by its own count` });
    return { ok: faultCount === 0, functions, faults, faultCount };
  }

  async stats({ signal, onProgress }: WalkOptions = {}): Promise<FunctasetStats> {
    const figures = new Figures();
    const labels = new Map<Label, number>();
    const total = await this.count();
    let done = 0;
    for await (const page of this.#pages({}, signal)) {
      for (const { id, record } of page) {
        const summary = summariseRecord(id, record);
        figures.add(summary);
        if (summary.label === undefined) continue;
        const label = plainLabel(summary.label);
        labels.set(label, (labels.get(label) ?? 0) + 1);
      }
      done += page.length;
      onProgress?.(done, total);
    }
    const [size] = await this.#rows<{ bytes: number }>(
      'SELECT sum(pg_total_relation_size(inhrelid))::bigint AS bytes FROM pg_inherits WHERE inhparent = $1::regclass',
      [tableOf(this.row)],
    );
    return figures.total(size!.bytes, new Map([...labels].sort(([a], [b]) => compareLabels(a, b))));
  }

  /** By way of a functaset on this disk, which is made beside the file and removed. */
  async backup(file: string, options: WalkOptions & { readonly replace?: boolean } = {}): Promise<Backup> {
    const scratch = scratchBeside(file);
    try {
      const { format: _, ...network } = this.info;
      const local = await openFunctaset(join(scratch, 'set'), { network });
      try {
        for await (const page of this.#pages({}, options.signal)) {
          await local.putRecords(
            page.map(({ id, record }) => {
              const bytes = new Uint8Array(record);
              return { id, label: labelOfRecord(id, bytes), bytes };
            }),
          );
        }
      } finally {
        await local.close();
      }
      return await backupFunctaset(local.path, file, options);
    } finally {
      dropScratch(scratch);
    }
  }

  /** Leaves the database open: it is of whoever opened it. */
  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(fn: StoredFunction): void {
    checkFunction(fn, this.#options.limits ?? defaultLimits);
    const bad = faultOf(fn, wantedLength(this.info, fn.shape, this.#options.lengthOf));
    if (bad !== undefined)
      throw new BadInputError('bad-function', `function ${JSON.stringify(fn.id)}: ${bad[1]}`);
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (!this.database.readOnly && !this.#options.readOnly) return;
    throw new ConflictError(
      'functaset-read-only',
      `functaset ${this.name} was opened to be read; open it to write`,
    );
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new ConflictError('functaset-closed', `functaset ${this.name} was closed; open it again`);
  }

  #exists(id: string): ConflictError {
    return new ConflictError(
      'function-exists',
      `function ${JSON.stringify(id)} is in ${this.name} already, or twice in this call; skip it, or put it with replace`,
    );
  }

  /** A transaction that begins anew where somebody put what was not there a moment ago: now it is, for this one as well. */
  async #insisting<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.database.transaction(work);
      } catch (error) {
        if (!isDuplicate((error as { cause?: unknown }).cause) || tries === mostTries) throw error;
      }
    }
  }

  /** Those of the ids that are there, locked until the end of the transaction, without their records. */
  async #there(client: PoolClient, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM ${tableOf(this.row)} WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE`,
      [ids],
    );
    return new Map(rows.map(({ id }) => [id, nothing]));
  }

  /** What is there of all that will be touched, locked until the end of the transaction. */
  async #before(client: PoolClient, { ids, answers = [] }: Touches): Promise<Changes> {
    const records = new Map<string, Uint8Array>();
    const kept = new Map<string, Answer>();
    if (ids.length > 0) {
      const { rows } = await client.query<RecordRow>({
        name: `before ${this.row.id}`,
        text: `SELECT id, record FROM ${tableOf(this.row)} WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE`,
        values: [ids],
      });
      for (const { id, record } of rows) records.set(id, record);
    }
    if (answers.length > 0) {
      const { rows } = await client.query(
        'SELECT key, at, digest, bytes FROM functa.answers WHERE functaset = $1 AND key = ANY($2::text[])',
        [this.row.id, answers],
      );
      for (const { key, at, digest, bytes } of rows)
        kept.set(key, { at, digest, bytes: new Uint8Array(bytes) });
    }
    return new Changes(records, kept);
  }

  async #counts(): Promise<{ readonly kept: number; readonly found: number }> {
    const [counts] = await this.#rows<{ kept: number; found: number }>(
      `SELECT (SELECT functions FROM functa.functasets WHERE id = $1) AS kept,
              (SELECT count(*) FROM ${tableOf(this.row)}) AS found`,
      [this.row.id],
    );
    return counts!;
  }

  async *#functions<T>(
    decode: (id: string, bytes: Uint8Array) => T,
    { after, limit = Infinity, label, onDamaged }: Range & { readonly label?: Label | undefined },
  ): AsyncGenerator<T> {
    const wanted = label === undefined ? undefined : labelText(label);
    let left = limit;
    const pages = label === undefined ? this.#pages({ after, limit }) : this.#pagesOfLabel(label, after);
    for await (const page of pages) {
      for (const { id, record } of page) {
        if (left === 0) return;
        // a damaged record has a label for the index, and none for us
        if (wanted !== undefined && textOfLabel(labelOfRecord(id, plain(record))) !== wanted) continue;
        const found = readable(decode, id, record, onDamaged);
        if (found === undefined) continue;
        left--;
        yield found;
      }
    }
  }

  /** In order of ids: those that the index of labels knows, and then their records, page by page. */
  async *#pagesOfLabel(label: Label, after: string | undefined): AsyncGenerator<RecordRow[]> {
    if (after !== undefined) checkId(after);
    const keys = keysOfLabel(label);
    for (let from = after ?? '', isMore = true; isMore; ) {
      const ids = (
        await this.#rows<{ id: string }>(idsByLabel(tableOf(this.row)), [keys, from, labelledIds])
      ).map(({ id }) => id);
      isMore = ids.length === labelledIds;
      from = ids.at(-1) ?? from;
      for (let at = 0; at < ids.length; at += pageRows)
        yield this.#rows<RecordRow>(
          `SELECT id, record FROM ${tableOf(this.row)} WHERE id = ANY($1::text[]) ORDER BY id`,
          [ids.slice(at, at + pageRows)],
        );
    }
  }

  /** In order of ids; nothing stays open between two pages. */
  async *#pages(
    { after, limit = Infinity }: Pick<Range, 'after' | 'limit'>,
    signal?: AbortSignal,
  ): AsyncGenerator<RecordRow[]> {
    this.#checkOpen();
    if (after !== undefined) checkId(after);
    let from = after ?? '';
    for (let left = limit; left > 0; ) {
      if (signal?.aborted) throw new AbortedError();
      const asked = Math.min(left, pageRows);
      const page = await this.#rows<RecordRow>(
        `SELECT id, record FROM ${tableOf(this.row)} WHERE id > $1 ORDER BY id LIMIT $2`,
        [from, asked],
      );
      if (page.length > 0) yield page;
      if (page.length < asked) return;
      from = page.at(-1)!.id;
      left -= page.length;
    }
  }

  async #rows<R>(text: string, values: readonly unknown[]): Promise<R[]> {
    this.#checkOpen();
    return this.database.query(async (client) => (await client.query(text, values as unknown[])).rows);
  }
}

interface RecordRow {
  readonly id: string;
  readonly record: Buffer;
}

function readable<T>(
  decode: (id: string, bytes: Uint8Array) => T,
  id: string,
  record: Uint8Array,
  onDamaged: Range['onDamaged'],
): T | undefined {
  try {
    return decode(id, plain(record));
  } catch (error) {
    if (!(error instanceof FunctaError)) throw error;
    return leaveOut(id, error, onDamaged);
  }
}

/** A Buffer would make Buffers of all that is cut out of it. */
function plain(record: Uint8Array): Uint8Array {
  return new Uint8Array(record.buffer, record.byteOffset, record.length);
}

function textOfLabel(label: Label | undefined): string | undefined {
  return label === undefined ? undefined : labelText(label);
}

/** The server says `Key (id)=(...) already exists.` */
function idOfDuplicate(error: unknown): string {
  return (
    /^Key \(id\)=\((.*)\) already exists/s.exec(String((error as { detail?: unknown }).detail))?.[1] ?? '?'
  );
}
