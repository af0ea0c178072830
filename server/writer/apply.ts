/**
 * What each kind of request does in a transaction. A request is checked before it writes: what it throws as a tagged error has written
 * nothing, so that the others of its transaction stand.
 */
import {
  decodeRecord,
  type FunctasetTransaction,
  isOld,
  recordOf,
  unknownFunction,
} from '../../src/functaset/index.ts';
import { idempotencyMismatch } from '../idempotency.ts';
import { checkMatch, versionOf } from '../version.ts';
import type {
  DeleteRequest,
  OutcomeOf,
  PatchRequest,
  PutFault,
  PutItem,
  PutOutcome,
  PutRequest,
  WriteRequest,
} from './messages.ts';

export function apply<R extends WriteRequest>(
  transaction: FunctasetTransaction,
  request: R,
  now: number,
): OutcomeOf<R> {
  switch (request.kind) {
    case 'put':
      return put(transaction, request, now) as OutcomeOf<R>;
    case 'delete':
      return remove(transaction, request) as OutcomeOf<R>;
    case 'patch':
      return patch(transaction, request) as OutcomeOf<R>;
    default:
      return request satisfies never;
  }
}

/** Ids that a request may write. */
export function idsOf(request: WriteRequest): readonly string[] {
  switch (request.kind) {
    case 'put':
      return request.items.map(({ record }) => record.id);
    case 'delete':
      return request.ids;
    case 'patch':
      return [request.id];
    default:
      return request satisfies never;
  }
}

/** `{functions, errors}` in JSON. */
export function putBody(told: readonly string[], faults: readonly PutFault[]): Uint8Array {
  const errors = [...faults].sort((a, b) => a.at - b.at);
  return new TextEncoder().encode(`{"functions":[${told.join(',')}],"errors":${JSON.stringify(errors)}}`);
}

function put(
  { record, put: write, answers }: FunctasetTransaction,
  { items, faults: before, replace, match, keep }: PutRequest,
  now: number,
): PutOutcome {
  if (keep !== undefined) {
    const known = answers.get(keep.key);
    if (known !== undefined && !isOld(known, now)) {
      if (known.digest !== keep.digest) throw idempotencyMismatch();
      return { created: 0, replaced: 0, faults: [], body: known.bytes, again: true };
    }
  }
  const faults = [...before];
  const told: string[] = [];
  const seen = new Set<string>();
  let replaced = 0;
  for (const item of items) {
    const { id } = item.record;
    const there = record(id);
    if (match !== undefined) checkMatch(match, there && versionOf(there));
    if (seen.has(id) || (there !== undefined && !replace)) {
      faults.push(existing(item, seen.has(id)));
      continue;
    }
    seen.add(id);
    write(item.record);
    told.push(item.told);
    replaced += Number(there !== undefined);
  }
  const body = putBody(told, faults);
  if (keep !== undefined && told.length > 0)
    answers.keep(keep.key, { at: now, digest: keep.digest, bytes: body });
  return { created: told.length - replaced, replaced, faults, body, again: false };
}

function remove(transaction: FunctasetTransaction, { ids, match }: DeleteRequest): OutcomeOf<DeleteRequest> {
  if (match !== undefined) {
    for (const id of ids) {
      const there = transaction.record(id);
      checkMatch(match, there && versionOf(there));
    }
  }
  return { deleted: ids.reduce((deleted, id) => deleted + Number(transaction.delete(id)), 0) };
}

function patch(
  { record, put: write }: FunctasetTransaction,
  { id, label, metadata, match }: PatchRequest,
): OutcomeOf<PatchRequest> {
  const there = record(id);
  if (match !== undefined) checkMatch(match, there && versionOf(there));
  if (there === undefined) throw unknownFunction('the functaset', id);
  const fn = decodeRecord(id, there);
  const changed = recordOf({
    ...fn,
    label: label === undefined ? fn.label : (label ?? undefined),
    metadata: metadata === undefined ? fn.metadata : (metadata ?? undefined),
  });
  write(changed);
  return { record: changed.bytes };
}

function existing({ at, record: { id } }: PutItem, twice: boolean): PutFault {
  const what = twice ? 'is in this request twice' : 'is there already; put it with replace=true';
  return { at, id, status: 409, code: 'function-exists', detail: `function ${JSON.stringify(id)} ${what}` };
}
