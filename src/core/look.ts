/**
 * Stopping synchronous work. Entropy coding and the choice of symbols compute for long without ever waiting, many calls below
 * whoever has a signal, and a thread that computes reads no messages. Whoever begins such work says whose signal it looks at.
 */
import { AbortedError } from './errors.ts';

/** What says that work is to stop: an AbortSignal, or several as one. */
export interface Stop {
  readonly aborted: boolean;
}

let current: Stop | undefined;

/** Runs `work`, in which `look()` throws AbortedError once `signal` is aborted. Synchronous: what it returns is done. */
export function stoppable<T>(signal: Stop | undefined, work: () => T): T {
  const before = current;
  current = signal ?? before;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** For loops, every tenth of a millisecond to every few. Throws AbortedError when the work around it is to stop. */
export function look(): void {
  if (current?.aborted) throw new AbortedError();
}
