/**
 * Jobs that many machines share. A row says what is true of a job; pg-boss hands out the turns. Both change in one transaction, and what
 * a job made is written in the one that says it is done, under the token of the turn that made it: a turn that was lost writes nothing.
 *
 * Whoever works on a job holds it for a lease, and renews that. A lease that ran out is taken back by whoever looks first.
 */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { ConflictError } from '../core/errors.ts';
import { Tickets } from './boss.ts';
import type { Database, Transaction } from './database.ts';
import { brokenWhenGone, isHeld, isThere, removeOver, sayState } from './job-rows.ts';

export interface QueuedEvent {
  readonly type: string;
  /** JSON of an object. */
  readonly body: string;
}

export interface NumberedEvent extends QueuedEvent {
  readonly id: number;
  readonly at: Date;
}

/** A job as the database has it; what is JSON there is a value here. */
export interface QueuedJob {
  readonly id: string;
  readonly namespace: string;
  readonly state: 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly asked: unknown;
  readonly idempotencyKey: string | null;
  readonly idempotencyDigest: string | null;
  readonly madeAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly progress: unknown;
  readonly result: unknown;
  readonly fault: unknown;
  readonly upload: string | null;
  readonly resultFile: string | null;
  /** What a turn of it kept to go on from: ids of files by name. */
  readonly checkpoint: unknown;
  /** The number of the last event. */
  readonly events: number;
}

export interface NewQueuedJob extends Pick<QueuedJob, 'id' | 'namespace' | 'asked'> {
  readonly upload?: string | undefined;
  readonly idempotency?: { readonly key: string; readonly digest: string } | undefined;
  /** Those of its namespace that are not over. */
  readonly most: number;
}

/** `full`: so many of the namespace are not over; `same`: there is one of this key. */
export type Added =
  | { readonly kind: 'added' | 'same'; readonly job: QueuedJob }
  | { readonly kind: 'full'; readonly waiting: number }
  | { readonly kind: 'no-upload' };

/** A turn of a worker at a job. */
export interface Turn {
  readonly job: QueuedJob;
  readonly token: string;
}

/** How a job ended. */
export interface End {
  readonly state: 'done' | 'failed';
  readonly result?: unknown;
  readonly fault?: { readonly code: string; readonly detail: string } | undefined;
  readonly resultFile?: string | undefined;
  readonly event: QueuedEvent;
}

export interface JobQueueOptions {
  /** Milliseconds for which a worker that says nothing has its job. Default 30,000. */
  readonly leaseMs?: number | undefined;
}

/** Turns in a row that end without a word: the job is what ends them. */
const mostDeaths = 3;
/** Notices for servers: `models`: there are others; `ID`: something happened to a job. */
export const jobChannel = 'functa_jobs';
/** Notices for workers: `+`: there is something to do; `!ID`: a job was cancelled. What jobs say of themselves does not wake them. */
export const workChannel = 'functa_work';
const columns = `id, namespace, state, asked, idempotency_key AS "idempotencyKey", idempotency_digest AS "idempotencyDigest",
  made_at AS "madeAt", started_at AS "startedAt", ended_at AS "endedAt", progress, result, fault, upload,
  result_file AS "resultFile", checkpoint, events`;

export class JobQueue {
  readonly database: Database;
  readonly leaseMs: number;
  readonly #tickets: Tickets;

  private constructor(database: Database, tickets: Tickets, { leaseMs = 30_000 }: JobQueueOptions) {
    this.database = database;
    this.#tickets = tickets;
    this.leaseMs = leaseMs;
  }

  /** Throws EnvironmentError `package-absent`, and what the database says. */
  static async open(database: Database, options: JobQueueOptions = {}): Promise<JobQueue> {
    return new JobQueue(database, await Tickets.open(database), options);
  }

