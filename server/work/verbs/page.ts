/** Functions of a store, a page at a time. */
import type { Fault, Functaset, FunctionSummary, Label } from '../../../src/functaset/index.ts';
import {
  cursorAfter,
  type Filter,
  idOfCursor,
  matching,
  type QueryContext,
} from '../../../src/query/index.ts';
import type { VersionedSummary } from '../../told.ts';
import { versionOf } from '../../version.ts';

export interface PageQuery {
  readonly label?: Label | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly filter?: Filter | undefined;
}

export interface Page {
  readonly items: VersionedSummary[];
  /** Where the next begins. */
  readonly next: string | null;
  /** Functions of these ids were left out: they cannot be read. */
  readonly damaged: string[];
}

export function page(store: Functaset, { label, cursor, limit }: PageQuery): Page {
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  const damaged: string[] = [];
  const onDamaged = ({ id }: Fault) => damaged.push(id);
  return pageOf(store, [...store.summaries({ after, label, limit: limit + 1, onDamaged })], limit, damaged);
}

/** Of those that pass a filter. Throws what looking for them throws. */
export async function filteredPage(
  context: QueryContext,
  { label, cursor, limit, filter }: PageQuery,
  signal: AbortSignal,
): Promise<Page> {
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  const damaged: string[] = [];
  const asked = label === undefined ? filter : { ...filter, labels: [label] };
  const found: FunctionSummary[] = [];
  const options = { signal, onDamaged: ({ id }: Fault) => damaged.push(id) };
  for await (const fn of matching(context, asked, after, options)) {
    found.push(fn);
    if (found.length > limit) break;
  }
  return pageOf(context.store, found, limit, damaged);
}

function pageOf(store: Functaset, found: readonly FunctionSummary[], limit: number, damaged: string[]): Page {
  const last = found.slice(0, limit).at(-1);
  const next = found.length > limit && last !== undefined ? cursorAfter(last.id) : null;
  const items = found.slice(0, limit).flatMap((fn) => {
    const { id, label, metadata, shape, psnrDb, bits, codedBytes, modulationBytes } = fn;
    // One that was deleted meanwhile is on no page.
    const record = store.record(id);
    if (record === undefined) return [];
    const facts = { id, label, metadata, shape, psnrDb, bits, codedBytes, modulationBytes };
    return { ...facts, version: versionOf(record) };
  });
  return { items, next, damaged };
}
