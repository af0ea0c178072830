/**
 * A replica: an ordinary functaset of this disk that follows one of a database. It notes, in the transaction that wrote it, up to which
 * change it has come; it goes on from there after any interruption, and is compared with the whole where that history is forgotten.
 *
 * Each catching up reads one snapshot of the database. When it is over the replica is what the functaset was in that snapshot; on the way a
 * large change is seen part by part, a small one whole.
 */
import { rm } from 'node:fs/promises';
import type { PoolClient } from 'pg';
import { AbortedError, ConflictError, FunctaError } from '../core/errors.ts';
import {
  compareIds,
  type Functaset,
  type FunctionRecord,
  forsakeClaim,
  isEqual,
  openFunctaset,
} from '../functaset/index.ts';
import { labelOfRecord } from '../functaset/record.ts';
import { tableOf } from './changes.ts';
import { encodeMark, type Mark, markOf, type Shard, textOf } from './mark.ts';
import type { PostgresFunctaset, Written } from './store.ts';

export interface ReplicaOptions {
  readonly shard?: Shard | undefined;
  /** A claim that this process left behind is taken over: whoever had it is gone. */
  readonly heir?: boolean | undefined;
}

type Differing = (page: readonly FunctionRecord[], isLast: boolean) => Changed;

interface Changed {
  readonly deletes: readonly string[];
  readonly puts: readonly FunctionRecord[];
}

/** Functions of one transaction of the replica, and bytes. */
const mostFunctions = 1000;
const mostBytes = 2 ** 23;
/** Changes that are asked for at once. */
const mostChanges = 1000;

export class Replica {
  readonly local: Functaset;
  readonly source: PostgresFunctaset;
  readonly #shard: Shard | undefined;
  #seq: number | undefined;
  #running: Promise<number> | undefined;
  #asked: Promise<number> | undefined;
  #closed = false;

  private constructor(source: PostgresFunctaset, local: Functaset, shard: Shard | undefined) {
    this.source = source;
    this.local = local;
    this.#shard = shard;
    const mark = markOf(local);
    const isOurs = mark?.uuid === source.row.uuid && mark.shard === textOf(shard);
    this.#seq = isOurs ? (mark.seq ?? undefined) : undefined;
  }

  /**
   * Opens the replica at `path`, and makes it where there is none, or one of another network. Throws ConflictError `functaset-busy`, and
   * what opening a functaset throws.
   */
  static async open(
    source: PostgresFunctaset,
    path: string,
    { shard, heir = false }: ReplicaOptions = {},
  ): Promise<Replica> {
    checkShard(source, shard);
    if (heir) forsakeClaim(path);
    const { format: _, ...network } = source.info;
    const open = () => openFunctaset(path, { network });
    const local = await open().catch(async (error: unknown) => {
      // nothing is lost: it is all in the database
      if (!(error instanceof FunctaError) || !remade.includes(error.code)) throw error;
      await rm(path, { recursive: true, force: true });
      return open();
    });
    const mark = markOf(local);
    if (mark === undefined && local.count > 0) {
      await local.close();
      throw new ConflictError(
        'functaset-not-replica',
        `${path} holds functions of its own, and would lose what ${source.name} has not; copy them there first (functa store copy), then remove it`,
      );
    }
    if (mark === undefined)
      await local.transact((transaction) =>
        transaction.mark(encodeMark({ uuid: source.row.uuid, seq: null })),
      );
    return new Replica(source, local, shard);
  }

  /** The change that it has come to; undefined: it was never whole. */
  get seq(): number | undefined {
    return this.#seq;
  }

