/** Entropy coding and picture reading in worker threads, behind the pipeline's `Work` interface. */
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { FormatName } from '../datasets/formats.ts';
import type { Signal } from '../datasets/signal.ts';
import { EnvironmentError } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import type { Channels } from '../src/field/card.ts';
import type { Model } from '../src/field/model.ts';
import type {
  Coded,
  CodeTask,
  DecodedFunction,
  DecodeTask,
  Drawn,
  DrawTask,
  Work,
} from '../src/pipeline/work.ts';
import { overloaded } from './admission.ts';
import { type Outcome, revive } from './wire-error.ts';

export interface ReadTask {
  readonly bytes: Uint8Array;
  readonly format: FormatName;
  /** What the samples are to be: those of a model, or of a mask. */
  readonly channels: Channels | 'mask';
  readonly axes: number;
  readonly limits: Limits;
}

/** What a signal is read as for this model. */
export function takenBy({ card }: Model): Pick<ReadTask, 'axes' | 'channels'> {
  return { channels: card.channels, axes: card.spec.axes };
}

/** What a worker is asked; `model` is the path of its file, which the worker reads once. */
export type Job =
  | { readonly kind: 'code'; readonly model: string; readonly task: CodeTask }
  | { readonly kind: 'decode'; readonly model: string; readonly task: DecodeTask }
  | { readonly kind: 'draw'; readonly model: string; readonly task: DrawTask }
  | { readonly kind: 'read'; readonly task: ReadTask };

export interface PoolOptions {
  readonly threads: number;
  /** Jobs that may wait; the next one is answered with 503. */
  readonly queue: number;
}

/** A bounded pool of workers. A worker that dies takes its own job with it, and is replaced. */
export class WorkPool implements Work {
  readonly #pool: Piscina<Job, Outcome<unknown>>;
  /** Path of the file of each model, by id. */
  readonly #paths: ReadonlyMap<string, string>;

  constructor(paths: ReadonlyMap<string, string>, { threads, queue }: PoolOptions) {
    this.#paths = paths;
    const source = import.meta.url.endsWith('.ts');
    this.#pool = new Piscina({
      filename: new URL(source ? './worker.ts' : './worker.js', import.meta.url).href,
      name: 'run',
      execArgv: source ? ['--import', 'tsx'] : [],
      minThreads: 1,
      maxThreads: threads,
      maxQueue: queue,
      idleTimeout: 60_000,
    });
  }

  code(model: Model, task: CodeTask): Promise<Coded> {
    return this.#run<Coded>({ kind: 'code', model: this.#path(model), task });
  }

  decode(model: Model, task: DecodeTask): Promise<DecodedFunction> {
    return this.#run<DecodedFunction>({ kind: 'decode', model: this.#path(model), task });
  }

  draw(model: Model, task: DrawTask): Promise<Drawn> {
    return this.#run<Drawn>({ kind: 'draw', model: this.#path(model), task });
  }

  /** A signal from the bytes of a picture or an npy file. */
  read(task: ReadTask): Promise<Signal> {
    return this.#run<Signal>({ kind: 'read', task });
  }

  /** The threads that are up now. */
  get workers(): readonly Worker[] {
    return this.#pool.threads;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #run<T>(job: Job): Promise<T> {
    if (this.#pool.queueSize >= this.#pool.options.maxQueue && this.#pool.options.maxQueue > 0)
      throw overloaded();
    let outcome: Outcome<unknown>;
    try {
      outcome = await this.#pool.run(job);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (/queue/i.test(reason)) throw overloaded();
      throw new EnvironmentError(
        'worker-died',
        `a worker stopped in the middle of a job (${reason}); try again`,
        {
          cause: error,
        },
      );
    }
    if (outcome.ok) return outcome.value as T;
    throw revive(outcome.error);
  }

  #path(model: Model): string {
    const path = this.#paths.get(model.id);
    if (path === undefined)
      throw new EnvironmentError('worker-model', `no file is known of model ${model.id}`);
    return path;
  }
}
