/** What each kind of prior can do. */
import type { PriorKind } from '../../prior/prior.ts';
import type { Model } from '../field/model.ts';
import { type GenerativeKind, networkPerNumber, samplersOf } from './generative.ts';
import { codingKinds, multiplyAddsPerSymbol } from './priors.ts';

/**
 * `code`: bytes; `sample`: new functions; `complete`: signals from a part of them; `score`: how unlikely a function is, in
 * bits.
 */
export type Ability = 'code' | 'sample' | 'complete' | 'score';

export const abilities = {
  autoregressive: ['code', 'sample', 'score'],
  factorized: ['code', 'sample', 'score'],
  histogram: ['code', 'sample', 'score'],
  diffusion: ['sample'],
  flow: ['sample', 'score'],
  gaussian: ['sample', 'complete', 'score'],
} as const satisfies Readonly<Record<PriorKind | GenerativeKind, readonly Ability[]>>;

export type AnyPrior = keyof typeof abilities;

/** Undefined for what is the name of no prior. */
export function anyPrior(name: string): AnyPrior | undefined {
  return Object.hasOwn(abilities, name) ? (name as AnyPrior) : undefined;
}

/** Kinds that have an ability, those of a model's file first. */
export function kindsThat(ability: Ability): AnyPrior[] {
  const kinds = Object.keys(abilities) as AnyPrior[];
  return kinds.filter((kind) => (abilities[kind] as readonly Ability[]).includes(ability));
}

/** Multiply-adds that scoring takes for each number of a modulation, about. */
export function multiplyAddsToScore(model: Model, prior: AnyPrior): number {
  const coding = codingKinds.find((kind) => kind === prior);
  return coding === undefined ? networkPerNumber : multiplyAddsPerSymbol(model, coding);
}

/** The priors of a model, in its file and beside it, each with what it can do. */
export async function describePriors(
  model: Model,
): Promise<{ readonly name: string; readonly can: readonly Ability[] }[]> {
  const names = await samplersOf(model);
  return names.map((name) => ({ name, can: abilities[name as AnyPrior] }));
}
