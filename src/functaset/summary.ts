/** What is said of functions without their numbers, and of functions that are not there. */
import { NotFoundError } from '../core/errors.ts';
import type { FunctionSummary, Label, StoredFunction } from './types.ts';

export function summaryOf({ content, ...facts }: StoredFunction): FunctionSummary {
  return content.kind === 'file'
    ? { ...facts, codedBytes: content.bytes.length, modulationBytes: 0 }
    : { ...facts, codedBytes: 0, modulationBytes: 2 * content.values.length };
}

/** NotFoundError `unknown-function`; `owner`: what it is not in. */
export function unknownFunction(owner: string, id: string): NotFoundError {
  return new NotFoundError('unknown-function', `${owner} has no function ${id}; list them to see their ids`);
}

/** NotFoundError `unknown-label`. */
export function unknownLabel(label: Label): NotFoundError {
  return new NotFoundError(
    'unknown-label',
    `no function of the functaset has the label ${JSON.stringify(label)}; its labels are told by: functa store stats, or GET /v1/functasets/{s}`,
  );
}
