/** Who asks, for how long, and what says that nobody waits for the answer any more. */
import type { Context } from 'hono';
import { HttpFault } from './http-fault.ts';
import type { ServerEnv } from './operations/log.ts';

export interface Asker {
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** Whose turn it takes: that of its key or, without one, of its address. */
  readonly client?: string | undefined;
  /** Milliseconds that it waits for work at most. */
  readonly withinMs?: number | undefined;
}

/** Longer waits are no deadline: so many seconds are more than any timer takes. */
const mostSeconds = 86_400;

/** Of a request: `prefer: wait=SECONDS` (RFC 7240, section 4.3) is its deadline. */
export function askerOf<E extends ServerEnv>(c: Context<E>): Asker {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(
    c.req.header('prefer') ?? '',
  )?.[1];
  return {
    signal: c.req.raw.signal,
    client: c.get('access')?.key ?? c.get('connection').client,
    withinMs: seconds === undefined || Number(seconds) > mostSeconds ? undefined : 1000 * Number(seconds),
  };
}

/** Runs `work` with what stops it when its asker leaves or its deadline is met. Throws HttpFault 504 `deadline`, and what `work` throws. */
export async function untilDeadline<T>(
  { signal, withinMs }: Asker,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (withinMs === undefined) return work(signal);
  const late = new AbortController();
  const leave = () => late.abort();
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });
  let isLate = false;
  const expire = () => {
    isLate = true;
    late.abort();
  };
  if (withinMs === 0) expire();
  const timer = setTimeout(expire, withinMs);
  try {
    return await work(late.signal);
  } catch (error) {
    if (!isLate || signal.aborted) throw error;
    const message = `not done within the ${withinMs / 1000} s that prefer: wait allows; wait longer, or ask for less`;
    throw new HttpFault(504, 'deadline', message);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}
