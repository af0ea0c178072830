/**
 * Turns of the event loop for those that write long answers. The kernel takes megabytes for a client that reads
 * nothing, which is tens of milliseconds of the server's only thread; with a thousand of such clients everybody
 * else waited for all of them. So they share short turns, a piece each, and between two turns others have theirs.
 */

/** Milliseconds of a turn; what a piece takes can come on top of it. */
const turnMs = 1;
/** Milliseconds for others between two turns. */
const restMs = 1;

export class Turns {
  readonly #now: () => number;
  readonly #most: number;
  readonly #waiting: (() => boolean)[] = [];
  #due = false;

  /** `most` steps are taken in one turn, for steps that cost time only after it. */
  constructor(now: () => number = () => performance.now(), { most = Number.POSITIVE_INFINITY } = {}) {
    this.#now = now;
    this.#most = most;
  }

  /** Calls `step` in turn with the others for as long as it says that it has more to do. */
  enter(step: () => boolean): void {
    this.#waiting.push(step);
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    const until = this.#now() + turnMs;
    for (let left = this.#most; left > 0 && this.#waiting.length > 0 && this.#now() < until; left--) {
      const step = this.#waiting.shift()!;
      if (step()) this.#waiting.push(step);
    }
    this.#due = this.#waiting.length > 0;
    if (this.#due) setTimeout(() => this.#turn(), restMs);
  }
}
