/** Orders in which a functaset has its functions, whatever it is kept in. */
import type { Label } from './types.ts';

/** Ids: bytes of UTF-8. */
export function compareIds(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Labels: numbers before texts. */
export function compareLabels(a: Label, b: Label): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return typeof a === 'number' ? a - (b as number) : compareIds(a, b as string);
}
