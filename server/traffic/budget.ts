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
  readonly #free: number;
  readonly #makeRoom: (client: string | undefined) => boolean;
  readonly #clients = new Map<string, number>();
  #held = 0;

  /**
   * `makeRoom` cuts who holds bytes and does not move them, of one client or of any, and says whether it found one;
   * what that one held must be released when it returns. The first `free` bytes of each hold are not counted.
   */
  constructor(
    { total, share, free = 0 }: { readonly total: number; readonly share: number; readonly free?: number },
    makeRoom: (client: string | undefined) => boolean,
  ) {
    this.#total = total;
    this.#perClient = total * share;
    this.#free = free;
    this.#makeRoom = makeRoom;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** Whether there is room for so many bytes of a client, or could be made. */
  hasRoom(client: string, bytes: number): boolean {
    while ((this.#clients.get(client) ?? 0) + bytes > this.#perClient) {
      if (bytes > this.#perClient || !this.#makeRoom(client)) return false;
    }
    while (this.#held + bytes > this.#total) {
      if (!this.#makeRoom(undefined)) return false;
    }
    return true;
  }

  hold(client: string): Hold {
    let own = 0;
    let free = this.#free;
    let released = false;
    return {
      add: (bytes) => {
        if (released) return;
        const counted = Math.max(0, bytes - free);
        free = Math.max(0, free - bytes);
        if (counted === 0) return;
        if (!this.hasRoom(client, counted)) throw overloaded();
        // making room may have cut this very one
        if (released) throw overloaded();
        own += counted;
        this.#count(client, counted);
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
