/**
 * The workers: threads that do all work that could hold the server's own. A job has a thread until it is done, or until
 * its next piece is to wait for the client; so a client that reads slowly holds no thread. A job that is to stop is told
 * so; a thread that does not hear it in time is ended, and another takes its place.
 */
import { AbortedError, EnvironmentError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { revive } from '../wire-error.ts';
import type { FromWorker } from './messages.ts';
import { Thread } from './thread.ts';
import type { HeadOf, InputOf, VerbName } from './verbs/index.ts';

export interface PoolOptions {
  readonly threads: number;
  readonly engine?: string | undefined;
  readonly limits: Limits;
  /** Milliseconds that a job has to stop in before its thread is ended, unless it says itself. Default 150. */
  readonly patienceMs?: number | undefined;
  /** Starts a thread. Default: a worker. */
  readonly start?: ((...given: ConstructorParameters<typeof Thread>) => PoolThread) | undefined;
}

/** A thread as the pool knows it. */
export type PoolThread = Pick<Thread, keyof Thread>;

export interface JobOptions {
  readonly signal?: AbortSignal | undefined;
  /** As that of the pool. */
  readonly patienceMs?: number | undefined;
}

export interface JobAnswer<H> {
  readonly head: H;
  /** The first bytes: all of them where `rest` is absent. */
  readonly bytes: Uint8Array;
  /** Each piece is made when it is asked for. Returning early stops the job. */
  readonly rest: AsyncIterableIterator<Uint8Array> | undefined;
}

interface Piece {
  readonly head: unknown;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

interface Job {
  readonly id: number;
  readonly verb: string;
  readonly input: unknown;
  readonly flag: Int32Array;
  readonly patienceMs: number;
  /** The one that has begun it. */
  thread: PoolThread | undefined;
  /** Who waits for the next piece. */
  resolve(piece: Piece): void;
  reject(error: Error): void;
}

const defaultPatienceMs = 150;
/** Of work that is done in a few tenths of a second of a core: the start of another thread takes longer. */
export const smallPatienceMs = 2000;

export class Pool {
  readonly #options: PoolOptions;
  readonly #threads: PoolThread[] = [];
  readonly #jobs = new Map<number, Job>();
  /** Jobs that want a thread, in order: any thread when they have not begun, else their own. */
  #queue: Job[] = [];
  #nextId = 1;
  #closed = false;

  private constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Throws what opening the engine in a worker throws; nothing stays open then. */
  static async open(options: PoolOptions): Promise<{ readonly pool: Pool; readonly engine: string }> {
    const pool = new Pool(options);
    try {
      const engine = await pool.#start().ready;
      return { pool, engine };
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Threads that are up. */
  get threads(): number {
    return this.#threads.length;
  }

  /** Jobs that are not done. */
  get jobs(): number {
    return this.#jobs.size;
  }

  /**
   * Does a job on one of the threads. Throws what the verb throws, AbortedError as soon as `signal` says so,
   * EnvironmentError `worker-died`.
   */
  async ask<V extends VerbName>(
    verb: V,
    input: InputOf<V>,
    { signal, patienceMs = this.#options.patienceMs ?? defaultPatienceMs }: JobOptions = {},
  ): Promise<JobAnswer<HeadOf<V>>> {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const job: Job = { id: this.#nextId++, verb, input, flag, patienceMs, thread: undefined, ...idle };
    this.#jobs.set(job.id, job);
    const onAbort = () => this.#stop(job);
    const done = () => signal?.removeEventListener('abort', onAbort);
    if (signal?.aborted) {
      this.#jobs.delete(job.id);
      throw new AbortedError();
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    const next = () =>
      new Promise<Piece>((resolve, reject) => {
        Object.assign(job, { resolve, reject });
        this.#queue.push(job);
        this.#dispatch();
      });
    try {
      const { head, bytes, last } = await next();
      if (last) done();
      const rest = last ? undefined : this.#rest(job, next, done);
      return { head: head as HeadOf<V>, bytes, rest };
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Has every thread close the store at a path, which is gone. */
  forget(path: string): void {
    for (const thread of this.#threads) thread.say({ kind: 'forget', path });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.values()) job.reject(new AbortedError());
    this.#jobs.clear();
    this.#queue = [];
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  async *#rest(job: Job, next: () => Promise<Piece>, done: () => void): AsyncGenerator<Uint8Array> {
    let whole = false;
    try {
      while (!whole) {
        if (!this.#jobs.has(job.id)) throw new AbortedError();
        const { bytes, last } = await next();
        whole = last;
        yield bytes;
      }
    } finally {
      if (!whole) this.#stop(job);
      done();
    }
  }

  /** Gives threads to those who wait, in order. */
  #dispatch(): void {
    this.#queue = this.#queue.filter((job) => {
      const thread = job.thread ?? this.#free();
      if (thread === undefined || thread.active !== undefined) return true;
      thread.active = job.id;
      if (job.thread === undefined) {
        job.thread = thread;
        const { id, verb, flag } = job;
        const { input, transfer } = packed(job.input);
        thread.say({ kind: 'job', job: id, verb, input, flag }, transfer);
      } else thread.say({ kind: 'more', job: job.id });
      return false;
    });
  }

  /** The thread with fewest resting jobs of those that compute nothing; a new one where there is none. */
  #free(): PoolThread | undefined {
    let found: PoolThread | undefined;
    for (const thread of this.#threads) {
      if (thread.active !== undefined || thread.isEnding) continue;
      if (found === undefined || this.#held(thread) < this.#held(found)) found = thread;
    }
    if (found !== undefined && this.#held(found) === 0) return found;
    return this.#threads.length < this.#options.threads ? this.#start() : found;
  }

  #held(thread: PoolThread): number {
    let held = 0;
    for (const job of this.#jobs.values()) held += Number(job.thread === thread);
    return held;
  }

  #start(): PoolThread {
    const { engine, limits, start = (...given) => new Thread(...given) } = this.#options;
    const thread: PoolThread = start(
      { engine, limits },
      {
        hear: (message) => this.#hear(thread, message),
        ended: (why) => this.#lost(thread, why),
      },
    );
    this.#threads.push(thread);
    return thread;
  }

  #hear(thread: PoolThread, message: Exclude<FromWorker, { kind: 'ready' | 'unready' }>): void {
    if (thread.active === message.job) thread.rest();
    const job = this.#jobs.get(message.job);
    if (job !== undefined) {
      if (message.kind === 'fault') {
        this.#jobs.delete(job.id);
        job.reject(revive(message.error));
      } else {
        if (message.last) this.#jobs.delete(job.id);
        const head = message.kind === 'answer' ? message.head : undefined;
        job.resolve({ head, bytes: message.bytes, last: message.last });
      }
    }
    this.#dispatch();
  }

  /** The caller is told at once; the thread is free once it has heard it, or is ended. */
  #stop(job: Job): void {
    if (!this.#jobs.delete(job.id)) return;
    this.#queue = this.#queue.filter((waiting) => waiting !== job);
    job.reject(new AbortedError());
    const { thread } = job;
    if (thread === undefined) return;
    Atomics.store(job.flag, 0, 1);
    thread.say({ kind: 'stop', job: job.id });
    if (thread.active !== job.id) return;
    void thread.endUnlessRests(job.id, job.patienceMs);
  }

  #lost(thread: PoolThread, why: string): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    for (const job of this.#jobs.values()) {
      if (job.thread !== thread) continue;
      this.#jobs.delete(job.id);
      this.#queue = this.#queue.filter((waiting) => waiting !== job);
      const message = `a worker stopped in the middle of a job (${why}); try again`;
      job.reject(new EnvironmentError('worker-died', message));
    }
    if (this.#closed) return;
    // Warm again before it is needed, where it had begun at all.
    if (thread.wasReady && this.#threads.length === 0) this.#start();
    this.#dispatch();
  }
}

/**
 * Bytes of a request go along and are not copied. A view of a part of its memory is copied first: a message would carry
 * all of the memory, other requests' bytes among it.
 */
function packed(input: unknown): { readonly input: unknown; readonly transfer: readonly ArrayBuffer[] } {
  const { bytes } = input as { bytes?: unknown };
  if (!(bytes instanceof Uint8Array)) return { input, transfer: [] };
  const own =
    bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
  return { input: { ...(input as object), bytes: own }, transfer: [own.buffer as ArrayBuffer] };
}

const idle = { resolve: () => undefined, reject: () => undefined };
