/** One line of JSON for every request, written when its answer is out. */
import type { HttpBindings } from '@hono/node-server';
import type { MiddlewareHandler } from 'hono';

export interface AccessRecord {
  readonly time: string;
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  /** Code of the problem that was answered. */
  readonly code?: string;
  /** The client went before the answer was whole. */
  readonly cut?: true;
  /** What a fault of ours was; never sent to the client. */
  readonly error?: string;
}

export interface Variables {
  requestId: string;
  /** Set by the error handler for the log. */
  fault?: { readonly code: string; readonly error?: string };
}

export interface ServerEnv {
  Bindings: Partial<HttpBindings>;
  Variables: Variables;
}

/** Calls `write` with the record of a request once its answer was sent, or could not be. */
export function accessLog(
  write: (record: AccessRecord) => void,
  now: () => Date,
): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const started = performance.now();
    const done = (status: number, cut: boolean) => {
      const fault = c.get('fault');
      write({
        time: now().toISOString(),
        id: c.get('requestId'),
        method: c.req.method,
        path: c.req.path,
        status,
        ms: Math.round((performance.now() - started) * 10) / 10,
        ...fault,
        ...(cut ? { cut } : {}),
      });
    };
    const outgoing = c.env?.outgoing;
    outgoing?.once('close', () => done(outgoing.statusCode, !outgoing.writableFinished));
    await next();
    if (outgoing === undefined) done(c.res.status, false);
  };
}
