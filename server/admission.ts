/** A bounded queue before the work: so many requests run, so many wait, the next ones are told to come back. */
import { AbortedError } from '../src/core/errors.ts';
import { HttpFault } from './problem.ts';

/** One request that was let in. */
export interface Place {
  /** Waits for its turn, then works. Throws AbortedError when the client goes away first. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** The items of `source`, each made in a turn of its own: a client that reads slowly keeps nobody waiting. */
  iterate<T>(signal: AbortSignal, source: AsyncIterable<T>): AsyncIterable<T>;
  /** Idempotent. */
  release(): void;
}

interface Waiting {
  start(): void;
  readonly signal: AbortSignal;
}

export class Admission {
  readonly #running: number;
  readonly #waiting: number;
  readonly #queue: Waiting[] = [];
  #active = 0;
  #held = 0;

  /** At most `running` at work at once, and `waiting` more that hold their bodies in memory. */
  constructor(running: number, waiting: number) {
    this.#running = running;
    this.#waiting = waiting;
  }

  /** Requests that were let in and are not done: at work, waiting, or sending their body. */
  get held(): number {
    return this.#held;
  }

  /** Lets a request in until `release`, or throws HttpFault 503 `overloaded`. Take it before reading the body. */
  enter(): Place {
    if (this.#held >= this.#running + this.#waiting) {
      throw new HttpFault(503, 'overloaded', 'too many requests are waiting; try again in a second', {
        'retry-after': '1',
      });
    }
    this.#held++;
    let released = false;
    return {
      run: (signal, work) => this.#run(signal, work),
      iterate: (signal, source) => this.#iterate(signal, source),
      release: () => {
        if (!released) this.#held--;
        released = true;
      },
    };
  }

  async #run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#active >= this.#running) await this.#turn(signal);
    else this.#active++;
    try {
      if (signal.aborted) throw new AbortedError('the client went away');
      return await work();
    } finally {
      this.#next();
    }
  }

  async *#iterate<T>(signal: AbortSignal, source: AsyncIterable<T>): AsyncIterable<T> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#run(signal, () => iterator.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** Resolves holding a place; rejects, holding none, when the client goes away first. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#queue.indexOf(waiting);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(new AbortedError('the client went away'));
      };
      const waiting: Waiting = {
        signal,
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiting);
    });
  }

  /** Hands the place to who waits longest. */
  #next(): void {
    const waiting = this.#queue.shift();
    if (waiting === undefined) this.#active--;
    else waiting.start();
  }
}
