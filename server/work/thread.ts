/** One worker, as the pool sees it. */
import type { Worker } from 'node:worker_threads';
import { EnvironmentError } from '../../src/core/errors.ts';
import { newLatch, releaseLatch, takeLatch } from '../../src/core/unbroken.ts';
import { revive } from '../wire-error.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { spawnWorker } from './spawn.ts';

export interface ThreadEvents {
  hear(message: Exclude<FromWorker, { kind: 'ready' | 'unready' }>): void;
  /** Once, after the last message. */
  ended(why: string): void;
}

export class Thread {
  /** Rejects where the worker cannot start, with what opening the engine throws. */
  readonly ready: Promise<string>;
  readonly #worker: Worker;
  readonly #latch = newLatch();
  /** The job that computes, or has not said yet that it does not. */
  active: number | undefined;
  #wasReady = false;
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(setup: Omit<WorkerSetup, 'latch'>, { hear, ended }: ThreadEvents) {
    this.#worker = spawnWorker('server/work/worker', { ...setup, latch: this.#latch });
    let why = 'it ended';
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          this.#wasReady = true;
          resolve(message.engine);
        } else if (message.kind === 'unready') {
          why = message.error.message;
          reject(revive(message.error));
          void this.end();
        } else hear(message);
      });
      this.#worker.on('error', (error) => {
        why = error.message.split('\n', 1)[0]!;
      });
      this.#worker.on('exit', () => {
        clearTimeout(this.#timer);
        releaseLatch(this.#latch);
        reject(new EnvironmentError('worker-died', `a worker could not start: ${why}`));
        ended(why);
      });
    });
    // Who waits for it hears of it; nobody else has to.
    this.ready.catch(() => undefined);
  }

  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** It is about to be gone: a job that it was given now would go with it. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** `transfer`: memory that the message takes along. */
  say(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** No job computes. */
  rest(): void {
    this.active = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the thread unless this job rests within so many milliseconds; a thread that still starts has computed nothing. */
  async endUnlessRests(job: number, patienceMs: number): Promise<void> {
    await this.ready.catch(() => undefined);
    if (this.active === job) this.#timer ??= setTimeout(() => void this.end(), patienceMs);
  }

  /** Waits for native calls that must not be cut off. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await takeLatch(this.#latch);
    await this.#worker.terminate();
  }
}
