/** What is said of functions without their numbers, and of functions that are not there. */
import { NotFoundError } from '../core/errors.ts';
import type { FunctionSummary, StoredFunction } from './types.ts';

export function summaryOf({ modulation, coded, ...facts }: StoredFunction): FunctionSummary {
  return { ...facts, modulationLength: modulation.length, codedBytes: coded.length };
}

/** NotFoundError `unknown-function`; `owner`: what it is not in. */
export function unknownFunction(owner: string, id: string): NotFoundError {
  return new NotFoundError('unknown-function', `${owner} has no function ${id}; list them to see their ids`);
}
