/** Drawing by denoising step by step; each sample has a stream of random numbers of its own. */
import { AbortedError, BadInputError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import { priorDescriptor } from '../kinds.ts';
import type { TokenLayout } from '../train/tokens.ts';
import { checkGuidance, type Denoise, type DenoiseOptions } from './denoise.ts';
import { highestOf, type Levels, levelOf } from './levels.ts';
import { fewSteps, type ScheduleKind, sigmasOf } from './schedule.ts';

export interface SamplerOptions extends DenoiseOptions {
  readonly count: number;
  readonly seed: number;
  /**
   * Noise levels on the way; default what the prior's card says, else 18 for Heun's method, two passes each, and 100 for ancestral steps. Up to 8 levels of the `edm`
   * schedule are gone through by the multistep method, one pass each.
   */
  readonly steps?: number | undefined;
  /**
   * Below 1 more noise is taken off at every level than the denoiser finds: what it leaves behind otherwise shows as grain (M.
   * Ning et al., arXiv 2308.15321, section 5, whose lambda is 1 / temperature). From 0.5 to 2; default 1.
   */
  readonly temperature?: number | undefined;
  /** Default: the one whose noise levels the prior was trained at. */
  readonly schedule?: ScheduleKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Samples that pass the network together. */
export const group = 16;
/** Noise levels between which guidance acts: T. Kynkaanniemi et al., arXiv 2404.07724. */
const guided = { from: 0.2, to: 10 };

/** How samples go down noise levels. */
export interface Descent {
  readonly count: number;
  /** Of a modulation. */
  readonly length: number;
  readonly seed: number;
  /** Falling, the last one 0. */
  readonly sigmas: ArrayLike<number>;
  /** Of the random numbers of the first sample; default 0. */
  readonly firstStream?: number | undefined;
  /** Told x [n, length] of each group at every level of `sigmas`. */
  readonly onLevel?: ((level: number, x: Float32Array) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** From x [n, length] at one noise level to x at the next. */
type StepDown = (x: Float32Array, from: number, to: number) => Float32Array;

/** [length] each; `stepFor` is asked once for each group of samples, and given its noise. Throws AbortedError. */
export async function descend(
  { count, length, seed, sigmas, firstStream = 0, onLevel, signal }: Descent,
  stepFor: (noise: () => Float32Array) => StepDown,
): Promise<Float32Array[]> {
  const drawn: Float32Array[] = [];
  for (let first = 0; first < count; first += group) {
    const n = Math.min(group, count - first);
    const streams = Array.from({ length: n }, (_, i) => new Rng(seed, firstStream + first + i));
    const noise = () =>
      Float32Array.from({ length: n * length }, (_, i) => streams[Math.floor(i / length)]!.normal());
    let x: Float32Array = noise().map((value) => value * sigmas[0]!);
    const step = stepFor(noise);
    onLevel?.(0, x);
    for (let i = 0; i + 1 < sigmas.length; i++) {
      if (signal?.aborted) throw new AbortedError();
      x = step(x, sigmas[i]!, sigmas[i + 1]!);
      onLevel?.(i + 1, x);
      // Kernels are synchronous: let timers, signals and other jobs in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = 0; i < n; i++) drawn.push(x.slice(i * length, (i + 1) * length));
  }
  return drawn;
}

/** Throws BadInputError `bad-count`. */
export function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw new BadInputError('bad-count', `count is a whole number from 1, not ${count}`);
}

/** [m] each, standardised; on the way as in `Descent`. Throws BadInputError `bad-count`, `sample-steps`, `temperature`, what `denoise` throws, AbortedError. */
export async function drawSamples(
  { denoise }: Denoise,
  length: number,
  own: ScheduleKind,
  options: SamplerOptions,
  way: Pick<Descent, 'firstStream' | 'onLevel'> = {},
): Promise<Float32Array[]> {
  const { count, seed, schedule = own, label, guidance = 1, temperature = 1, signal } = options;
  checkCount(count);
  checkGuidance(guidance);
  if (!(temperature >= 0.5 && temperature <= 2)) {
    throw new BadInputError('temperature', `a diffusion's temperature is from 0.5 to 2, not ${temperature}`);
  }
  const sigmas = sigmasOf(
    schedule,
    options.steps ?? (schedule === 'edm' ? priorDescriptor('diffusion').ownSteps! : 100),
  );
  const at = (x: Float32Array, sigma: number) => {
    const acts = sigma > guided.from && sigma <= guided.to;
    const clean = denoise(x, sigma, { label, guidance: acts ? guidance : Math.min(1, guidance) });
    return temperature === 1 ? clean : clean.map((value, i) => x[i]! - (x[i]! - value) / temperature);
  };
  return descend({ count, length, seed, sigmas, signal, ...way }, (noise) => {
    const step =
      schedule === 'cosine' ? ancestral(noise) : sigmas.length <= fewSteps + 1 ? multistep() : heun;
    return (x, from, to) => step(at, x, from, to);
  });
}

/** Noise that is as good as none: below it, what was denoised is taken as it is. */
const least = 0.05;

export interface RenewOptions {
  /** Of the network; more follow the distribution closer. */
  readonly passes: number;
  /** Where the noise of each item comes from. */
  readonly streams: readonly Rng[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Draws of what z was, given `noisy` [streams, length], z + sigma n: ancestral steps over levels of equal ratios; a token that is nearly
 * clean keeps its level. Throws AbortedError.
 */
export async function renewed(
  { denoise }: Pick<Denoise, 'denoise'>,
  { tokens, tokenOf }: Pick<TokenLayout, 'tokens' | 'tokenOf'>,
  noisy: Float32Array,
  sigma: Levels,
  { passes, streams, signal }: RenewOptions,
): Promise<Float32Array> {
  const length = noisy.length / streams.length;
  const noise = () => Float32Array.from(noisy, (_, i) => streams[Math.floor(i / length)]!.normal());
  const levels = highestOf(sigma) > least ? passes : 1;
  const at = (start: number, i: number) =>
    start > least ? start * (least / start) ** (i / Math.max(1, levels - 1)) : start;
  const levelsAt = (i: number) =>
    typeof sigma === 'number'
      ? at(sigma, i)
      : Float64Array.from({ length: tokens }, (_, t) => at(levelOf(sigma, t), i));
  let x = noisy;
  for (let i = 0; i < levels; i++) {
    if (signal?.aborted) throw new AbortedError();
    const [from, to] = [levelsAt(i), levelsAt(i + 1)];
    const clean = denoise(x, from);
    if (i === levels - 1) x = clean;
    else {
      const fresh = noise();
      x = x.map((value, k) => {
        const token = tokenOf[k % length]!;
        const part = { from: levelOf(from, token), to: levelOf(to, token) };
        return posteriorAt(part, value, clean[k]!, fresh[k]!);
      });
    }
    // Kernels are synchronous: let timers, signals and other jobs in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return x;
}

type At = (x: Float32Array, sigma: number) => Float32Array;
/** From x at one noise level to x at the next. */
type Step = (at: At, x: Float32Array, from: number, to: number) => Float32Array;

/** Karras et al., algorithm 1. */
function heun(at: At, x: Float32Array, from: number, to: number): Float32Array {
  const clean = at(x, from);
  const slope = x.map((value, i) => (value - clean[i]!) / from);
  const next = x.map((value, i) => value + (to - from) * slope[i]!);
  if (to === 0) return next;
  const second = at(next, to);
  return x.map((value, i) => value + (to - from) * 0.5 * (slope[i]! + (next[i]! - second[i]!) / to));
}

/** C. Lu et al., arXiv 2211.01095, algorithm 2 (DPM-Solver++ 2M), in these units: its lambda is -ln sigma. */
function multistep(): Step {
  let before: { readonly clean: Float32Array; readonly length: number } | undefined;
  return (at, x, from, to) => {
    const clean = at(x, from);
    if (to === 0) return clean;
    const length = Math.log(from / to);
    const more = before === undefined ? 0 : length / (2 * before.length);
    const last = before?.clean ?? clean;
    const kept = to / from;
    before = { clean, length };
    return x.map((value, i) => kept * value + (1 - kept) * (clean[i]! + more * (clean[i]! - last[i]!)));
  };
}

/** The posterior of x at `to` given x at `from` and the denoised: J. Ho et al., arXiv 2006.11239, equations 6 and 7, in these units. */
function ancestral(noise: () => Float32Array): Step {
  return (at, x, from, to) => {
    const clean = at(x, from);
    if (to === 0) return clean;
    const fresh = noise();
    return x.map((value, i) => posteriorAt({ from, to }, value, clean[i]!, fresh[i]!));
  };
}

function posteriorAt(
  { from, to }: { readonly from: number; readonly to: number },
  value: number,
  clean: number,
  fresh: number,
): number {
  const kept = (to * to) / (from * from);
  return clean + kept * (value - clean) + to * Math.sqrt(1 - kept) * fresh;
}
