/** One record for every request, written when its answer is out. What a client wrote is escaped where it is printed. */
import { hostname } from 'node:os';
import type { HttpBindings } from '@hono/node-server';
import type { MiddlewareHandler } from 'hono';
import { printable, printableJson } from '../../src/core/printable.ts';
import type { Access } from '../access/access.ts';
import type { ServerContext } from '../context.ts';
import type { RouteEntry } from '../route-table.ts';
import type { Hold } from '../traffic/budget.ts';
import type { Connection } from '../traffic/connections.ts';

export interface AccessRecord {
  readonly time: string;
  readonly id: string;
  readonly method: string;
  /** As it was sent, without the query, at most 512 characters. */
  readonly path: string;
  /** Path of the route that answered, as the OpenAPI document has it; absent: none did. */
  readonly route?: string;
  /** Public id of the key that was sent. */
  readonly key?: string;
  readonly status: number;
  readonly ms: number;
  /** Code of the problem that was answered. */
  readonly code?: string;
  /** The client went before the answer was whole. */
  readonly cut?: true;
  /** What a fault of ours was; never sent to the client. */
  readonly error?: string;
}

const mostPath = 512;

export interface Variables {
  requestId: string;
  /** What the request may do. */
  access: Access;
  /** The route that answers it; undefined: none has its path. */
  route: RouteEntry | undefined;
  /** What the request came by. */
  connection: Connection;
  /** What may be read of it. */
  intake: Pick<ServerContext, 'maxBodyBytes' | 'traffic'>;
  /** What its body takes of the bytes in memory. */
  body: Hold;
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
        path: loggedPath(incoming?.url ?? new URL(c.req.url).pathname),
        ...(c.get('route') && { route: c.get('route')!.path }),
        ...(c.get('access')?.key && { key: c.get('access').key! }),
        status,
        ms: Math.round((performance.now() - started) * 10) / 10,
        ...fault,
        ...(cut ? { cut } : {}),
      });
    };
    const { incoming, outgoing } = c.env ?? {};
    outgoing?.once('close', () => done(outgoing.statusCode, !outgoing.writableFinished));
    await next();
    if (outgoing === undefined) done(c.res.status, false);
  };
}

/** The path of a request's target, as it was sent. */
export function loggedPath(target: string): string {
  const path = target.split('?', 1)[0]!;
  return path.length <= mostPath ? path : `${path.slice(0, mostPath)}...`;
}

/** A record as one line of text. */
export function recordText({ time, method, path, status, ms, code, cut, key, error }: AccessRecord): string {
  const rest = [key && `key ${key}`, code, cut ? 'cut off' : undefined, error].filter(
    (part) => part !== undefined,
  );
  return [time, method, path, status, `${ms} ms`, ...rest].map((part) => printable(String(part))).join(' ');
}

/** The system is asked once: a name is not asked for with each request. */
const host = hostname();

/** A record as one line of JSON in the form of pino: `level` is 30 (info), 40 (a request that was refused for want of room) or 50 (a fault). */
export function recordJson({ time, error, ...record }: AccessRecord): string {
  const level = record.status === 500 ? 50 : record.status >= 500 ? 40 : 30;
  const head = { level, time: Date.parse(time), pid: process.pid, hostname: host };
  const err =
    error === undefined ? {} : { err: { type: 'Error', message: error.split('\n', 1)[0], stack: error } };
  return printableJson(JSON.stringify({ ...head, ...record, ...err, msg: 'request' }));
}
