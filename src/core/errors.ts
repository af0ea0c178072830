import type { ErrorCode } from './error-codes.ts';

/**
 * One error per kind of fault. Every error the library throws on purpose is a FunctaError; its `kind` decides
 * the exit code of the command line and the status of the server.
 */
export type ErrorKind =
  | 'stream'
  | 'input'
  | 'limit'
  | 'notFound'
  | 'conflict'
  | 'aborted'
  | 'environment'
  | 'bug';

export class FunctaError extends Error {
  readonly kind: ErrorKind;
  /** Stable, machine-readable, kebab-case: part of the interface. */
  readonly code: ErrorCode;
  constructor(kind: ErrorKind, code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.kind = kind;
    this.code = code;
  }
}

/** The bytes are not what their format says. `at` is the offset of the fault. */
export class BadStreamError extends FunctaError {
  readonly at: number;
  constructor(code: ErrorCode, at: number, message: string) {
    super('stream', code, `${message} (at byte ${at})`);
    this.at = at;
  }
}

/** A value, option or signal from the caller is wrong. */
export class BadInputError extends FunctaError {
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super('input', code, message, options);
  }
}

/** The request is well formed, and larger than what was allowed. */
export class LimitError extends FunctaError {
  readonly limit: string;
  readonly allowed: number;
  readonly asked: number;
  constructor(limit: string, allowed: number, asked: number, hint: string) {
    super('limit', `limit-${limit}`, `${limit}: ${asked} asked, ${allowed} allowed; ${hint}`);
    this.limit = limit;
    this.allowed = allowed;
    this.asked = asked;
  }
}

/** The caller names something that is not there. */
export class NotFoundError extends FunctaError {
  constructor(code: ErrorCode, message: string) {
    super('notFound', code, message);
  }
}

/** The caller's reference is to a thing in another state: another model, a store that is open elsewhere. */
export class ConflictError extends FunctaError {
  constructor(code: ErrorCode, message: string) {
    super('conflict', code, message);
  }
}

/** The caller asked to stop. */
export class AbortedError extends FunctaError {
  constructor(message = 'stopped on request') {
    super('aborted', 'aborted', message);
  }
}

/** The machine said no: disk full, no compiler, a worker that died. */
export class EnvironmentError extends FunctaError {
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super('environment', code, message, options);
  }
}

/** Ours. */
export class BugError extends FunctaError {
  constructor(message: string) {
    super('bug', 'bug', `${message}; this is a fault of functa, please report it`);
  }
}
