/**
 * A bounded queue before the work: so many requests run, so many wait, the next ones are told to come back.
 *
 * A place is taken around work alone. A request first reads its body and gives its place back before its answer is
 * written, so that the speed of a client is nobody else's wait.
 */
import { AbortedError } from '../src/core/errors.ts';
import { HttpFault } from './problem.ts';

/** By the estimate of its cost: `small` is done in a fraction of a second, `large` is not. */
export type WorkClass = 'small' | 'large';

export interface AdmissionOptions {
  /** Requests at work at once, in all. */
  readonly running: number;
  /** How many of them may be large. Default: all but one, and at least one. */
  readonly runningLarge?: number;
  /** Requests that wait, in all. */
  readonly waiting: number;
  /** How many of them may be large. Default: all but a quarter. */
  readonly waitingLarge?: number;
  /** Between 0 and 1; spreads what `retry-after` says. Default: Math.random. */
  readonly random?: () => number;
}

/** One request that was let in. */
export interface Place {
  /** Waits for its turn, then works. Throws AbortedError when the client goes away first. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /**
   * The items of `source`, each made in a turn of its own: a client that reads slowly keeps nobody waiting. It may
   * be read on after `release`: what was begun is finished.
   */
  iterate<T>(signal: AbortSignal, source: AsyncIterable<T>): AsyncIterable<T>;
  /** The request no longer counts as waiting or at work. Idempotent. */
  release(): void;
}

interface Waiting {
  readonly order: number;
  start(): void;
}

const classes: readonly WorkClass[] = ['small', 'large'];

export class Admission {
  readonly #limits: Readonly<Record<WorkClass, { readonly running: number; readonly held: number }>>;
  readonly #running: number;
  readonly #mostHeld: number;
  readonly #random: () => number;
  readonly #queues: Readonly<Record<WorkClass, Waiting[]>> = { small: [], large: [] };
  readonly #active: Record<WorkClass, number> = { small: 0, large: 0 };
  readonly #held: Record<WorkClass, number> = { small: 0, large: 0 };
  #arrivals = 0;

  constructor({ running, waiting, random = Math.random, ...large }: AdmissionOptions) {
    const runningLarge = large.runningLarge ?? Math.max(1, running - 1);
    const waitingLarge = large.waitingLarge ?? waiting - Math.floor(waiting / 4);
    this.#running = running;
    this.#mostHeld = running + waiting;
    this.#limits = {
      small: { running, held: running + waiting },
      large: { running: runningLarge, held: Math.min(running + waiting, runningLarge + waitingLarge) },
    };
    this.#random = random;
  }

  /** Requests that were let in and are not done: at work or waiting. */
  get held(): number {
    return this.#held.small + this.#held.large;
  }

  /** Whether a request of a class would be refused now. */
  isFull(kind: WorkClass): boolean {
    return this.held >= this.#mostHeld || this.#held[kind] >= this.#limits[kind].held;
  }

  /** Lets a request in until `release`, or throws HttpFault 503 `overloaded`. Take it after reading the body. */
  enter({ class: kind }: { readonly class: WorkClass }): Place {
    if (this.isFull(kind)) throw overloaded(this.#random);
    this.#held[kind]++;
    let released = false;
    return {
      run: (signal, work) => this.#run(kind, signal, work),
      iterate: (signal, source) => this.#iterate(kind, signal, source),
      release: () => {
        if (!released) this.#held[kind]--;
        released = true;
      },
    };
  }

  async #run<T>(kind: WorkClass, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#queues[kind].length > 0 || !this.#mayStart(kind)) await this.#turn(kind, signal);
    else this.#active[kind]++;
    try {
      if (signal.aborted) throw new AbortedError('the client went away');
      return await work();
    } finally {
      this.#active[kind]--;
      this.#next();
    }
  }

  async *#iterate<T>(kind: WorkClass, signal: AbortSignal, source: AsyncIterable<T>): AsyncIterable<T> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#run(kind, signal, () => iterator.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  #mayStart(kind: WorkClass): boolean {
    const { small, large } = this.#active;
    return small + large < this.#running && this.#active[kind] < this.#limits[kind].running;
  }

  /** Resolves holding a place; rejects, holding none, when the client goes away first. */
  #turn(kind: WorkClass, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues[kind];
      const onAbort = () => {
        const at = queue.indexOf(waiting);
        if (at >= 0) queue.splice(at, 1);
        reject(new AbortedError('the client went away'));
      };
      const waiting: Waiting = {
        order: this.#arrivals++,
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      queue.push(waiting);
    });
  }

  /** Starts who waits longest, of those whose class may run: neither class starves the other. */
  #next(): void {
    for (;;) {
      const ready = classes.filter((kind) => this.#queues[kind].length > 0 && this.#mayStart(kind));
      ready.sort((a, b) => this.#queues[a][0]!.order - this.#queues[b][0]!.order);
      const kind = ready[0];
      if (kind === undefined) return;
      this.#active[kind]++;
      this.#queues[kind].shift()!.start();
    }
  }
}

/** What a request is told that cannot be taken now; the seconds are spread so that not all come back at once. */
export function overloaded(random: () => number = Math.random): HttpFault {
  const seconds = 1 + Math.floor(random() * 3);
  return new HttpFault(503, 'overloaded', 'too many requests are waiting; try again as retry-after says', {
    'retry-after': String(seconds),
  });
}
