/**
 * A database that many share: connections, transactions that are done once, and notices. What fails on the way is tried again for a while,
 * wherever that is right: a question always, a transaction where it is certain that it was not committed.
 */
import type { Client, ClientBase, Pool, PoolClient } from 'pg';
import { ConflictError, EnvironmentError, FunctaError } from '../core/errors.ts';
import { optionalPackage } from '../core/optional-package.ts';
import { type Address, parseAddress } from './address.ts';
import { failure, isAway, mayPass, readOnly } from './failure.ts';
import { migrate } from './migrations.ts';

export interface DatabaseOptions {
  /** Connections at once. Default 4. */
  readonly connections?: number | undefined;
  /** Milliseconds for which what fails on the way is tried again. Default 10,000. */
  readonly patienceMs?: number | undefined;
  /** What it is called in messages. Default: its address without the password. */
  readonly shownAs?: string | undefined;
  /** It may be a standby; nothing is made in it. Otherwise a host that is one is passed over. */
  readonly readOnly?: boolean | undefined;
  /** `none`: it is a database of somebody else's, where tables of functa are neither made nor looked for. Default `functa`. */
  readonly tables?: 'functa' | 'none' | undefined;
}

/** A transaction that is under way. */
export interface Transaction {
  readonly client: PoolClient;
  /** Asked when the connection is lost in the middle of the commit, on another one: whether it was committed. */
  isDone: ((client: PoolClient) => Promise<boolean>) | undefined;
}

const firstDelayMs = 20;
const mostDelayMs = 1000;
const connectMs = 5000;
/** int8, which is a text to the driver; the numbers here are far below 2^53. */
const int8 = 20;

export function loadDriver(): Promise<typeof import('pg')> {
  const instead = 'keep functions in a directory of this machine';
  return optionalPackage(
    'pg',
    async () => (await import('pg')).default as unknown as typeof import('pg'),
    instead,
  );
}

export class Database {
  readonly address: Address;
  readonly readOnly: boolean;
  readonly #pg: typeof import('pg');
  readonly #options: DatabaseOptions;
  #pool: Pool | undefined;
  /** Which of the hosts. */
  #host = 0;
  #closed = false;

  private constructor(address: Address, pg: typeof import('pg'), options: DatabaseOptions) {
    this.address = address;
    this.readOnly = options.readOnly ?? false;
    this.#pg = pg;
    this.#options = options;
  }

