/** Bytes of bodies and answers that are in memory, counted over all requests and for each client. */
import { overloaded } from './admission.ts';

/** What one body or one answer takes. */
export interface Hold {
  /** Throws HttpFault 503 `overloaded` when there is no room, and none could be made. */
  add(bytes: number): void;
  /** Idempotent. */
  release(): void;
}

export class ByteBudget {
  readonly #total: number;
  readonly #perClient: number;
  readonly #makeRoom: (client: string | undefined) => boolean;
  readonly #clients = new Map<string, number>();
  #held = 0;

  /**
   * `makeRoom` cuts who holds bytes and does not move them, of one client or of any, and says whether it found one;
   * what that one held must be released when it returns.
   */
  constructor(
    { total, share }: { readonly total: number; readonly share: number },
    makeRoom: (client: string | undefined) => boolean,
  ) {
    this.#total = total;
    this.#perClient = total * share;
    this.#makeRoom = makeRoom;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  hold(client: string): Hold {
    let own = 0;
    let released = false;
    return {
      add: (bytes) => {
        if (released) return;
        while ((this.#clients.get(client) ?? 0) + bytes > this.#perClient) {
          if (bytes > this.#perClient || !this.#makeRoom(client)) throw overloaded();
        }
        while (this.#held + bytes > this.#total) {
          if (!this.#makeRoom(undefined)) throw overloaded();
        }
        // making room may have cut this very one
        if (released) throw overloaded();
        own += bytes;
        this.#count(client, bytes);
      },
      release: () => {
        if (!released) this.#count(client, -own);
        released = true;
      },
    };
  }

  #count(client: string, bytes: number): void {
    this.#held += bytes;
    const now = (this.#clients.get(client) ?? 0) + bytes;
    if (now > 0) this.#clients.set(client, now);
    else this.#clients.delete(client);
  }
}