  /**
   * Resolves when the replica has all that was committed before this call. Throws NotFoundError `functaset-missing`, and what the database
   * and the disk say; it goes on where it was when it is called again.
   */
  catchUp(): Promise<number> {
    if (this.#asked !== undefined) return this.#asked;
    const before = this.#running;
    const run = async () => {
      await before?.catch(() => undefined);
      // from here on others have to ask again: their changes may come after this snapshot
      this.#asked = undefined;
      if (this.#closed) throw new AbortedError();
      return this.#follow();
    };
    const running = run();
    this.#running = running;
    if (before !== undefined) this.#asked = running;
    return running;
  }

  /** Applies what this process wrote itself; where others wrote before it, all is asked for. */
  async applied({ seq, changes }: Written<unknown>): Promise<void> {
    if (seq === undefined) return;
    if (this.#running !== undefined) await this.#running.catch(() => undefined);
    if (this.#seq !== undefined && this.#seq >= seq) return;
    const isNext = this.#seq === seq - 1 && this.#shard === undefined;
    if (!isNext) {
      await this.catchUp();
      return;
    }
    await this.#write([...changes.deletes], [...changes.puts.values()], seq);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
    await this.local.close();
  }

  #follow(): Promise<number> {
    return this.source.database.query(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      try {
        const { id, uuid } = this.source.row;
        const { rows } = await client.query(
          'SELECT seq, floor FROM functa.functasets WHERE id = $1 AND uuid = $2',
          [id, uuid],
        );
        if (rows.length === 0)
          throw new ConflictError(
            'functaset-changed',
            `functaset ${this.source.name} was taken away, or is another by now; open it again`,
          );
        const [{ seq, floor }] = rows as [{ seq: number; floor: number }];
        if (this.#seq === undefined || this.#seq < floor || this.#seq > seq) await this.#compare(client, seq);
        else if (this.#seq < seq) await this.#changes(client, this.#seq, seq);
        return seq;
      } finally {
        // a snapshot that nobody reads any more keeps the server from tidying up
        await client.query('COMMIT');
      }
    });
  }

  /** What is there under an id that was touched is put, and where there is nothing it goes. */
  async #changes(client: PoolClient, from: number, to: number): Promise<void> {
    // a page of ids is looked up one by one, however many functions there are
    await client.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off');
    for (let at = from; at < to; ) {
      const { rows } = await client.query<{ seq: number; functions: number }>(
        `SELECT seq, cardinality(ids) AS functions FROM functa.changes
         WHERE functaset = $1 AND seq > $2 ORDER BY seq LIMIT ${mostChanges}`,
        [this.source.row.id, at],
      );
      for (const group of groupsOf(rows)) {
        const last = group.at(-1)!.seq;
        await this.#rows(
          client,
          `SELECT u.id, f.record FROM functa.changes c CROSS JOIN unnest(c.ids) AS u (id)
           LEFT JOIN ${this.#from()} AS f ON f.id = u.id
           WHERE c.functaset = ${this.source.row.id} AND c.seq > ${at} AND c.seq <= ${last}`,
          last,
        );
        at = last;
      }
      if (rows.length === 0) return;
    }
  }

  /** The whole, in order of ids: what is here and not there goes. */
  async #compare(client: PoolClient, seq: number): Promise<void> {
    const ids = this.local.records();
    let next = ids.next();
    await this.#rows(
      client,
      `SELECT id, record FROM ${this.#from()} AS f ORDER BY id`,
      seq,
      (page, isLast) => {
        const deletes: string[] = [];
        const there = new Map(page.map(({ id, bytes }) => [id, bytes]));
        const end = isLast ? undefined : page.at(-1)!.id;
        const known = new Set<string>();
        while (!next.done && (end === undefined || compareIds(next.value.id, end) <= 0)) {
          const { id, bytes } = next.value;
          if (!there.has(id)) deletes.push(id);
          else if (isEqual(bytes, there.get(id)!)) known.add(id);
          next = ids.next();
        }
        return { deletes, puts: page.filter(({ id }) => !known.has(id)) };
      },
    );
  }

  /** Rows by a cursor, a page a transaction; the last of them notes the number. `differing`: what of a page is to be written, and what goes with it. */
  async #rows(client: PoolClient, select: string, seq: number, differing?: Differing): Promise<void> {
    await client.query(`DECLARE rows NO SCROLL CURSOR FOR ${select}`);
    for (let left = true; left; ) {
      const puts = new Map<string, FunctionRecord>();
      const deletes = new Set<string>();
      for (let bytes = 0; puts.size + deletes.size < mostFunctions && bytes < mostBytes && left; ) {
        const { rows } = await client.query<{ id: string; record: Buffer | null }>('FETCH 250 FROM rows');
        for (const { id, record } of rows) {
          if (record === null) deletes.add(id);
          else puts.set(id, recordOf(id, record));
          bytes += record?.length ?? 0;
        }
        left = rows.length === 250;
      }
      const page = [...puts.values()];
      const changed = differing?.(page, !left) ?? { deletes: [...deletes], puts: page };
      await this.#write(changed.deletes, changed.puts, left ? undefined : seq);
    }
    await client.query('CLOSE rows');
  }

  /** Partitions of a shard are those whose number has its remainder: that of the hash of an id by `count` is then the shard's. */
  #from(): string {
    const table = tableOf(this.source.row);
    if (this.#shard === undefined) return table;
    const { index, count } = this.#shard;
    const parts: string[] = [];
    for (let k = index; k < this.source.row.partitions; k += count)
      parts.push(`SELECT id, record FROM ${table}_${k}`);
    return `(${parts.join(' UNION ALL ')})`;
  }

  async #write(
    deletes: readonly string[],
    puts: readonly FunctionRecord[],
    seq: number | undefined,
  ): Promise<void> {
    await this.local.transact((transaction) => {
      for (const id of deletes) transaction.delete(id);
      for (const record of puts) transaction.put(record);
      if (seq !== undefined) transaction.mark(encodeMark(this.#markAt(seq)));
    });
    if (seq !== undefined) this.#seq = seq;
  }

  #markAt(seq: number): Mark {
    const shard = textOf(this.#shard);
    return { uuid: this.source.row.uuid, seq, ...(shard === undefined ? {} : { shard }) };
  }
}

/** What a replica cannot be opened for, and is made again. */
const remade: readonly string[] = [
  'functaset-network',
  'functaset-damaged',
  'functaset-missing',
  'info-format',
  'info-checksum',
];

/** Small changes together, a large one alone. */
function* groupsOf<T extends { readonly functions: number }>(changes: readonly T[]): Generator<T[]> {
  let group: T[] = [];
  let functions = 0;
  for (const change of changes) {
    if (group.length > 0 && functions + change.functions > mostFunctions) {
      yield group;
      [group, functions] = [[], 0];
    }
    group.push(change);
    functions += change.functions;
  }
  if (group.length > 0) yield group;
}

function recordOf(id: string, record: Buffer): FunctionRecord {
  const bytes = new Uint8Array(record);
  return { id, label: labelOfRecord(id, bytes), bytes };
}

function checkShard({ row: { partitions } }: PostgresFunctaset, shard: Shard | undefined): void {
  if (shard === undefined) return;
  const { index, count } = shard;
  if (Number.isInteger(count) && partitions % count === 0 && index >= 0 && index < count) return;
  throw new ConflictError(
    'functaset-shards',
    `a functaset of ${partitions} partitions has no shard ${index} of ${count}; take a divisor of ${partitions}`,
  );
}
