/**
 * What a transaction does to a functaset, gathered in memory and then written at once: rows that are new by COPY where they are many, others
 * by one statement each for those that are replaced and those that are taken away.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { NotFoundError } from '../core/errors.ts';
import { optionalPackage } from '../core/optional-package.ts';
import { type Answer, answerMs, type FunctasetTransaction, type FunctionRecord } from '../functaset/index.ts';

/** A functaset as its database knows it. */
export interface Row {
  readonly id: number;
  readonly uuid: string;
  readonly info: Buffer;
  readonly partitions: number;
}

/** What is said of a transaction. */
export interface Change {
  /** Of functions that were put or taken away. */
  readonly ids: readonly string[];
  /** How many functions there are more. */
  readonly more: number;
}

/** From so many on rows are copied and not inserted. */
const copiedFrom = 64;
/** Rows of one statement. */
const mostRows = 1000;

export function tableOf({ id }: Pick<Row, 'id'>): string {
  return `functa.functions_${id}`;
}

/** Changes on top of what was there. */
export class Changes implements FunctasetTransaction {
  readonly puts = new Map<string, FunctionRecord>();
  readonly deletes = new Set<string>();
  readonly kept = new Map<string, Answer>();
  readonly #before: ReadonlyMap<string, Uint8Array>;
  readonly #answers: ReadonlyMap<string, Answer>;

  /** `before`: the records of all ids that will be touched, where there are any. */
  constructor(
    before: ReadonlyMap<string, Uint8Array> = new Map(),
    answers: ReadonlyMap<string, Answer> = new Map(),
  ) {
    this.#before = before;
    this.#answers = answers;
  }

  get isEmpty(): boolean {
    return this.puts.size === 0 && this.deletes.size === 0;
  }

  isNew(id: string): boolean {
    return !this.#before.has(id);
  }

  // handed out one by one, as those of LMDB are
  readonly record = (id: string): Uint8Array | undefined => {
    const put = this.puts.get(id);
    if (put !== undefined) return new Uint8Array(put.bytes);
    const before = this.deletes.has(id) ? undefined : this.#before.get(id);
    return before && new Uint8Array(before);
  };

  readonly put = (record: FunctionRecord): void => {
    this.deletes.delete(record.id);
    this.puts.set(record.id, record);
  };

