/** Modulations of what was observed, the likeliest and draws: by a normal prior, or by the chains of a diffusion. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import type { Diffusion } from '../../prior/diffusion/index.ts';
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { modulationLength, totalChannels } from '../field/spec.ts';
import { networkPerNumber } from '../models/generative.ts';
import { chainLevels, chainPasses, drawChains } from './chains.ts';
import { type Evidence, findPosterior, type Normal } from './posterior.ts';

export interface Asked {
  readonly draws: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Found {
  /** [m] each: of the completed, then of the draws. */
  readonly found: readonly Float32Array[];
  /** See `Completion`. */
  readonly surprise?: number;
}

/** Linearisations of one search at most: each evaluates the field twice for every channel. */
const turns = 8;
/** Draws of a diffusion whose mean is the completed. */
const chainsOfMean = 8;

export async function byNormal(
  { model, engine }: { readonly model: Model; readonly engine: Engine },
  prior: Normal,
  evidence: Evidence,
  { draws, seed, signal }: Asked,
): Promise<Found> {
  const posterior = await findPosterior(engine, model.network, prior, evidence, { turns, signal });
  const found = [posterior.modulation];
  for (let i = 0; i < draws; i++) {
    if (signal?.aborted) throw new AbortedError();
    found.push(await posterior.draw(new Rng(seed, i)));
  }
  return { found, surprise: posterior.square / evidence.values.length };
}

export async function byChains(
  { model, engine }: { readonly model: Model; readonly engine: Engine },
  prior: Diffusion,
  evidence: Evidence,
  { draws, seed, signal }: Asked,
): Promise<Found> {
  const count = Math.max(draws, chainsOfMean);
  const { network } = model;
  const chains = await drawChains({ engine, network }, prior, evidence, { count, seed, signal });
  const mean = new Float32Array(prior.scale.length);
  for (const chain of chains.slice(0, chainsOfMean)) {
    for (let i = 0; i < mean.length; i++) mean[i]! += chain[i]! / chainsOfMean;
  }
  return { found: [mean, ...chains.slice(0, draws)] };
}

/** Multiply-adds for what was observed at so many points; `draws`: of a diffusion, absent for a normal prior. */
export function workOf({ spec, shape }: ModelCard, points: number, draws: number | undefined): number {
  const linearised = points * multiplyAddsPerPoint(spec) * (2 * totalChannels(spec) + 2);
  if (draws === undefined) return turns * linearised;
  const network = chainPasses * modulationLength(spec, shape) * networkPerNumber;
  return Math.max(draws, chainsOfMean) * chainLevels * (linearised + network);
}
