/** How many threads an engine may be given; the pools of the kernel count theirs in less than 16 bits. */
import { availableParallelism } from 'node:os';
import { BadInputError } from '../core/errors.ts';

export const maxThreads = 256;

/** `asked`, or one thread a core. Throws BadInputError `bad-threads`. */
export function threadCount(asked: number | undefined): number {
  if (asked === undefined) return Math.min(maxThreads, Math.max(1, availableParallelism()));
  if (Number.isInteger(asked) && asked >= 1 && asked <= maxThreads) return asked;
  throw new BadInputError(
    'bad-threads',
    `threads must be a whole number from 1 to ${maxThreads}, not ${asked}`,
  );
}
