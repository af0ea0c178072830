/** Tagged errors between threads: a structured clone keeps the message of an error and drops its fields. */
import type { ErrorCode } from '../src/core/error-codes.ts';
import { AbortedError, type ErrorKind, FunctaError } from '../src/core/errors.ts';
import { diskFailure } from '../src/disk/failure.ts';
import { HttpFault } from './http-fault.ts';

export interface PlainError {
  /** Absent: not a tagged error. */
  readonly kind?: ErrorKind;
  readonly code?: ErrorCode;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly fields?: Readonly<Record<string, string | number>>;
  /** Of a fault of the request as HTTP. */
  readonly http?: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
}

/** Fields that problem details pass on. */
const carried = ['at', 'limit', 'asked', 'allowed'] as const;

export function flatten(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error) };
  if (!(error instanceof FunctaError)) {
    const ofDisk = diskFailure(error);
    return ofDisk === undefined ? { message: error.message, stack: error.stack } : flatten(ofDisk);
  }
  const own = error as unknown as Record<string, string | number | undefined>;
  const fields = Object.fromEntries(
    carried.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]]])),
  );
  const { kind, code, message } = error;
  if (!(error instanceof HttpFault)) return { kind, code, message, fields };
  const { status, headers } = error;
  return { kind, code, message, fields, http: { status, headers } };
}

export function revive({ kind, code, message, stack, fields, http }: PlainError): Error {
  if (kind === undefined || code === undefined) {
    const error = new Error(message);
    if (stack !== undefined) error.stack = stack;
    return error;
  }
  if (http !== undefined) return new HttpFault(http.status, code, message, http.headers);
  if (kind === 'aborted') return new AbortedError(message);
  return Object.assign(new FunctaError(kind, code, message), fields);
}
