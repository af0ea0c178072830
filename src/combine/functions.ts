/** Functions of a functaset by their ids, opened to be combined. */
import { checkLimit } from '../core/limits.ts';
import { type Functaset, type Label, unknownFunction, unknownLabel } from '../functaset/index.ts';
import {
  type FunctionSource,
  type ModulatedFunction,
  modulated,
  openFunctions,
} from '../session/functions.ts';
import { broughtTo } from '../session/refit.ts';
import { mostTerms } from './combine.ts';

/**
 * In the order of `ids`, all of the network of the first: of a network that changes with quality, functions of other qualities are
 * fitted anew. Functions of samples are their plain fits, which `isPlainFit` says. Throws NotFoundError `unknown-function` for the first that is not there, and what opening them throws.
 */
export async function getFunctions(
  source: FunctionSource,
  store: Functaset,
  ids: readonly string[],
): Promise<ModulatedFunction[]> {
  const found = store.getMany(ids).map((fn, i) => {
    if (fn !== undefined) return fn;
    throw unknownFunction('the functaset', ids[i]!);
  });
  return ofOneNetwork(source, await modulated(source, await openFunctions(source, found)));
}

/** All functions with a label, as `getFunctions` gives them. Throws NotFoundError `unknown-label`, LimitError `limit-terms`. */
export async function labelled(
  source: FunctionSource,
  store: Functaset,
  label: Label,
): Promise<ModulatedFunction[]> {
  const found = [...store.byLabel(label, { limit: mostTerms + 1 })];
  checkLimit('terms', found.length, mostTerms, 'give ids of fewer functions');
  if (found.length > 0)
    return ofOneNetwork(source, await modulated(source, await openFunctions(source, found)));
  throw unknownLabel(label);
}

/** What is to be said of functions that are combined: which of them are known by their plain fit alone. */
export function notesOf(functions: readonly ModulatedFunction[]): string[] {
  const fits = functions.filter(({ isPlainFit }) => isPlainFit).map(({ id }) => id);
  if (fits.length === 0) return [];
  const others = fits.length > named ? ` and ${fits.length - named} more` : '';
  return [`stored as samples, and combined by their plain fits: ${fits.slice(0, named).join(', ')}${others}`];
}

/** Functions that a note names. */
const named = 8;

async function ofOneNetwork(
  source: FunctionSource,
  functions: readonly ModulatedFunction[],
): Promise<ModulatedFunction[]> {
  const [first] = functions;
  return first === undefined ? [] : broughtTo(source, functions, first.quality);
}