  readonly delete = (id: string): boolean => {
    const was = this.puts.delete(id) || (this.#before.has(id) && !this.deletes.has(id));
    if (this.#before.has(id)) this.deletes.add(id);
    return was;
  };

  readonly answers = {
    get: (key: string): Answer | undefined => this.kept.get(key) ?? this.#answers.get(key),
    keep: (key: string, answer: Answer): void => void this.kept.set(key, answer),
  };

  readonly mark = (): never => {
    throw new NotFoundError('functaset-missing', 'a functaset of a database has no mark');
  };
}

/** Writes changes; how many functions there are more. Throws what the driver throws: 23505 where an id that was to be new is there. */
export async function writeChanges(client: PoolClient, functaset: Row, changes: Changes): Promise<number> {
  const table = tableOf(functaset);
  const puts = [...changes.puts.values()];
  const fresh = puts.filter(({ id }) => changes.isNew(id));
  const replaced = puts.filter(({ id }) => !changes.isNew(id));
  await insert(client, table, fresh);
  for (const rows of inPages(replaced, mostRows)) {
    await client.query({
      name: `replace ${functaset.id}`,
      text: `UPDATE ${table} f SET record = n.record FROM unnest($1::text[], $2::bytea[]) AS n (id, record) WHERE f.id = n.id`,
      values: columnsOf(rows),
    });
  }
  const gone = [...changes.deletes];
  if (gone.length > 0) await client.query(`DELETE FROM ${table} WHERE id = ANY($1::text[])`, [gone]);
  await keepAnswers(client, functaset, changes.kept);
  return fresh.length - gone.length;
}

/** Inserts rows of ids that are new. Throws 23505 where one is there. */
export async function insert(
  client: PoolClient,
  table: string,
  records: readonly FunctionRecord[],
): Promise<void> {
  if (records.length >= copiedFrom) return copy(client, table, records);
  if (records.length === 0) return;
  await client.query({
    name: `insert ${table}`,
    text: `INSERT INTO ${table} (id, record) SELECT * FROM unnest($1::text[], $2::bytea[])`,
    values: columnsOf(records),
  });
}

/**
 * The last step before the commit: the next number of the functaset, which stays its own until then. Readers are told of it when it is
 * committed. Throws NotFoundError `functaset-missing`.
 */
export async function numberChange(
  client: PoolClient,
  functaset: Row,
  change: Change & { readonly token: string },
): Promise<number> {
  const { rows } = await client.query({
    name: 'number change',
    text: `WITH own AS (
             UPDATE functa.functasets SET seq = seq + 1, functions = functions + $2
             WHERE id = $1 AND uuid = $5 RETURNING seq
           ), change AS (
             INSERT INTO functa.changes (functaset, seq, ids, token)
             SELECT $1, seq, $3, $4 FROM own
           )
           SELECT seq, pg_notify('functa', $1::text || ' ' || seq::text) FROM own`,
    values: [functaset.id, change.more, change.ids, change.token, functaset.uuid],
  });
  if (rows.length === 0)
    throw new NotFoundError('functaset-missing', 'the functaset was taken away meanwhile; make it again');
  return rows[0].seq;
}

/** Whether a change was committed: waits for a transaction that still holds its number. */
export async function wasNumbered(
  client: PoolClient,
  { id }: Row,
  seq: number,
  token: string,
): Promise<boolean> {
  await client.query('BEGIN');
  await client.query('SELECT 1 FROM functa.functasets WHERE id = $1 FOR UPDATE', [id]);
  const { rows } = await client.query(
    'SELECT 1 FROM functa.changes WHERE functaset = $1 AND seq = $2 AND token = $3',
    [id, seq, token],
  );
  await client.query('COMMIT');
  return rows.length > 0;
}

async function keepAnswers(
  client: PoolClient,
  { id }: Row,
  answers: ReadonlyMap<string, Answer>,
): Promise<void> {
  for (const [key, { at, digest, bytes }] of answers) {
    await client.query(
      `INSERT INTO functa.answers (functaset, key, at, digest, bytes) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (functaset, key) DO UPDATE
       SET at = excluded.at, digest = excluded.digest, bytes = excluded.bytes`,
      [id, key, at, digest, bytesOf(bytes)],
    );
    await client.query('DELETE FROM functa.answers WHERE functaset = $1 AND at < $2', [id, at - answerMs]);
  }
}

/** Rows in the binary format of COPY ("COPY", File Formats, in the manual): a head, each row a count of fields and their lengths, a tail. */
async function copy(client: PoolClient, table: string, records: readonly FunctionRecord[]): Promise<void> {
  const { from } = await optionalPackage(
    'pg-copy-streams',
    () => import('pg-copy-streams'),
    'keep functions in a directory of this machine',
  );
  const stream = client.query(from(`COPY ${table} (id, record) FROM STDIN BINARY`));
  const done = once(stream, 'finish');
  // told by `done`
  done.catch(() => undefined);
  stream.write(copyHead);
  for (const rows of inPages(records, mostRows)) {
    if (!stream.write(copyRows(rows))) await Promise.race([once(stream, 'drain'), done]);
    await setImmediate();
  }
  stream.end(copyTail);
  await done;
}

const copyHead = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const copyTail = Buffer.from([0xff, 0xff]);

function copyRows(records: readonly FunctionRecord[]): Buffer {
  const ids = records.map(({ id }) => Buffer.from(id));
  const size = records.reduce((sum, { bytes }, i) => sum + 2 + 4 + ids[i]!.length + 4 + bytes.length, 0);
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  const field = (bytes: Uint8Array) => {
    at = buffer.writeInt32BE(bytes.length, at);
    buffer.set(bytes, at);
    at += bytes.length;
  };
  for (const [i, { bytes }] of records.entries()) {
    at = buffer.writeInt16BE(2, at);
    field(ids[i]!);
    field(bytes);
  }
  return buffer;
}

function columnsOf(records: readonly FunctionRecord[]) {
  return [records.map(({ id }) => id), records.map(({ bytes }) => bytesOf(bytes))];
}

/** The driver takes a Buffer for bytes and any other view for JSON. */
export function bytesOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function* inPages<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
