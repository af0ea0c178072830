/** Tagged errors between threads: a structured clone keeps the message of an error and drops its fields. */
import { type ErrorKind, FunctaError } from '../src/core/errors.ts';

export interface PlainError {
  /** Absent: not a tagged error. */
  readonly kind?: ErrorKind;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly fields?: Readonly<Record<string, string | number>>;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: PlainError };

/** Fields that problem details pass on. */
const carried = ['at', 'limit', 'asked', 'allowed', 'status'] as const;

export function flatten(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error) };
  if (!(error instanceof FunctaError)) return { message: error.message, stack: error.stack };
  const own = error as unknown as Record<string, string | number | undefined>;
  const fields = Object.fromEntries(
    carried.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]]])),
  );
  return { kind: error.kind, code: error.code, message: error.message, fields };
}

export function revive(plain: PlainError): Error {
  if (plain.kind === undefined || plain.code === undefined) {
    const error = new Error(plain.message);
    if (plain.stack !== undefined) error.stack = plain.stack;
    return error;
  }
  return Object.assign(new FunctaError(plain.kind, plain.code, plain.message), plain.fields);
}
