/** Functions of a functaset by their ids, opened to be combined. */
import { checkLimit } from '../core/limits.ts';
import { type Functaset, type Label, unknownFunction, unknownLabel } from '../functaset/index.ts';
import { type FunctionSource, type OpenFunction, openFunctions } from '../session/functions.ts';
import { broughtTo } from '../session/refit.ts';
import { mostTerms } from './combine.ts';

/**
 * In the order of `ids`, all of the network of the first: of a network that changes with quality, functions of other qualities are
 * fitted anew. Throws NotFoundError `unknown-function` for the first that is not there, and what opening them throws.
 */
export async function getFunctions(
  source: FunctionSource,
  store: Functaset,
  ids: readonly string[],
): Promise<OpenFunction[]> {
  const found = store.getMany(ids).map((fn, i) => {
    if (fn !== undefined) return fn;
    throw unknownFunction('the functaset', ids[i]!);
  });
  return ofOneNetwork(source, await openFunctions(source, found));
}

/** All functions with a label, as `getFunctions` gives them. Throws NotFoundError `unknown-label`, LimitError `limit-terms`. */
export async function labelled(
  source: FunctionSource,
  store: Functaset,
  label: Label,
): Promise<OpenFunction[]> {
  const found = [...store.byLabel(label, { limit: mostTerms + 1 })];
  checkLimit('terms', found.length, mostTerms, 'give ids of fewer functions');
  if (found.length > 0) return ofOneNetwork(source, await openFunctions(source, found));
  throw unknownLabel(label);
}

async function ofOneNetwork(
  source: FunctionSource,
  functions: readonly OpenFunction[],
): Promise<OpenFunction[]> {
  const [first] = functions;
  return first === undefined ? [] : broughtTo(source, functions, first.quality);
}
