/** What is said of functions without their numbers, and of functions that are not there. */
import { NotFoundError } from '../core/errors.ts';
import type { FunctionSummary, Label, StoredFunction } from './types.ts';

/** Written out: a rest of properties for each of many functions is slow. */
export function summaryOf({
  id,
  label,
  metadata,
  shape,
  psnrDb,
  bits,
  content,
}: StoredFunction): FunctionSummary {
  const codedBytes = content.kind === 'file' ? content.bytes.length : 0;
  const modulationBytes = content.kind === 'file' ? 0 : 2 * content.values.length;
  const facts = { id, shape, psnrDb, bits, codedBytes, modulationBytes };
  const named = label === undefined ? facts : { ...facts, label };
  return metadata === undefined ? named : { ...named, metadata };
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
