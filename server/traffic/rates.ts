/** How often one key, or one address without a key, may ask: a bucket of tokens for each, filled at a steady rate. */
import { HttpFault } from '../http-fault.ts';

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Buckets that are kept, at most; of more, the one asked for longest ago is dropped, which is most likely full again. */
const mostBuckets = 10_000;

export class Rates {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #now: () => number;
  /** The one asked for longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  /** `perSecond` requests, as many of them at once; 0: any number. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#most = Math.max(1, perSecond);
    this.#now = now;
  }

  /** Counts a request. Throws HttpFault 429 `too-many-requests`. */
  take(who: string): void {
    if (this.#perSecond <= 0) return;
    const now = this.#now();
    const bucket = this.#filled(who, now);
    // to the end of the order
    this.#buckets.delete(who);
    this.#buckets.set(who, bucket);
    if (this.#buckets.size > mostBuckets) this.#drop();
    if (bucket.tokens < 1) {
      const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perSecond));
      throw new HttpFault(
        429,
        'too-many-requests',
        `at most ${this.#perSecond} requests a second are taken of one key or client; try again as retry-after says`,
        { 'retry-after': String(seconds) },
      );
    }
    bucket.tokens--;
  }

  #filled(who: string, now: number): Bucket {
    const known = this.#buckets.get(who);
    if (known === undefined) return { tokens: this.#most, filledAt: now };
    const tokens = known.tokens + ((now - known.filledAt) * this.#perSecond) / 1000;
    return { tokens: Math.min(this.#most, tokens), filledAt: now };
  }

  #drop(): void {
    const [first] = this.#buckets.keys();
    if (first !== undefined) this.#buckets.delete(first);
  }
}
