/**
 * A bounded queue before the work: so many requests run, so many wait, the next ones are told to come back. Clients have turns (start-time fair
 * queueing, Goyal, Vin and Cheng, SIGCOMM 1996, each request of weight 1): how many requests one has waiting does not delay another's, and where no place is
 * left, who waits with most gives one up.
 *
 * A place is taken around work alone. A request first reads its body and gives its place back before its answer is
 * written, so that the speed of a client is nobody else's wait.
 */
import { AbortedError } from '../../src/core/errors.ts';
import { HttpFault } from '../http-fault.ts';

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
  readonly kind: WorkClass;
  readonly client: string;
  /** The lowest has the next turn: those of one client are 1 apart. */
  readonly turn: number;
  start(): void;
  /** Tells it to come back, and takes its place. */
  giveUp(): void;
}

interface Client {
  /** Requests that were let in and are not done. */
  held: number;
  lastTurn: number;
}

export class Admission {
  readonly #limits: Readonly<Record<WorkClass, { readonly running: number; readonly held: number }>>;
  readonly #running: number;
  readonly #mostHeld: number;
  readonly #random: () => number;
  /** In the order of arrival. */
  #waiting: Waiting[] = [];
  readonly #active: Record<WorkClass, number> = { small: 0, large: 0 };
  readonly #held: Record<WorkClass, number> = { small: 0, large: 0 };
  readonly #clients = new Map<string, Client>();
  /** Of who was started last. */
  #turn = 0;

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

  /** Whether a request of a class, of a client, would be refused now. */
  isFull(kind: WorkClass, client = anyone): boolean {
    return this.#isTaken(kind) && this.#whoGivesUp(kind, client) === undefined;
  }

  /** Lets a request in until `release`, or throws HttpFault 503 `overloaded`. Take it after reading the body. */
  enter({
    class: kind,
    client = anyone,
  }: {
    readonly class: WorkClass;
    readonly client?: string | undefined;
  }): Place {
    if (this.#isTaken(kind)) {
      const other = this.#whoGivesUp(kind, client);
      if (other === undefined) throw overloaded(this.#random);
      other.giveUp();
    }
    const own = this.#clients.get(client) ?? { held: 0, lastTurn: 0 };
    this.#clients.set(client, own);
    own.held++;
    this.#held[kind]++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      this.#held[kind]--;
      if (--own.held === 0) this.#clients.delete(client);
    };
    const run = <T>(signal: AbortSignal, work: () => Promise<T>) =>
      this.#run({ kind, client, release }, signal, work);
    return { run, iterate: (signal, source) => iterate(run, signal, source), release };
  }

  #isTaken(kind: WorkClass): boolean {
    return this.held >= this.#mostHeld || this.#held[kind] >= this.#limits[kind].held;
  }

  /** The last request of whoever waits with most, if that is at least two more than this client has; it has to make room for the class. */
  #whoGivesUp(kind: WorkClass, client: string): Waiting | undefined {
    const least = (this.#clients.get(client)?.held ?? 0) + 2;
    const classFull = this.#held[kind] >= this.#limits[kind].held;
    let found: Waiting | undefined;
    let most = least - 1;
    for (const waiting of this.#waiting) {
      if (classFull && waiting.kind !== kind) continue;
      const { held } = this.#clients.get(waiting.client)!;
      if (held > most || (held === most && found?.client === waiting.client)) [found, most] = [waiting, held];
    }
    return found;
  }

  async #run<T>(
    own: { readonly kind: WorkClass; readonly client: string; release(): void },
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const { kind } = own;
    if (this.#mayStart(kind) && !this.#waiting.some((other) => this.#mayStart(other.kind)))
      this.#active[kind]++;
    else await this.#wait(own, signal);
    try {
      if (signal.aborted) throw new AbortedError('the client went away');
      return await work();
    } finally {
      this.#active[kind]--;
      this.#next();
    }
  }

  #mayStart(kind: WorkClass): boolean {
    const { small, large } = this.#active;
    return small + large < this.#running && this.#active[kind] < this.#limits[kind].running;
  }

  /** Resolves holding a place; rejects, holding none, when the client goes away first or has to come back. */
  #wait(
    { kind, client, release }: { readonly kind: WorkClass; readonly client: string; release(): void },
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (error: Error) => {
        const at = this.#waiting.indexOf(waiting);
        if (at >= 0) this.#waiting.splice(at, 1);
        signal.removeEventListener('abort', onAbort);
        reject(error);
      };
      const onAbort = () => leave(new AbortedError('the client went away'));
      const state = this.#clients.get(client);
      const turn = Math.max(this.#turn, state?.lastTurn ?? 0) + 1;
      if (state !== undefined) state.lastTurn = turn;
      const waiting: Waiting = {
        ...{ kind, client, turn },
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        giveUp: () => {
          release();
          leave(overloaded(this.#random));
        },
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** Starts who has the next turn, of those whose class may run: neither class starves the other, nor one client another. */
  #next(): void {
    for (;;) {
      let next: Waiting | undefined;
      for (const waiting of this.#waiting)
        if ((next === undefined || waiting.turn < next.turn) && this.#mayStart(waiting.kind)) next = waiting;
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#turn = Math.max(this.#turn, next.turn);
      this.#active[next.kind]++;
      next.start();
    }
  }
}

/** Whose requests are those of nobody in particular. */
const anyone = '';

async function* iterate<T>(
  run: Place['run'],
  signal: AbortSignal,
  source: AsyncIterable<T>,
): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await run(signal, () => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** What a request is told that cannot be taken now; the seconds are spread so that not all come back at once. */
export function overloaded(random: () => number = Math.random): HttpFault {
  const seconds = 1 + Math.floor(random() * 3);
  return new HttpFault(503, 'overloaded', 'too many requests are waiting; try again as retry-after says', {
    'retry-after': String(seconds),
  });
}
