/** The functions of an archive by name or by number. */
import { readHeader } from '../../codec/index.ts';
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';

/** Ids that are told when one is not there. */
const toldIds = 5;

/** A name for each function of a file or an archive: its id, or its number where there are no ids. Throws as `inspect`. */
export function namesOf(bytes: Uint8Array, limits: Limits = defaultLimits): string[] {
  const header = readHeader(bytes, limits);
  const ids = header.container === 'archive' ? header.ids : undefined;
  const count = header.container === 'archive' ? header.count : 1;
  return ids === undefined ? Array.from({ length: count }, (_, i) => String(i)) : [...ids];
}

/**
 * The number of the function that is asked for by number or by id; the first one unless either is given. Throws BadInputError
 * `which-item` for both, NotFoundError `item` for an id that is not there, and as `inspect`.
 */
export function itemNumber(
  bytes: Uint8Array,
  { item, id }: { readonly item?: number | undefined; readonly id?: string | undefined },
  limits: Limits = defaultLimits,
): number {
  if (id === undefined) return item ?? 0;
  if (item !== undefined)
    throw new BadInputError('which-item', 'give the number of an item or its id, not both');
  const header = readHeader(bytes, limits);
  const ids = header.container === 'archive' ? header.ids : undefined;
  if (ids === undefined) {
    const what = header.container === 'archive' ? 'the items of this archive have' : 'a single file has';
    throw new NotFoundError('item', `${what} no ids; choose by number, from 0`);
  }
  const found = ids.indexOf(id);
  if (found >= 0) return found;
  const more = ids.length > toldIds ? `, and ${ids.length - toldIds} more` : '';
  throw new NotFoundError(
    'item',
    `no item is called ${id}; there are ${ids.slice(0, toldIds).join(', ')}${more}`,
  );
}
