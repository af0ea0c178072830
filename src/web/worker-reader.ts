/** The page's side: a worker that reads, as an object. */
import type { SurfaceView } from '../field/surface.ts';
import type { Answer, Asks, Drawing, Opened, Opening, Question, Verb } from './messages.ts';
import { workerName } from './messages.ts';

/** What the worker refused, with the code that the library gives it. */
export class ReadingError extends Error {
  readonly code: string;
  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message);
    this.name = 'ReadingError';
    this.code = code;
  }
}

/** Functions read and drawn in a worker: the page stays free. Every method throws ReadingError. */
export class WorkerReader {
  readonly #worker: Promise<Worker>;
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  #next = 1;

  constructor() {
    this.#worker = this.#started();
  }

  open(opening: Opening): Promise<Opened> {
    return this.#ask('open', opening);
  }

  /** The function whose modulation is a weighted sum of those of others, of one model and one shape. */
  mix(of: readonly number[], weights: readonly number[]): Promise<Opened> {
    return this.#ask('mix', { of, weights });
  }

  draw(key: number, drawing: Drawing): Promise<Asks['draw']['answer']> {
    return this.#ask('draw', { key, ...drawing });
  }

  /** The surface of a shape, on a transparent ground. */
  turn(key: number, view: SurfaceView): Promise<Asks['turn']['answer']> {
    return this.#ask('turn', { key, ...view });
  }

  /** As `Func.decode`. */
  values(key: number, size?: string): Promise<Float32Array> {
    return this.#ask('values', { key, size });
  }

  modulation(key: number): Promise<Float32Array> {
    return this.#ask('modulation', { key });
  }

  async close(key: number): Promise<void> {
    await this.#ask('close', { key });
  }

  /** Ends the worker; what is asked for after that is never answered. */
  async end(): Promise<void> {
    (await this.#worker).terminate();
  }

  async #ask<V extends Verb>(verb: V, ask: Asks[V]['ask']): Promise<Asks[V]['answer']> {
    const worker = await this.#worker;
    const number = this.#next++;
    const question: Question = { number, verb, ask };
    return new Promise<Asks[V]['answer']>((resolve, reject) => {
      this.#waiting.set(number, { resolve: resolve as (answer: unknown) => void, reject });
      worker.postMessage(question);
    });
  }

  #started(): Promise<Worker> {
    return new Promise((resolve, reject) => {
      const worker = newWorker();
      worker.onerror = () => {
        const error = new ReadingError({
          code: 'worker-died',
          message: 'the worker that reads functions did not start',
        });
        reject(error);
        for (const waiting of this.#waiting.values()) waiting.reject(error);
        this.#waiting.clear();
      };
      worker.onmessage = ({ data }: MessageEvent<Answer | 'ready'>) => {
        if (data === 'ready') return resolve(worker);
        const waiting = this.#waiting.get(data.number);
        this.#waiting.delete(data.number);
        if ('fault' in data) waiting?.reject(new ReadingError(data.fault));
        else waiting?.resolve(data.answer);
      };
    });
  }
}

/** This module again, as a worker; of another origin only a module of the page's own can start one. */
function newWorker(): Worker {
  const options = { type: 'module', name: workerName } as const;
  const here = import.meta.url;
  if (new URL(here).origin === location.origin) return new Worker(here, options);
  const text = `import ${JSON.stringify(here)};`;
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  return new Worker(url, options);
}

let shared: WorkerReader | undefined;

/** The one worker of a page, started when it is first asked for. */
export function sharedReader(): WorkerReader {
  shared ??= new WorkerReader();
  return shared;
}
