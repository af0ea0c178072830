import type { ErrorCode } from '../src/core/error-codes.ts';
import { FunctaError } from '../src/core/errors.ts';

/** A fault of the request as HTTP, not of what it carries. */
export class HttpFault extends FunctaError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(status >= 500 ? 'environment' : 'input', code, message);
    this.status = status;
    this.headers = headers;
  }
}
