/** What each kind of prior can do. */

import { type Ability, type AnyPrior, codingKinds, priorDescriptor } from '../../prior/kinds.ts';
import { aModel, check } from '../core/check.ts';
import type { Model } from '../field/model.ts';
import { networkPerNumber, samplersOf } from './generative.ts';
import { multiplyAddsPerSymbol } from './priors.ts';

/** Multiply-adds that scoring takes for each number of a modulation, about. */
export function multiplyAddsToScore(model: Model, prior: AnyPrior): number {
  const coding = codingKinds.find((kind) => kind === prior);
  return coding === undefined ? networkPerNumber : multiplyAddsPerSymbol(model, coding);
}

/**
 * The priors of a model, in its file and beside it, each with what it can do.
 *
 * @example
 * const there = await describePriors(model);
 */
export async function describePriors(
  model: Model,
): Promise<{ readonly name: string; readonly can: readonly Ability[] }[]> {
  check('describePriors', aModel(model, 'model'));
  const names = await samplersOf(model);
  return names.map((name) => ({ name, can: priorDescriptor(name).can }));
}
