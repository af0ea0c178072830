/** What the system says of a disk, as errors of the library. */
import { EnvironmentError, FunctaError } from '../core/errors.ts';

const full = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG']);
const denied = new Set<unknown>(['EROFS', 'EACCES', 'EPERM']);

/** What a failed write to `path` is called; an error that has a code of ours stays. */
export function writeFailure(path: string, error: unknown): FunctaError {
  if (error instanceof FunctaError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  if (full.has(code))
    return new EnvironmentError(
      'disk-full',
      `no room for ${path}; free some, or choose another disk`,
      options,
    );
  return new EnvironmentError('cannot-write', `${path} cannot be written: ${message}`, options);
}

/** What is no fault of the program: a full disk, or a place that may not be used. Undefined for other errors. */
export function diskFailure(error: unknown): EnvironmentError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? '' : `${path}: `;
  const options = { cause: error };
  if (full.has(code))
    return new EnvironmentError(
      'disk-full',
      `${where}the disk is full; free some space and try again`,
      options,
    );
  if (!denied.has(code)) return undefined;
  return new EnvironmentError('no-permission', `${where}not permitted (${code}); check who owns it`, options);
}
