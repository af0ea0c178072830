/** Functions of a functaset by their ids. */
import { NotFoundError } from '../core/errors.ts';
import type { Functaset, StoredFunction } from '../functaset/index.ts';

/** In the order of `ids`. Throws NotFoundError `unknown-function` for the first that is not there. */
export function getFunctions(store: Functaset, ids: readonly string[]): StoredFunction[] {
  return store.getMany(ids).map((found, i) => {
    if (found !== undefined) return found;
    throw new NotFoundError(
      'unknown-function',
      `${store.path} has no function ${ids[i]}; list them to see their ids`,
    );
  });
}
