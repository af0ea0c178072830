/**
 * The writer, as the server's thread sees it: one thread, started with a home or when something is first written, that owns every store that is open
 * to be written (docs/adr/0041). What it was given it does, whether or not the client waits for it.
 */
import type { Worker } from 'node:worker_threads';
import { EnvironmentError } from '../../src/core/errors.ts';
import { newLatch, releaseLatch } from '../../src/core/unbroken.ts';
import type { FunctasetNetwork } from '../../src/functaset/index.ts';
import { Questions } from '../questions.ts';
import { overloaded } from '../traffic/admission.ts';
import { spawnWorker } from '../work/spawn.ts';
import type { FromWriter, OutcomeOf, ToWriter, WriteRequest, WriterSetup } from './messages.ts';
import type { SharedFunctaset, ShareSetup } from './shared.ts';

export interface WriterOptions {
  /** Default 30 000. */
  readonly idleMs?: number | undefined;
  /** Requests that are not answered yet; the next ones are told to come back. Default 4096. */
  readonly waiting?: number | undefined;
  /** A database that is written to, and where its replicas stand. */
  readonly share?: ShareSetup | undefined;
}

type Asked<M = ToWriter> = M extends ToWriter ? Omit<M, 'job'> : never;

export class Writer {
  readonly #options: WriterOptions;
  readonly #questions = new Questions<unknown>();
  #worker: Worker | undefined;
  #latch = newLatch();
  #died = false;
  #closed = false;
  #changed: (all: readonly SharedFunctaset[]) => void = () => undefined;

  constructor(options: WriterOptions = {}) {
    this.#options = options;
  }

  /** Has the thread up before it is needed: starting one holds the thread that starts it for a while. */
  warm(): void {
    this.#worker ??= this.#start();
  }

  /** Jobs that are not done. */
  get jobs(): number {
    return this.#questions.size;
  }

  /** Resolves when it is on the disk. Throws as `Stores.write`, EnvironmentError `worker-died`, HttpFault 503 `overloaded`. */
  write<R extends WriteRequest>(path: string, request: R): Promise<OutcomeOf<R>> {
    return this.#ask({ kind: 'write', path, request }) as Promise<OutcomeOf<R>>;
  }

  /** Whether it was made. */
  create(path: string, network: FunctasetNetwork): Promise<boolean> {
    return this.#ask({ kind: 'create', path, network }) as Promise<boolean>;
  }

  /** Gives the functaset in the directory `made` the name `path`; done again after it was done, it is nothing. Throws as `placeDirectory`. */
  async adopt(made: string, path: string): Promise<void> {
    await this.#ask({ kind: 'adopt', made, path });
  }

  /**
   * The functasets of the database, once their replicas have all that was there; and then, each time that they are others, all of them.
   * Throws what opening the database throws.
   */
  async follow(changed: (all: readonly SharedFunctaset[]) => void): Promise<readonly SharedFunctaset[]> {
    this.#changed = changed;
    return (await this.#ask({ kind: 'shared' })) as readonly SharedFunctaset[];
  }

  async drop(path: string): Promise<void> {
    await this.#ask({ kind: 'drop', path });
  }

  /** Does what it was given, closes all stores and ends the thread. */
  async close(): Promise<void> {
    if (!this.#closed && this.#worker !== undefined) {
      const ended = new Promise((resolve) => this.#worker!.once('exit', resolve));
      await this.#ask({ kind: 'close' });
      this.#closed = true;
      await ended;
    }
    this.#closed = true;
  }

  #ask(asked: Asked): Promise<unknown> {
    if (this.#closed)
      throw new EnvironmentError('writer-closed', 'the server is going down; write again when it is up');
    if (this.#questions.size >= (this.#options.waiting ?? 4096)) throw overloaded();
    this.#worker ??= this.#start();
    return this.#questions.ask((job) => this.#worker!.postMessage({ ...asked, job } as ToWriter));
  }

  #start(): Worker {
    this.#latch = newLatch();
    const { idleMs = 30_000, share } = this.#options;
    const setup: WriterSetup = { heir: this.#died, idleMs, share, latch: this.#latch };
    const worker = spawnWorker('server/writer/worker', setup);
    let why = 'it ended';
    worker.on('message', (answer: FromWriter) => {
      if ('shared' in answer) return this.#changed(answer.shared);
      this.#questions.answered(answer);
    });
    worker.on('error', (error) => {
      why = error.message.split('\n', 1)[0]!;
    });
    worker.on('exit', () => {
      releaseLatch(this.#latch);
      this.#worker = undefined;
      this.#died = true;
      const message = `the writer stopped (${why}); look whether it was written, and write again`;
      this.#questions.lost(new EnvironmentError('worker-died', message));
      // replicas follow whether or not anybody writes
      if (share !== undefined && !this.#closed) this.warm();
    });
    return worker;
  }
}
