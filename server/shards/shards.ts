/** The shards, as the server's thread sees them: one thread that asks them all, started when it is first needed. */
import type { Worker } from 'node:worker_threads';
import { AbortedError, EnvironmentError } from '../../src/core/errors.ts';
import { Questions } from '../questions.ts';
import { spawnWorker } from '../work/spawn.ts';
import type { FromShards, ShardsAnswer, ShardsQuestion, ShardsSetup, ToShards } from './messages.ts';

export class Shards {
  readonly #setup: ShardsSetup;
  readonly #questions = new Questions<ShardsAnswer>();
  #worker: Worker | undefined;

  constructor(setup: ShardsSetup) {
    this.#setup = setup;
  }

  /**
   * The answer of all shards that can be had. Throws what they say of the question, HttpFault 503 `shards-missing` where none can be had,
   * AbortedError, EnvironmentError `worker-died`.
   */
  ask(question: ShardsQuestion, signal: AbortSignal): Promise<ShardsAnswer> {
    if (signal.aborted) return Promise.reject(new AbortedError());
    this.#worker ??= this.#start();
    let stop = () => {};
    return this.#questions
      .ask((job) => {
        stop = () => this.#say({ job, kind: 'stop' });
        signal.addEventListener('abort', stop, { once: true });
        this.#say({ job, kind: 'ask', question });
      })
      .finally(() => signal.removeEventListener('abort', stop));
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    this.#say({ job: 0, kind: 'close' });
    await ended;
  }

  #say(message: ToShards): void {
    this.#worker?.postMessage(message);
  }

  #start(): Worker {
    const worker = spawnWorker('server/shards/worker', this.#setup);
    let why = 'it ended';
    worker.on('message', (answer: FromShards) => this.#questions.answered(answer));
    worker.on('error', (error) => {
      why = error.message.split('\n', 1)[0]!;
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      const message = `the thread that asks shards stopped (${why}); ask again`;
      this.#questions.lost(new EnvironmentError('worker-died', message));
    });
    return worker;
  }
}
