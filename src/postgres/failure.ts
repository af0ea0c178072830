/** What a database, or the way to it, said no to, as errors of the library. */
import { EnvironmentError, FunctaError, NotFoundError } from '../core/errors.ts';

/** Classes and codes of SQLSTATE (PostgreSQL 15, appendix A). */
const denied = ['28000', '28P01', '42501'];
/** Of a standby. */
export const readOnly = '25006';
const duplicate = '23505';
const noTable = '42P01';
const noDatabase = '3D000';
const full = ['53100', '54000'];
const damaged = ['XX001', 'XX002'];
/** Two transactions in each other's way: the same again is right. */
const again = ['40001', '40P01'];
/** Going down, crashed, coming up, too many connections; and all of class 08. */
const away = ['57P01', '57P02', '57P03', '57P05', '53300'];
/** Of the operating system, on the way to the database. */
const network = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);
/** The driver says these without a code. */
const lostWords =
  /^(Connection terminated|Client has encountered a connection error|timeout e(xceeded|xpired)|The server does not support SSL)/i;

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** An id is there already. */
export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === duplicate;
}

/** The connection is of no use any more, or there was none. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error);
  if (away.includes(code) || /^08/.test(code) || network.has(code)) return true;
  return error instanceof Error && lostWords.test(error.message);
}

/** The same again may be right: on another connection, on another host, or after another transaction. */
export function mayPass(error: unknown): boolean {
  return isAway(error) || [readOnly, ...again].includes(codeOf(error));
}

/** `name`: of the store, without a password. A FunctaError passes. */
export function failure(name: string, cause: unknown): FunctaError {
  if (cause instanceof FunctaError) return cause;
  const code = codeOf(cause);
  const said = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  const of = (kind: ConstructorParameters<typeof EnvironmentError>[0], message: string) =>
    new EnvironmentError(kind, message, { cause });
  if (denied.includes(code))
    return of(
      'store-denied',
      `${name} lets nobody in with this user and password, or not to do this: ${said}`,
    );
  if (code === noDatabase) return of('store-unreachable', `${name}: ${said}; make it with createdb`);
  if (code === readOnly)
    return of(
      'store-read-only',
      `${name} is a standby, or was set to be read only; give the address of the primary, or several hosts`,
    );
  if (isAway(cause))
    return of(
      'store-unreachable',
      `${name} is not to be reached: ${said || code}; look whether it runs, then ask again`,
    );
  if (code === noTable)
    return new NotFoundError(
      'functaset-missing',
      `${name}: the functaset was taken away, or was never there`,
    );
  if (full.includes(code))
    return of(
      'disk-full',
      `no room to write in ${name}: nothing of this call was written; free some and put it again`,
    );
  if (damaged.includes(code))
    return of('functaset-damaged', `${name} is damaged: ${said}; restore it from a backup`);
  return of('store-failed', `${name}: ${said}${code === '' ? '' : ` [${code}]`}`);
}
