/** Pages of other sites that may use the service from a browser (CORS), where the operator names them. */
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { ServerEnv } from '../operations/log.ts';

/** What a page may send beside what browsers send anyway. */
const requestHeaders = [
  'accept',
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'prefer',
  'range',
  'x-request-id',
];

/** What a page may read of an answer beside its body. */
const answerHeaders = [
  'accept-ranges',
  'content-range',
  'etag',
  'functa-bits-per-point',
  'functa-bytes',
  'functa-max-error',
  'functa-notes',
  'functa-observed-psnr-db',
  'functa-prior',
  'functa-psnr-db',
  'functa-quality',
  'functa-rmse',
  'functa-seconds',
  'functa-surprise',
  'link',
  'location',
  'retry-after',
  'x-request-id',
];

/** Seconds for which a browser need not ask again. */
const maxAge = 600;

/** `origins`: as browsers send them, `https://host` or `https://host:port`. No cookie is ever looked at, so none is asked for. */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler<ServerEnv> {
  return cors({
    origin: [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: requestHeaders,
    exposeHeaders: answerHeaders,
    maxAge,
  });
}
