/** Names that are given to things over HTTP, and stand for files: the same on every file system, and no way out of a directory. */
import { BadInputError } from '../src/core/errors.ts';

export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The rule in words, for messages and the documentation. */
export const nameRule = '1 to 64 letters, digits, - and _, the first a letter or a digit';

/** Throws BadInputError `bad-name`. The one check of every name that becomes a part of a path. */
export function checkName(name: string): string {
  if (namePattern.test(name)) return name;
  throw new BadInputError('bad-name', `a name is ${nameRule}`);
}
