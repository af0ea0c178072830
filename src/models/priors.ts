/** Priors within the file of a model: those that code. */
import { codingKinds, type PriorKind } from '../../prior/kinds.ts';
import { priorKinds, readPrior } from '../../prior/registry.ts';
import { BadInputError } from '../core/errors.ts';
import type { Model } from '../field/model.ts';

/** Kinds of the priors in a model, best first. */
export function priorsOf(model: Model): PriorKind[] {
  return priorKinds(model);
}

/** Throws NotFoundError `prior` when the model has none. */
export function bestPrior(model: Model): PriorKind {
  return readPrior(model).kind;
}

/** A kind of prior from text. Throws BadInputError `unknown-prior`. */
export function priorKind(name: string): PriorKind {
  const kind = codingKinds.find((known) => known === name);
  if (kind !== undefined) return kind;
  throw new BadInputError('unknown-prior', `no prior is called ${name}; there are ${codingKinds.join(', ')}`);
}

/** What one symbol costs to code, at most. */
export function multiplyAddsPerSymbol(model: Model, prior: string): number {
  return readPrior(model, priorKind(prior)).multiplyAddsPerSymbol;
}
