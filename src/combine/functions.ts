/** Functions of a functaset by their ids. */
import { checkLimit } from '../core/limits.ts';
import {
  type Functaset,
  type Label,
  type StoredFunction,
  unknownFunction,
  unknownLabel,
} from '../functaset/index.ts';
import { mostTerms } from './combine.ts';

/** In the order of `ids`. Throws NotFoundError `unknown-function` for the first that is not there. */
export function getFunctions(store: Functaset, ids: readonly string[]): StoredFunction[] {
  return store.getMany(ids).map((found, i) => {
    if (found !== undefined) return found;
    throw unknownFunction('the functaset', ids[i]!);
  });
}

/** All functions with a label. Throws NotFoundError `unknown-label`, LimitError `limit-terms`. */
export function labelled(store: Functaset, label: Label): StoredFunction[] {
  const found = [...store.byLabel(label, { limit: mostTerms + 1 })];
  checkLimit('terms', found.length, mostTerms, 'give ids of fewer functions');
  if (found.length > 0) return found;
  throw unknownLabel(label);
}
