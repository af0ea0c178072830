/** Where the next page begins: after an id, after a rank, or after what is this far. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { maxRank } from './request.ts';

/** The cursor of what comes after `last` in order of ids. */
export function cursorAfter(last: string): string {
  return Buffer.from(last).toString('base64url');
}

/** Throws BadInputError `bad-cursor`. */
export function idOfCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (id.length > 0 && cursorAfter(id) === cursor) return id;
  throw badCursor();
}

/** The cursor of what comes after `rank` answers. */
export function cursorAtRank(rank: number): string {
  return cursorAfter(`rank ${rank}`);
}

/** Ranks `first` to `end` of a page. Throws BadInputError `bad-cursor`, LimitError `limit-rank`. */
export function ranksOf(cursor: string | undefined, k: number): { first: number; end: number } {
  const digits = cursor === undefined ? '0' : /^rank (\d{1,9})$/.exec(idOfCursor(cursor))?.[1];
  if (digits === undefined) throw badCursor();
  const first = Number(digits);
  checkLimit('rank', first + k, maxRank, 'narrow the query instead of paging on');
  return { first, end: first + k };
}

/** A place in answers by rising distance: so many of them, the last one this far and with this id. */
export interface Farthest {
  readonly rank: number;
  readonly distance: number;
  readonly id: string;
}

/** The cursor of what comes after it. */
export function cursorAfterFarthest({ rank, distance, id }: Farthest): string {
  return cursorAfter(`far ${rank} ${distance} ${id}`);
}

/** Where a page begins that ends at rank `end`. Throws BadInputError `bad-cursor`, LimitError `limit-rank`. */
export function farthestOf(
  cursor: string | undefined,
  k: number,
): { readonly after: Farthest | undefined; readonly end: number } {
  const parts = cursor === undefined ? undefined : /^far (\d{1,9}) (\S+) (.+)$/s.exec(idOfCursor(cursor));
  if (parts === null || (parts !== undefined && !Number.isFinite(Number(parts[2])))) throw badCursor();
  const after = parts && { rank: Number(parts[1]), distance: Number(parts[2]), id: parts[3]! };
  const end = (after?.rank ?? 0) + k;
  checkLimit('rank', end, maxRank, 'narrow the query instead of paging on');
  return { after, end };
}

function badCursor(): BadInputError {
  return new BadInputError(
    'bad-cursor',
    'this cursor is not one of ours; take `next` from the page before, of the same query',
  );
}
