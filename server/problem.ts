/** Errors on the wire: problem details (RFC 9457) with a stable `code`. */

import { z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { type BadStreamError, type ErrorKind, FunctaError, type LimitError } from '../src/core/errors.ts';
import { HttpFault } from './http-fault.ts';
import { withoutPaths } from './without-paths.ts';

export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().openapi({ example: 'Unprocessable Content' }),
    status: z.number().int(),
    code: z.string().openapi({ description: 'Stable and machine-readable.', example: 'truncated' }),
    detail: z.string().openapi({ description: 'What happened and what to do, in one line.' }),
    requestId: z.string(),
    at: z.number().int().optional().openapi({ description: 'Offset of the fault in the body.' }),
    limit: z.string().optional(),
    asked: z.number().optional(),
    allowed: z.number().optional(),
  })
  .openapi('Problem');

export type Problem = z.infer<typeof problemSchema>;

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  507: 'Insufficient Storage',
};

const statusOfKind = {
  stream: 422,
  input: 422,
  limit: 413,
  notFound: 404,
  conflict: 409,
  aborted: 499,
  environment: 503,
  bug: 500,
} as const satisfies Record<ErrorKind, number>;

/** Of what waiting does not mend. */
const statusOfCode: Readonly<Record<string, number>> = {
  'disk-full': 507,
  'function-damaged': 500,
  'functaset-damaged': 500,
};

/** The answer to an error. An error that is not tagged is ours: its message stays in the log. */
export function problemResponse(error: unknown, requestId: string): Response {
  const { status, body, headers } = problemOf(error, requestId);
  return new Response(body, { status, headers });
}

/** The same in parts, for whoever writes to a socket. */
export function problemOf(
  error: unknown,
  requestId: string,
): { readonly status: number; readonly body: string; readonly headers: Readonly<Record<string, string>> } {
  const { problem, headers } = describe(error, requestId);
  const body = `${JSON.stringify(problem)}\n`;
  return {
    status: problem.status,
    body,
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      ...headers,
    },
  };
}

/** The code that an error has on the wire. */
export function codeOf(error: unknown): string {
  if (error instanceof FunctaError) return error.code;
  if (error instanceof HTTPException) return httpExceptionCode(error);
  return 'bug';
}

function describe(error: unknown, requestId: string): { problem: Problem; headers: Record<string, string> } {
  const make = (status: number, code: string, detail: string, more: Partial<Problem> = {}): Problem => ({
    type: 'about:blank',
    title: titles[status] ?? 'Error',
    status,
    code,
    detail: withoutPaths(detail),
    requestId,
    ...more,
  });
  if (error instanceof HttpFault) {
    return { problem: make(error.status, error.code, error.message), headers: { ...error.headers } };
  }
  if (error instanceof FunctaError) {
    const status = statusOfCode[error.code] ?? statusOfKind[error.kind];
    const problem = make(status, error.code, error.message, fields(error));
    return { problem, headers: status === 503 ? { 'retry-after': '1' } : {} };
  }
  if (error instanceof HTTPException) {
    return { problem: make(error.status, httpExceptionCode(error), error.message), headers: {} };
  }
  const detail = 'an unexpected fault of the server; report it with this request id';
  return { problem: make(500, 'bug', detail), headers: {} };
}

/** By name, not by class: errors of workers come as plain FunctaErrors with the same fields. */
function fields(error: FunctaError): Partial<Problem> {
  const { at, limit, asked, allowed } = error as Partial<Pick<BadStreamError, 'at'> & LimitError>;
  return {
    ...(at === undefined ? {} : { at }),
    ...(limit === undefined ? {} : { limit }),
    ...(asked === undefined ? {} : { asked: finite(asked) }),
    ...(allowed === undefined ? {} : { allowed }),
  };
}

/** JSON has no infinity. */
function finite(n: number): number {
  return Number.isFinite(n) ? n : Number.MAX_VALUE;
}

function httpExceptionCode(error: HTTPException): string {
  return error.status === 400 ? 'malformed-json' : `http-${error.status}`;
}
