/** Long work in pieces: between them the event loop turns, so that signals and timers are heard, and the work can be stopped. */
import { AbortedError } from './errors.ts';

/** Longest time, in milliseconds, that paced work keeps the event loop. */
const turnMs = 20;

export class Pace {
  readonly #signal: AbortSignal | undefined;
  readonly #now: () => number;
  #last: number;

  constructor(signal?: AbortSignal | undefined, now: () => number = () => performance.now()) {
    this.#signal = signal;
    this.#now = now;
    this.#last = now();
  }

  /** Whether it is time to `await turn()`: cheap enough for every thousandth of a millisecond of work. */
  get due(): boolean {
    return this.#signal?.aborted === true || this.#now() - this.#last >= turnMs;
  }

  /** Lets the event loop turn where it is time. Throws AbortedError when the work is to stop. */
  async turn(): Promise<void> {
    if (!this.due) return;
    if (!this.#signal?.aborted) await nextTurn();
    if (this.#signal?.aborted) throw new AbortedError();
    this.#last = this.#now();
  }
}

/** Behind what the event loop has waiting. */
function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
