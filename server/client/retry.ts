/** When a request is sent again, and after how long: one rule for all methods of the client. */

export interface RetryOptions {
  /** How often a request is sent again at most. Default 3. */
  readonly retries?: number | undefined;
  /** Longest wait that the server may ask for, in milliseconds; beyond it the problem is thrown. Default 60 000. */
  readonly longestWaitMs?: number | undefined;
  /** Waits; default: a timer. Rejects when the signal is aborted. */
  readonly wait?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Between 0 and 1; spreads waits that nobody asked for. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

const firstWaitMs = 250;
const idempotent: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];
/** Too many requests, and no room now: waiting may mend them (RFC 9110, section 15). */
const waitedFor: readonly number[] = [408, 429, 502, 503, 504];

export class Retries {
  readonly #options: RetryOptions;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /**
   * Sends a request until it is answered otherwise than by a wait: one of a method that may be repeated (RFC 9110, section 9.2.2), or one with
   * an Idempotency-Key. The last answer, whatever it is. Throws what `send` throws, at the last try.
   */
  async send(init: RequestInit, send: () => Promise<Response>): Promise<Response> {
    const { retries = 3, longestWaitMs = 60_000 } = this.#options;
    const most = mayRepeat(init) ? retries : 0;
    const signal = init.signal ?? undefined;
    for (let tried = 0; ; tried++) {
      let asked: number | undefined;
      try {
        const response = await send();
        if (!waitedFor.includes(response.status) || tried >= most) return response;
        asked = waitOf(response.headers.get('retry-after'));
        if ((asked ?? 0) > longestWaitMs) return response;
        await response.body?.cancel();
      } catch (error) {
        if (tried >= most || signal?.aborted) throw error;
      }
      await this.wait(tried, signal, asked);
    }
  }

  /** Waits before try `tried + 1`: so long as was asked, else twice as long each time, spread. Rejects when the signal is aborted. */
  wait(tried: number, signal: AbortSignal | undefined, askedMs?: number): Promise<void> {
    const { wait = timer, random = Math.random } = this.#options;
    return wait(askedMs ?? firstWaitMs * 2 ** tried * (0.5 + random()), signal);
  }
}

/** A body that is read as it is sent can be sent once. */
function mayRepeat({ method = 'GET', headers, body }: RequestInit): boolean {
  if (body instanceof ReadableStream) return false;
  return idempotent.includes(method) || new Headers(headers).has('idempotency-key');
}

/** Milliseconds of a Retry-After, which is a number of seconds or a date. */
function waitOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return 1000 * Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(waiting);
      reject(signal!.reason);
    };
    const waiting = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
