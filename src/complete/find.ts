/** Modulations of what was observed, the likeliest and draws: by a normal prior, or by the chains of a diffusion. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import type { Diffusion } from '../../prior/diffusion/index.ts';
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { modulationLength, pointCount, totalChannels } from '../field/spec.ts';
import { networkPerNumber } from '../models/generative.ts';
import { aroundWork, drawAround } from './around.ts';
import { chainLevels, chainPasses, drawChains } from './chains.ts';
import { guessOf, isKnownInPart, refitting } from './guess.ts';
import { sharesSeen } from './known.ts';
import { stencilsOf } from './linearise.ts';
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
/** Draws of a diffusion whose mean is the completed: where whole tokens are known they cost less. */
const chainsOfMean = 8;
const partOfMean = 16;

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

/** `normal`: the normal prior of the model, if it has one. */
export async function byDiffusion(
  { model, engine }: { readonly model: Model; readonly engine: Engine },
  prior: Diffusion,
  normal: Normal | undefined,
  evidence: Evidence,
  { draws, seed, signal }: Asked,
): Promise<Found> {
  const { network } = model;
  const stencils = stencilsOf(network, evidence.shape, evidence.coordinates);
  const seen = { ...evidence, shares: sharesSeen(prior.tokens, network, { ...evidence, stencils }) };
  const isPart = isKnownInPart(seen.shares);
  const count = Math.max(draws, isPart ? partOfMean : chainsOfMean);
  const source = { model, engine };
  if (prior.tokenLevels && isPart) {
    const around = await drawAround(source, prior, normal, seen, { count, seed, signal });
    return { found: [around.mean, ...around.draws.slice(0, draws)] };
  }
  const refit = refitting(source, prior, seen, signal);
  const guess =
    isPart && normal !== undefined
      ? await guessOf(normal, prior, {
          ...{ start: await refit.seenAlone(), shares: seen.shares, whole: refit.whole, signal },
        })
      : undefined;
  const request = { count, seed, signal, guess };
  const chains = await drawChains({ engine, network }, prior, { ...evidence, stencils }, request);
  if (guess !== undefined) {
    const all = new Float32Array(count * prior.scale.length);
    chains.forEach((chain, i) => {
      all.set(prior.standardise(chain), i * chain.length);
    });
    return { found: [prior.unstandardise(await refit.mean(all)), ...chains.slice(0, draws)] };
  }
  const mean = new Float32Array(prior.scale.length);
  for (const chain of chains.slice(0, chainsOfMean)) {
    for (let i = 0; i < mean.length; i++) mean[i]! += chain[i]! / chainsOfMean;
  }
  return { found: [mean, ...chains.slice(0, draws)] };
}

/** Multiply-adds for what was observed at so many points; `draws`: of a diffusion, absent for a normal prior. */
export function workOf(
  { spec, shape, training }: ModelCard,
  points: number,
  draws: number | undefined,
): number {
  const linearised = points * multiplyAddsPerPoint(spec) * (2 * totalChannels(spec) + 2);
  if (draws === undefined) return turns * linearised;
  const network = chainPasses * modulationLength(spec, shape) * networkPerNumber;
  const chains = Math.max(draws, chainsOfMean) * chainLevels * (linearised + network);
  const { passes, fits } = aroundWork;
  const fit = 4 * pointCount(shape) * multiplyAddsPerPoint(spec) * (1 + 2 * training.innerSteps);
  const around =
    Math.max(draws, partOfMean) * (passes * modulationLength(spec, shape) * networkPerNumber + fits * fit);
  return Math.max(chains, around);
}
