/**
 * Signals around what is known of them, by a diffusion that is told the level of every token (docs/adr/0079). What the prior learnt is
 * what the learnt steps make of a signal; so tokens that were observed are found by these steps, too, and are known as well as they can
 * be. The rest is drawn around them, from the guess of a normal prior on, by ancestral steps; at each of them what was observed is put
 * into the signal of what was denoised, and the learnt steps fit that anew (Y. Wang et al., arXiv 2212.00490, with the learnt steps in
 * place of a pseudo-inverse): so tokens on the border follow what is seen of them.
 */
import type { Diffusion } from '../../prior/diffusion/index.ts';
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import type { ChainOptions } from './chains.ts';
import { guessFits, guessOf, knownShare, refitting, type Seen, seenShare } from './guess.ts';
import type { Normal } from './posterior.ts';

export interface Around {
  /** [m] each. */
  readonly draws: readonly Float32Array[];
  /** [m]: what the learnt steps make of the mean of the drawn signals. */
  readonly mean: Float32Array;
}

/** Levels of what is hidden: on the way down, and of draws anew from there; passes of each of these. */
const down = { from: 2, to: 0.1, steps: 10 };
const anew = { from: 1, to: 0.15, rounds: 4, passes: 4 };
/** Levels of tokens that are known, and at most of those of which a part is seen. */
const knownLevel = 0.1;
const seenLevel = 0.5;
/** Without a guess the way down starts here. */
const blind = 10;
/** What one chain costs, for limits: passes of the diffusion's network, fits and evaluations of the field. */
export const aroundWork = {
  passes: down.steps + anew.rounds * anew.passes,
  fits: down.steps + anew.rounds + guessFits,
};

/** `normal`: a normal prior of the same modulations, for the guess. Throws AbortedError, and what the engine throws. */
export async function drawAround(
  source: { readonly model: Model; readonly engine: Engine },
  prior: Diffusion,
  normal: Normal | undefined,
  observed: Seen,
  { count, seed, signal }: ChainOptions,
): Promise<Around> {
  const { shares } = observed;
  const { tokenOf } = prior.tokens;
  const m = prior.scale.length;
  const refit = refitting(source, prior, observed, signal);
  const streams = Array.from({ length: count }, (_, i) => new Rng(seed, i));
  const shareOf = (i: number) => shares[tokenOf[i % m]!]!;
  const start = await refit.seenAlone();
  const guess =
    normal === undefined
      ? undefined
      : await guessOf(normal, prior, { start, shares, whole: refit.whole, signal });
  const levelsAt = (sigma: number) =>
    Float64Array.from(shares, (share) =>
      share >= knownShare ? knownLevel : share >= seenShare ? Math.min(sigma, seenLevel) : sigma,
    );
  const isKnown = (i: number) => shareOf(i) >= knownShare;
  const noise = (i: number) => streams[Math.floor(i / m)]!.normal();
  const highest = guess === undefined ? blind : down.from;
  const sigmas = falling(highest, down.to, down.steps);
  let levels = levelsAt(sigmas[0]!);
  let x: Float32Array = new Float32Array(count * m).map((_, i) => {
    if (isKnown(i)) return start[i % m]!;
    return (guess?.[i % m] ?? 0) + levels[tokenOf[i % m]!]! * noise(i);
  });
  let clean = x;
  for (const [step] of sigmas.entries()) {
    if (signal?.aborted) throw new AbortedError();
    clean = await refit.whole(prior.denoise(x, levels));
    const next = sigmas[step + 1];
    if (next === undefined) break;
    const lower = levelsAt(next);
    x = clean.map((value, i) => {
      if (isKnown(i)) return value;
      const [from, to] = [levels[tokenOf[i % m]!]!, lower[tokenOf[i % m]!]!];
      const kept = (to / from) ** 2;
      return value + kept * (x[i]! - value) + to * Math.sqrt(Math.max(0, 1 - kept)) * noise(i);
    });
    levels = lower;
  }
  for (const sigma of falling(anew.from, anew.to, anew.rounds)) {
    const at = levelsAt(sigma);
    const noisy = clean.map((value, i) => (isKnown(i) ? value : value + at[tokenOf[i % m]!]! * noise(i)));
    const passes = { passes: anew.passes, streams, signal };
    clean = await refit.whole(await prior.renew(noisy, at, passes));
  }
  const draws = Array.from({ length: count }, (_, i) =>
    prior.unstandardise(clean.subarray(i * m, (i + 1) * m)),
  );
  return { draws, mean: prior.unstandardise(await refit.mean(clean)) };
}

/** By equal ratios of seventh roots (T. Karras et al., arXiv 2206.00364, equation 5). */
function falling(from: number, to: number, steps: number): number[] {
  const rho = 7;
  return Array.from({ length: steps }, (_, i) => {
    const part = i / Math.max(1, steps - 1);
    return (from ** (1 / rho) + part * (to ** (1 / rho) - from ** (1 / rho))) ** rho;
  });
}
