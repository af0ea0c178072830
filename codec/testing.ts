/** Helpers of the codec's tests. */
import type { FunctaError } from '../src/core/errors.ts';

/** The code of what `act` throws, or `none`. */
export function codeThrown(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as FunctaError).code;
  }
  return 'none';
}