  /**
   * Makes the tables where they are not there. Throws BadInputError `store-url`, EnvironmentError `package-absent`, `store-unreachable`,
   * `store-denied`, `store-read-only`, `store-version`.
   */
  static async open(url: string, options: DatabaseOptions = {}): Promise<Database> {
    const database = new Database(parseAddress(url), await loadDriver(), options);
    try {
      await database.query(async (client) => {
        if (options.tables === 'none') return;
        await migrate(client as unknown as Client, database.name, { make: !database.readOnly });
      });
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** Without a password. */
  get name(): string {
    return this.#options.shownAs ?? this.address.name;
  }

  /** Asks on one connection; again on another where that is lost. `work` changes nothing. */
  query<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#patiently(() => this.#connected(work));
  }

  /**
   * All of `work`, or nothing. It may be called again: what it keeps outside of the transaction it sets anew. Throws EnvironmentError
   * `store-lost` where nobody can say whether it was committed.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#patiently(() => this.#attempt(work));
  }

  /**
   * Hears of notices on a channel, until the function returned is called. `again` is called when the connection was lost and there is a new
   * one: what was said between was not heard. Never throws: it is tried again for ever.
   */
  listen(channel: string, hear: (payload: string) => void, again: () => void): () => Promise<void> {
    let over = false;
    let client: Client | undefined;
    let wake: () => void = () => undefined;
    const running = (async () => {
      // a host of its own: moved on together with that of the questions, both could pass the right one by
      let host = this.#host;
      for (let delay = firstDelayMs; !over; delay = Math.min(2 * delay, mostDelayMs)) {
        try {
          client = this.#client(host);
          const ended = new Promise<void>((resolve) => {
            client!.once('end', resolve);
            client!.once('error', () => resolve());
          });
          client.on('notification', ({ payload = '' }) => hear(payload));
          await client.connect();
          await client.query(`LISTEN ${channel}`);
          delay = firstDelayMs;
          again();
          await ended;
        } catch {
          host++;
        }
        await client?.end().catch(() => undefined);
        if (over) return;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, delay);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    })();
    return async () => {
      over = true;
      wake();
      await client?.end().catch(() => undefined);
      await running;
    };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end();
  }

  async #attempt<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    let committing = false;
    const transaction: { -readonly [M in keyof Transaction]: Transaction[M] } = {
      client: undefined as never,
      isDone: undefined,
    };
    let result: T;
    try {
      return await this.#connected(async (client) => {
        committing = false;
        transaction.client = client;
        await client.query('BEGIN');
        result = await work(transaction);
        committing = true;
        await client.query('COMMIT');
        return result;
      });
    } catch (error) {
      if (!committing || !isAway(error)) throw error;
      const { isDone } = transaction;
      if (isDone !== undefined && (await this.#find(isDone))) return result!;
      throw error;
    }
  }

  /** Throws EnvironmentError `store-lost`. */
  async #find(isDone: (client: PoolClient) => Promise<boolean>): Promise<boolean> {
    try {
      return await this.query(isDone);
    } catch (cause) {
      throw new EnvironmentError(
        'store-lost',
        `${this.name} was lost while it committed, and cannot be asked what became of it; look when it is back, and write again`,
        { cause },
      );
    }
  }

  async #connected<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#open().connect();
    // a connection that is lost while nobody waits for it says so here
    const lost = () => undefined;
    client.on('error', lost);
    let fault: unknown;
    try {
      return await work(client);
    } catch (error) {
      fault = error;
      // a connection that cannot go back to where it was is not used again
      if (!isAway(error))
        fault = await client.query('ROLLBACK').then(
          () => undefined,
          (broken: unknown) => broken,
        );
      throw error;
    } finally {
      client.off('error', lost);
      client.release(fault !== undefined);
    }
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const until = performance.now() + (this.#options.patienceMs ?? 10_000);
    for (let delay = firstDelayMs; ; delay = Math.min(2 * delay, mostDelayMs)) {
      const host = this.#host;
      try {
        return await work();
      } catch (error) {
        if (error instanceof FunctaError || !mayPass(error) || performance.now() + delay > until)
          throw failure(this.name, error);
        this.#leave(host);
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  /** On to the next host, once for all who met the same fault: two who both moved on would be back where they were. */
  #leave(host: number): void {
    if (this.address.urls.length === 1 || this.#host !== host) return;
    this.#host++;
    const pool = this.#pool;
    this.#pool = undefined;
    // those that are in use end when they are given back
    void pool?.end().catch(() => undefined);
  }

  #open(): Pool {
    if (this.#closed) throw new ConflictError('functaset-closed', `${this.name} was closed; open it again`);
    if (this.#pool === undefined) {
      this.#pool = new this.#pg.Pool({
        ...this.#config(this.#host),
        max: this.#options.connections ?? 4,
        allowExitOnIdle: true,
        ...(this.readOnly ? {} : { onConnect: refuseStandby }),
      });
      this.#pool.on('error', () => undefined);
    }
    return this.#pool;
  }

  #client(host: number): Client {
    const client = new this.#pg.Client(this.#config(host));
    client.on('error', () => undefined);
    return client;
  }

  #config(host: number) {
    const { types } = this.#pg;
    const { urls } = this.address;
    return {
      connectionString: urls[host % urls.length]!,
      connectionTimeoutMillis: connectMs,
      keepAlive: true,
      application_name: 'functa',
      types: {
        getTypeParser: (oid: number, format?: 'text' | 'binary') =>
          oid === int8 ? Number : types.getTypeParser(oid, format as 'text'),
      },
    };
  }
}

/**
 * A standby is behind: who writes would not find there what was acknowledged a moment ago, nor hear whether a commit came through. Throws as
 * PostgreSQL does where one is written to.
 */
async function refuseStandby(client: ClientBase): Promise<void> {
  const { rows } = await client.query('SELECT pg_is_in_recovery() AS standby');
  if (rows[0].standby) throw Object.assign(new Error('it is a standby'), { code: readOnly });
}
