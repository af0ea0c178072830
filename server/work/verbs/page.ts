/** Functions of a store, a page at a time. */
import type { Fault, Functaset, FunctionSummary, Label } from '../../../src/functaset/index.ts';
import { cursorAfter, idOfCursor } from '../../../src/query/index.ts';

export interface PageQuery {
  readonly label?: Label | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface Page {
  readonly items: FunctionSummary[];
  /** Where the next begins. */
  readonly next: string | null;
  /** Functions of these ids were left out: they cannot be read. */
  readonly damaged: string[];
}

export function page(store: Functaset, { label, cursor, limit }: PageQuery): Page {
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  const damaged: string[] = [];
  const onDamaged = ({ id }: Fault) => damaged.push(id);
  const found = [...store.summaries({ after, label, limit: limit + 1, onDamaged })];
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? cursorAfter(last.id) : null, damaged };
}
