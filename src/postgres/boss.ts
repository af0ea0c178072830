/** pg-boss over a database of ours: its statements go over our connections, so that it retries as we do and can be part of our transactions. */

import type { PoolClient } from 'pg';
import type PgBoss from 'pg-boss';
import { BugError } from '../core/errors.ts';
import { optionalPackage } from '../core/optional-package.ts';
import type { Database } from './database.ts';

/** Beside the schema of functa: pg-boss has tables and versions of its own, and others may use it in the same database. */
const schema = 'functa_queue';
const queue = 'jobs';

/** Below the most that pg-boss takes. Who still works then is told from who died by the lease of the job, not by this. */
const expireInSeconds = 24 * 3600 - 60;
/** How often a job may come back is not the queue's to say, nor how long it may wait. */
const retryLimit = 1_000_000;
const retentionDays = 3650;

export interface Ticket {
  readonly id: string;
  readonly job: string;
}

export class Tickets {
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** Makes the queue where it is not there. Throws EnvironmentError `package-absent`, and what the database says. */
  static async open(database: Database): Promise<Tickets> {
    const Boss = await optionalPackage(
      'pg-boss',
      async () => (await import('pg-boss')).default as unknown as typeof PgBoss,
      'serve from a directory of this machine, without --store',
    );
    const boss = new Boss({
      schema,
      schedule: false,
      db: { executeSql: (text, values) => database.query((client) => client.query(text, values)) },
    });
    // what it tells of is its tidying up, which is tried again; an event that nobody hears would end the process
    boss.on('error', () => undefined);
    await boss.start();
    await boss.createQueue(queue, { name: queue });
    return new Tickets(boss);
  }

  /** Within a transaction, as everything below. */
  async send(client: PoolClient, { id, job }: Ticket): Promise<void> {
    const sent = await this.#boss.send(
      queue,
      { job },
      { id, db: over(client), expireInSeconds, retryLimit, retentionDays },
    );
    if (sent === null) throw new BugError(`the queue took no ticket for job ${job}`);
  }

  /** The next one, which is nobody else's once the transaction is committed; undefined: there is none. */
  async take(client: PoolClient): Promise<Ticket | undefined> {
    const db = over(client);
    const [found] = await this.#boss.fetch<{ job: string }>(queue, { batchSize: 1, db });
    // the package takes every fault for an empty queue
    if (db.fault !== undefined) throw db.fault;
    return found && { id: found.id, job: found.data.job };
  }

  /** It is done with. */
  async complete(client: PoolClient, id: string): Promise<void> {
    await this.#boss.complete(queue, id, {}, { db: over(client) });
  }

  /** Somebody else may take it. */
  async giveBack(client: PoolClient, id: string): Promise<void> {
    await this.#boss.fail(queue, id, {}, { db: over(client) });
  }

  async cancel(client: PoolClient, id: string): Promise<void> {
    await this.#boss.cancel(queue, id, { db: over(client) });
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}

function over(client: PoolClient): PgBoss.Db & { fault: unknown } {
  const db = {
    fault: undefined as unknown,
    async executeSql(text: string, values: unknown[]) {
      try {
        return await client.query(text, values);
      } catch (error) {
        db.fault = error;
        throw error;
      }
    },
  };
  return db;
}