  /** Takes a job in; resolves when it is durable. Throws what the database says. */
  async add({ id, namespace, asked, upload, idempotency, most }: NewQueuedJob): Promise<Added> {
    const ticket = randomUUID();
    return this.database.transaction(async (transaction) => {
      const { client } = transaction;
      // counted and looked up by one at a time
      await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `functa jobs ${namespace}`,
      ]);
      if (idempotency !== undefined) {
        const { rows } = await client.query<QueuedJob>(
          `SELECT ${columns} FROM functa.jobs WHERE namespace = $1 AND idempotency_key = $2`,
          [namespace, idempotency.key],
        );
        if (rows[0] !== undefined) return { kind: 'same', job: rows[0] };
      }
      const waiting = await client.query<{ n: number }>(
        `SELECT count(*) AS n FROM functa.jobs WHERE namespace = $1 AND ended_at IS NULL`,
        [namespace],
      );
      const { n } = waiting.rows[0]!;
      if (n >= most) return { kind: 'full', waiting: n };
      if (upload !== undefined && !(await isThere(client, namespace, upload))) return { kind: 'no-upload' };
      await this.#tickets.send(client, { id: ticket, job: id });
      const { rows } = await client.query<QueuedJob>(
        `INSERT INTO functa.jobs (id, namespace, asked, upload, idempotency_key, idempotency_digest, ticket, events)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING ${columns}`,
        [...[id, namespace, JSON.stringify(asked), upload, idempotency?.key, idempotency?.digest], ticket],
      );
      await sayState(client, id, 1, 'queued');
      await notify(client, workChannel, '+');
      transaction.isDone = async (other) =>
        (await other.query('SELECT 1 FROM functa.jobs WHERE id = $1', [id])).rows.length > 0;
      return { kind: 'added', job: rows[0]! };
    });
  }

  /** The next job, which is held from now on; undefined: there is nothing to do. Throws what the database says. */
  async claim(): Promise<Turn | undefined> {
    for (;;) {
      const token = randomUUID();
      const found = await this.database.transaction(async (transaction) => {
        const { client } = transaction;
        const ticket = await this.#tickets.take(client);
        if (ticket === undefined) return 'none';
        const { rows } = await client.query<QueuedJob>(
          `WITH own AS (
             UPDATE functa.jobs
             SET state = 'running', holder = $3, held_until = now() + $4 * interval '1 ms',
                 started_at = coalesce(started_at, now()), events = events + 1
             WHERE id = $1 AND ticket = $2
               AND (state = 'queued' OR (state = 'running' AND held_until < now()))
             RETURNING *
           ), event AS (
             INSERT INTO functa.job_events (job, id, type, body)
             SELECT id, events, 'state', '{"state":"running"}' FROM own
           ), told AS (
             SELECT count(pg_notify('${jobChannel}', id)) FROM own
           )
           SELECT ${columns} FROM own, told`,
          [ticket.job, ticket.id, token, this.leaseMs],
        );
        if (rows[0] === undefined) {
          await this.#dropStale(client, ticket);
          return 'stale';
        }
        transaction.isDone = (other) => isHeld(other, ticket.job, token);
        return rows[0];
      });
      if (found === 'none') return undefined;
      if (found !== 'stale') return { job: found, token };
    }
  }

  /** Holds a job for another lease; whether it was still held. */
  async renew({ job, token }: Turn): Promise<boolean> {
    const { rows } = await this.database.query((client) =>
      client.query({
        name: 'renew',
        text: `UPDATE functa.jobs SET held_until = now() + $3 * interval '1 ms'
               WHERE id = $1 AND holder = $2 AND state = 'running' RETURNING 1`,
        values: [job.id, token, this.leaseMs],
      }),
    );
    return rows.length > 0;
  }

  /**
   * Adds events after the one of number `after`, which is the last one. Gives the number of the last event then, of which those given are
   * behind `after` whether or not this call was made before; undefined: the job is not held any more.
   */
  async tell(
    { job, token }: Turn,
    after: number,
    events: readonly QueuedEvent[],
    { progress, gotOn }: { readonly progress: unknown; readonly gotOn: boolean },
  ): Promise<number | undefined> {
    const last = after + events.length;
    const { rows } = await this.database.query((client) =>
      client.query<{ events: number }>({
        name: 'tell',
        text: `WITH own AS (
                 UPDATE functa.jobs
                 SET events = $4, progress = coalesce($5, progress), deaths = CASE WHEN $6 THEN 0 ELSE deaths END
                 WHERE id = $1 AND holder = $2 AND state = 'running' AND events = $3 RETURNING events
               ), said AS (
                 INSERT INTO functa.job_events (job, id, type, body)
                 SELECT $1, $3 + e.n, e.type, e.body FROM own, unnest($7::text[], $8::text[]) WITH ORDINALITY AS e (type, body, n)
               ), told AS (
                 SELECT pg_notify('${jobChannel}', $1) FROM own
               )
               SELECT (SELECT count(*) FROM told), coalesce((SELECT events FROM own), events) AS events
               FROM functa.jobs WHERE id = $1 AND holder = $2 AND state = 'running'`,
        values: [
          ...[job.id, token, after, last, progress === undefined ? null : JSON.stringify(progress), gotOn],
          events.map(({ type }) => type),
          events.map(({ body }) => body),
        ],
      }),
    );
    return rows[0]?.events;
  }

  /**
   * Ends a job, with what `work` writes in the same transaction: it may be called again. Throws ConflictError `job-taken` where the job is not
   * held any more, with nothing written, and what `work` throws.
   */
  async finish({ job, token }: Turn, work: (transaction: Transaction) => Promise<End>): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const { client } = transaction;
      // whoever would take it back passes over it until this is over
      const held = await client.query<{ ticket: string }>(
        `SELECT ticket, ${brokenWhenGone} FROM functa.jobs WHERE id = $1 AND holder = $2 AND state = 'running' FOR UPDATE`,
        [job.id, token],
      );
      if (held.rows[0] === undefined) throw jobTaken(job.id);
      const { ticket } = held.rows[0];
      const end = await work(transaction);
      await this.#end(client, job.id, end);
      await this.#tickets.complete(client, ticket);
      transaction.isDone = async (other) =>
        (
          await other.query('SELECT 1 FROM functa.jobs WHERE id = $1 AND holder = $2 AND state = $3', [
            job.id,
            token,
            end.state,
          ])
        ).rows.length > 0;
    });
  }

  /** Gives a job back before it is done. `died`: its work ended without a word; too often, and the job has failed. */
  async release({ job, token }: Turn, how: 'stopped' | 'died'): Promise<void> {
    await this.database.transaction(async ({ client }) => {
      const { rows } = await client.query<Held>(
        `SELECT id, ticket, deaths FROM functa.jobs WHERE id = $1 AND holder = $2 AND state = 'running' FOR UPDATE`,
        [job.id, token],
      );
      if (rows[0] !== undefined) await this.#giveBack(client, rows[0], how);
    });
  }

  /** Takes back the jobs of workers that were silent for a lease, and gives them to others; how many there were. */
  takeBack(): Promise<number> {
    return this.database.transaction(async ({ client }) => {
      // after a start of the database whoever holds a job has a lease to say so
      const { rows } = await client.query<Held>(
        `SELECT id, ticket, deaths FROM functa.jobs
         WHERE state = 'running' AND held_until < now() AND pg_postmaster_start_time() < now() - $1 * interval '1 ms'
         ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED`,
        [this.leaseMs],
      );
      for (const held of rows) await this.#giveBack(client, held, 'died');
      return rows.length;
    });
  }

  /** Ends a job before it is done; undefined: it was over. */
  async cancel(id: string, event: QueuedEvent): Promise<QueuedJob | undefined> {
    return this.database.transaction(async ({ client }) => {
      const { rows } = await client.query<{ ticket: string }>(
        `SELECT ticket FROM functa.jobs WHERE id = $1 AND ended_at IS NULL FOR UPDATE`,
        [id],
      );
      if (rows[0] === undefined) return undefined;
      await this.#tickets.cancel(client, rows[0].ticket);
      await notify(client, workChannel, `!${id}`);
      return this.#end(client, id, { state: 'cancelled', event });
    });
  }

  /** Takes a job from whoever works on it, or out of the queue, until it is resumed. One that is over or paused stays as it is. */
  async pause(id: string): Promise<void> {
    await this.database.transaction(async ({ client }) => {
      const { rows } = await client.query<{ ticket: string; events: number }>(
        `UPDATE functa.jobs SET state = 'paused', holder = NULL, held_until = NULL, events = events + 1
         WHERE id = $1 AND state IN ('queued', 'running') RETURNING ticket, events`,
        [id],
      );
      if (rows[0] === undefined) return;
      await this.#tickets.cancel(client, rows[0].ticket);
      await sayState(client, id, rows[0].events, 'paused');
      await notify(client, workChannel, `!${id}`);
      await notify(client, jobChannel, id);
    });
  }

  /** Puts a job that is paused into the queue again. */
  async resume(id: string): Promise<void> {
    const ticket = randomUUID();
    await this.database.transaction(async ({ client }) => {
      const { rows } = await client.query<{ events: number }>(
        `UPDATE functa.jobs SET state = 'queued', ticket = $2, deaths = 0, events = events + 1
         WHERE id = $1 AND state = 'paused' RETURNING events`,
        [id, ticket],
      );
      if (rows[0] === undefined) return;
      await this.#tickets.send(client, { id: ticket, job: id });
      await sayState(client, id, rows[0].events, 'queued');
      await notify(client, workChannel, '+');
      await notify(client, jobChannel, id);
    });
  }

  /** Removes a job that is over, with its files. */
  async remove(id: string): Promise<void> {
    await this.database.transaction(({ client }) => removeOver(client, [id]));
  }

  /** Removes jobs of a namespace that are over and too old, or older than `kept` others; files that nobody needs go as well. */
  async forget(
    namespace: string,
    { kept, ageMs }: { readonly kept: number; readonly ageMs: number },
  ): Promise<void> {
    await this.database.transaction(async ({ client }) => {
      const { rows } = await client.query<{ id: string }>(
        `SELECT id FROM (
           SELECT id, ended_at, row_number() OVER (ORDER BY id DESC) AS n FROM functa.jobs WHERE namespace = $1
         ) own WHERE ended_at IS NOT NULL AND (n > $2 OR ended_at < now() - $3 * interval '1 ms')`,
        [namespace, kept, ageMs],
      );
      if (rows.length > 0)
        await removeOver(
          client,
          rows.map(({ id }) => id),
        );
    });
  }

  /** Those of a namespace, newest first. */
  async list(namespace: string): Promise<QueuedJob[]> {
    const { rows } = await this.database.query((client) =>
      client.query<QueuedJob>(`SELECT ${columns} FROM functa.jobs WHERE namespace = $1 ORDER BY id DESC`, [
        namespace,
      ]),
    );
    return rows;
  }

  /** The one that was asked for under a key. */
  async byKey(namespace: string, key: string): Promise<QueuedJob | undefined> {
    const { rows } = await this.database.query((client) =>
      client.query<QueuedJob>(
        `SELECT ${columns} FROM functa.jobs WHERE namespace = $1 AND idempotency_key = $2`,
        [namespace, key],
      ),
    );
    return rows[0];
  }

  async get(id: string): Promise<QueuedJob | undefined> {
    const { rows } = await this.database.query((client) =>
      client.query<QueuedJob>({
        name: 'job',
        text: `SELECT ${columns} FROM functa.jobs WHERE id = $1`,
        values: [id],
      }),
    );
    return rows[0];
  }

  /** How many are in each state. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    const { rows } = await this.database.query((client) =>
      client.query<{ state: string; n: number }>(
        'SELECT state, count(*) AS n FROM functa.jobs GROUP BY state',
      ),
    );
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
  }

  /** Events after the one of number `after`, as many as come at once. */
  async events(id: string, after: number): Promise<NumberedEvent[]> {
    const { rows } = await this.database.query((client) =>
      client.query<NumberedEvent>({
        name: 'events',
        text: 'SELECT id, type, body, at FROM functa.job_events WHERE job = $1 AND id > $2 ORDER BY id LIMIT 1000',
        values: [id, after],
      }),
    );
    return rows;
  }

  /** Leaves the database open. */
  async close(): Promise<void> {
    await this.#tickets.close();
  }

  async #giveBack(client: PoolClient, { id, ticket, deaths }: Held, how: 'stopped' | 'died') {
    const times = deaths + Number(how === 'died');
    if (times >= mostDeaths) {
      const detail = `its work ended ${times} times in a row without saying why; ask for less, or look at the memory of the workers`;
      const fault = { code: 'job-died', detail };
      const event = { type: 'end', body: JSON.stringify({ state: 'failed', fault }) };
      await this.#end(client, id, { state: 'failed', fault, event });
      await this.#tickets.complete(client, ticket);
      return;
    }
    await client.query(
      `UPDATE functa.jobs SET state = 'queued', holder = NULL, held_until = NULL, deaths = $2 WHERE id = $1`,
      [id, times],
    );
    await this.#tickets.giveBack(client, ticket);
    await notify(client, workChannel, '+');
  }

  async #end(
    client: PoolClient,
    id: string,
    { state, result, fault, resultFile, event }: Omit<End, 'state'> & { readonly state: QueuedJob['state'] },
  ): Promise<QueuedJob> {
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
    // uploads that were removed while jobs still needed them go as well; this job needs its own no more
    const { rows } = await client.query<QueuedJob>(
      `WITH gone AS (
         DELETE FROM functa.files WHERE id IN (
           SELECT value FROM functa.jobs, json_each_text(checkpoint) WHERE jobs.id = $1
           UNION ALL
           SELECT f.id FROM functa.files f WHERE forgotten
             AND NOT EXISTS (SELECT 1 FROM functa.jobs j WHERE j.upload = f.id AND j.id <> $1)
         )
       ), own AS (
         UPDATE functa.jobs
         SET state = $2, result = $3, fault = $4, result_file = $5, ended_at = now(), held_until = NULL,
             events = events + 1, upload = NULL, checkpoint = NULL
         WHERE id = $1 RETURNING *
       ), event AS (
         INSERT INTO functa.job_events (job, id, type, body) SELECT id, events, $6, $7 FROM own
       ), told AS (
         SELECT count(pg_notify('${jobChannel}', id)) FROM own
       )
       SELECT ${columns} FROM own, told`,
      [...[id, state, json(result), json(fault), resultFile], event.type, event.body],
    );
    return rows[0]!;
  }

  /** A ticket whose job is over or gone. One of a job that somebody holds stays out until that is over. */
  async #dropStale(
    client: PoolClient,
    { id, job }: { readonly id: string; readonly job: string },
  ): Promise<void> {
    const { rows } = await client.query(`SELECT 1 FROM functa.jobs WHERE id = $1 AND state = 'running'`, [
      job,
    ]);
    if (rows.length === 0) await this.#tickets.complete(client, id);
  }
}

interface Held {
  readonly id: string;
  readonly ticket: string;
  readonly deaths: number;
}

export function jobTaken(id: string): ConflictError {
  return new ConflictError('job-taken', `job ${id} is not this worker's any more; nothing of it was kept`);
}

async function notify(client: PoolClient, channel: string, payload: string): Promise<void> {
  await client.query('SELECT pg_notify($1, $2)', [channel, payload]);
}
