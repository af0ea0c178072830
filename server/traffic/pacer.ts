/**
 * Paces refusals. Clients that retry at once would otherwise keep the event loop busy with refusing them and leave
 * nothing for the work of those that were let in; a refusal that waits costs a timer and an open socket.
 */

/** Refusals that go out in one turn of the timer, over the whole second. */
const turnsPerSecond = 20;

export class Pacer {
  readonly #perTurn: number;
  readonly #now: () => number;
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #tokens: number;
  #filledAt: number;
  #timer: NodeJS.Timeout | undefined;

  /** `perSecond` go out in a second; as many go out at once when none did for a second. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#most = perSecond;
    this.#perTurn = Math.max(1, Math.ceil(perSecond / turnsPerSecond));
    this.#tokens = perSecond;
    this.#now = now;
    this.#filledAt = now();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `go` now, or in its turn; the function returned takes it back. */
  pace(go: () => void): () => void {
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= 1) {
      this.#tokens--;
      go();
      return () => undefined;
    }
    // a function of its own, since a set keeps equal ones once
    const turn = () => go();
    this.#waiting.add(turn);
    this.#timer ??= setInterval(() => this.#turn(), 1000 / turnsPerSecond).unref();
    return () => this.#waiting.delete(turn);
  }

  /** Lets all go that wait. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  #fill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#most, this.#tokens + ((now - this.#filledAt) * this.#most) / 1000);
    this.#filledAt = now;
  }

  #turn(): void {
    this.#fill();
    let left = this.#perTurn;
    for (const go of this.#waiting) {
      if (left-- === 0 || this.#tokens < 1) break;
      this.#tokens--;
      this.#waiting.delete(go);
      go();
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
