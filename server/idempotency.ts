/** `idempotency-key`: a name that a client gives a request, so that it may be sent again (RFC draft "The Idempotency-Key HTTP Header Field"). */
import { BadInputError } from '../src/core/errors.ts';
import { HttpFault } from './http-fault.ts';

const mostKey = 255;

/** Throws BadInputError `idempotency-key`. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header.length >= 1 && header.length <= mostKey && /^[\x21-\x7e]+$/.test(header)) return header;
  throw new BadInputError(
    'idempotency-key',
    `an idempotency-key has 1 to ${mostKey} visible ASCII characters`,
  );
}

/** HttpFault 422, section 2.7 of the draft. */
export function idempotencyMismatch(): HttpFault {
  return new HttpFault(
    422,
    'idempotency-mismatch',
    'this idempotency-key was sent with another request before; give each request a key of its own',
  );
}
