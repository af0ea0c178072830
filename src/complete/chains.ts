/**
 * Modulations given observations, under a prior that only denoises: split Gibbs sampling (M. Vono et al., arXiv 1804.11232) with a
 * diffusion (Z. Wu et al., arXiv 2405.18782). A chain goes back and forth between two draws, over falling noise levels sigma:
 *
 *   z | x, y:  from N(x, sigma^2 I) times the likelihood of what was observed (see posterior.ts)
 *   x | z:     what the prior thinks x was, given that z is x with noise of sigma: the diffusion from sigma on
 *
 * Neither takes the covariance of what was denoised, which nobody knows: what is known reaches what is hidden through the denoiser alone.
 * Where whole tokens are known and the prior is told the level of each, around.ts knows more.
 */
import type { Diffusion } from '../../prior/diffusion/index.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { stencilsOf } from './linearise.ts';
import { type Evidence, findPosterior, type Normal } from './posterior.ts';

export interface ChainOptions {
  /** Chains; the first n of more are those of n. */
  readonly count: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** [m], standardised: where all chains start (guess.ts); default: from noise alone. */
  readonly guess?: Float32Array | undefined;
}

/** Noise levels of a chain, falling by equal ratios of their seventh roots (T. Karras et al., arXiv 2206.00364, equation 5). */
export const chainLevels = 30;
const highest = 10;
/** From a guess on: fewer, from lower down, with fewer passes each. */
const guessed = { levels: 6, highest: 1, passes: 4 };
const lowest = 0.1;
const rho = 7;
/** Passes of the network for each draw of x. */
export const chainPasses = 8;
/** Conjugate gradients for each draw of z: those that are left undone are made good at the next level. */
const drawTurns = 8;

/** [m] each. Throws AbortedError, and what the engine throws. */
export async function drawChains(
  { engine, network }: { readonly engine: Engine; readonly network: BaseNetwork },
  prior: Diffusion,
  observed: Evidence,
  { count, seed, signal, guess }: ChainOptions,
): Promise<Float32Array[]> {
  const { shape, coordinates } = observed;
  const evidence = { ...observed, stencils: observed.stencils ?? stencilsOf(network, shape, coordinates) };
  const m = prior.scale.length;
  const streams = Array.from({ length: count }, (_, i) => new Rng(seed, i));
  const item = (all: Float32Array, i: number) => all.subarray(i * m, (i + 1) * m);
  const posteriorOf = (x: Float32Array, sigma: number, turns: number) =>
    findPosterior(engine, network, normalAround(prior, x, sigma), evidence, { turns, drawTurns, signal });
  const way = guess === undefined ? { levels: chainLevels, highest, passes: chainPasses } : guessed;
  let x: Float32Array = new Float32Array(count * m).map((_, i) => guess?.[i % m] ?? 0);
  for (let level = 0; level < way.levels; level++) {
    const sigma = sigmaOf(level / (way.levels - 1), way.highest);
    const z = new Float32Array(count * m);
    for (const [i, rng] of streams.entries()) {
      const posterior = await posteriorOf(item(x, i), sigma, 1);
      z.set(prior.standardise(await posterior.draw(rng)), i * m);
    }
    x = await prior.renew(z, sigma, { passes: way.passes, streams, signal });
  }
  const found: Float32Array[] = [];
  for (let i = 0; i < count; i++) found.push((await posteriorOf(item(x, i), lowest, 2)).modulation);
  return found;
}

function sigmaOf(part: number, from: number): number {
  return (from ** (1 / rho) + part * (lowest ** (1 / rho) - from ** (1 / rho))) ** rho;
}

/** N(x, sigma^2 I) of standardised numbers, as one of modulations. */
function normalAround({ scale, unstandardise }: Diffusion, x: Float32Array, sigma: number): Normal {
  const spreadOf = scale.map((one) => sigma * one);
  const scaled = (v: Float64Array, out: Float64Array) => {
    for (let i = 0; i < v.length; i++) out[i] = spreadOf[i]! * v[i]!;
  };
  return { mean: unstandardise(x), length: x.length, spread: scaled, gather: scaled };
}
