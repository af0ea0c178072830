/**
 * Completion by diffusion: at every noise level the denoised modulation is drawn to the observation, as the mean of a
 * normal prior whose width is what the level leaves open; the step goes on from there (Y. Zhu et al., "Denoising
 * diffusion models for plug-and-play image restoration", arXiv 2305.08995, with the exact solution of the linearised
 * field in place of theirs for images).
 */
import type { Diffusion } from '../../prior/diffusion/index.ts';
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { type Evidence, findPosterior, type Normal } from './posterior.ts';

/** Noise levels on the way. */
const levels = 30;
/** Share of the noise of a step that is drawn anew. */
const renewed = 0.5;

export interface GuidedOptions {
  readonly draws: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** The mean of the draws (of one at least), then the draws: modulations, [m] each. */
export async function guidedDraws(
  prior: Diffusion,
  net: BaseNetwork,
  engine: Engine,
  evidence: Evidence,
  { draws, seed, signal }: GuidedOptions,
): Promise<Float32Array[]> {
  const m = prior.layout.length;
  const count = Math.max(1, draws);
  const centre = prior.unstandardise(new Float32Array(m));
  const scale = prior.unstandardise(new Float32Array(m).fill(1)).map((value, i) => value - centre[i]!);
  const streams = Array.from({ length: count }, (_, i) => new Rng(seed, i));
  const noise = () =>
    Float32Array.from({ length: count * m }, (_, i) => streams[Math.floor(i / m)]!.normal());
  const sigmas = prior.sigmas(levels, 'edm');
  let x: Float32Array = noise().map((value) => value * sigmas[0]!);
  for (let step = 0; step < levels; step++) {
    if (signal?.aborted) throw new AbortedError();
    const [sigma, next] = [sigmas[step]!, sigmas[step + 1]!];
    const clean = prior.denoise(x, sigma);
    const open = sigma / Math.sqrt(1 + sigma * sigma);
    for (let i = 0; i < count; i++) {
      const own = clean.subarray(i * m, (i + 1) * m);
      const normal = normalAround(prior.unstandardise(own.slice()), scale, open);
      const found = await findPosterior(engine, net, normal, evidence, { turns: next === 0 ? 3 : 2, signal });
      own.set(prior.standardise(found.modulation));
    }
    const fresh = noise();
    x = x.map((value, i) => {
      const direction = (value - clean[i]!) / sigma;
      const mixed = Math.sqrt(1 - renewed) * direction + Math.sqrt(renewed) * fresh[i]!;
      return clean[i]! + next * mixed;
    });
  }
  const found = prior.unstandardise(x);
  const drawn = Array.from({ length: count }, (_, i) => found.slice(i * m, (i + 1) * m));
  const mean = drawn[0]!.map((_, d) => drawn.reduce((sum, modulation) => sum + modulation[d]! / count, 0));
  return [mean, ...drawn.slice(0, draws)];
}

function normalAround(mean: Float32Array, scale: Float32Array, open: number): Normal {
  const times = (from: Float64Array, out: Float64Array) => {
    for (let i = 0; i < out.length; i++) out[i] = open * scale[i]! * from[i]!;
  };
  return { mean, length: mean.length, spread: times, gather: times };
}
