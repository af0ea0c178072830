/** A diffusion over the modulations of a network: a denoiser, and what is built on it. */
import type { Limits } from '../../src/core/limits.ts';
import type { ModulationLayout } from '../../src/field/layout.ts';
import type { DistilledSteps } from '../kinds.ts';
import {
  checkModulationNumbers,
  type GenerativeCard,
  type GenerativeFile,
  layoutOf,
  readPriorFile,
  type Sampling,
} from '../train/prior-file.ts';
import { type Label, standardised, unstandardised } from '../train/standard.ts';
import type { TokenLayout } from '../train/tokens.ts';
import { createDenoise, type Denoise } from './denoise.ts';
import { type Distilled, mostFewSteps, openDistilled, stepsOfWay } from './few.ts';
import { diffusionParts, weightsDigest } from './file.ts';
import type { Levels } from './levels.ts';
import { openNet } from './open-net.ts';
import { drawSamples, type RenewOptions, renewed, type SamplerOptions } from './sampler.ts';
import { asSampled } from './sampling.ts';
import { type ScheduleKind, sigmasOf } from './schedule.ts';

export type { Denoise, DenoiseOptions } from './denoise.ts';
export { type Distillation, distilDiffusion } from './distil.ts';
export { type Distilled, openDistilled } from './few.ts';
export type { Levels } from './levels.ts';
export type { RenewOptions, SamplerOptions } from './sampler.ts';
export { checkSampling, withSampling } from './sampling.ts';
export type { ScheduleKind } from './schedule.ts';
export { type DiffusionTraining, trainDiffusion } from './train.ts';

export interface Diffusion {
  readonly card: GenerativeCard;
  readonly layout: ModulationLayout;
  /** What its noise levels are of, one by one. */
  readonly tokens: TokenLayout;
  /** Each token may have a noise level of its own. */
  readonly tokenLevels: boolean;
  /** What may be asked for; empty: nothing. */
  readonly labels: readonly Label[];
  /** What `sample` takes where nothing is asked. */
  readonly sampling: Sampling;
  /** [m]: how much of a modulation's number one unit of z is. */
  readonly scale: Float32Array;
  /** Modulations [count, m] to z: less their mean, over their scale. */
  standardise(modulations: Float32Array): Float32Array;
  /** And back. */
  unstandardise(z: Float32Array): Float32Array;
  /** What z was, given z + sigma n; see `Denoise`. */
  readonly denoise: Denoise['denoise'];
  /** Its adjoint at z: what a gradient with respect to the denoised says of z. */
  readonly pullBack: Denoise['pullBack'];
  /** Draws of what z was, given z + sigma n of any label; see `renewed`. */
  renew(noisy: Float32Array, sigma: Levels, options: RenewOptions): Promise<Float32Array>;
  /** Noise levels of a sampler, [steps + 1], the last one 0. */
  sigmas(steps: number, schedule?: ScheduleKind): Float64Array;
  /** What the distilled network beside it draws in so many steps, in place of it; default: the steps of its card. Throws as `openDistilled`. */
  distilledAt(steps: number | undefined): Promise<DistilledSteps | undefined>;
  /** New modulations, [m] each; the first n of a larger sample are the sample of n. */
  sample(options: SamplerOptions): Promise<Float32Array[]>;
  dispose(): void;
}

export interface OpenDiffusionOptions {
  /** What the file must belong to; absent: anything. */
  readonly networkId?: string | undefined;
  readonly threads?: number | undefined;
  readonly limits?: Limits | undefined;
  /** The bytes of its `distilled.safetensors`, which draws where it learnt so many steps. */
  readonly distilled?: Uint8Array | undefined;
}

/**
 * Opens the bytes of a `diffusion.safetensors`. Computes with the native kernels, else TensorFlow.js; either's calls are synchronous.
 * Throws what `readPriorFile` and `openNet` throw.
 */
export async function openDiffusion(
  bytes: Uint8Array,
  options: OpenDiffusionOptions = {},
): Promise<Diffusion> {
  const file = readPriorFile(bytes, 'diffusion', options);
  return diffusionOf(file, options);
}

async function diffusionOf(
  file: GenerativeFile,
  { threads, distilled, ...options }: OpenDiffusionOptions,
): Promise<Diffusion> {
  const { card } = file;
  const layout = layoutOf(card);
  const parts = diffusionParts(file);
  const { tokens, size, weights, standard, sampling } = parts;
  const { net } = await openNet(size, weights, threads);
  const denoise = createDenoise(net, tokens, card.labels, size.tokenLevels);
  const schedule: ScheduleKind = card.recipe.schedule === 'cosine' ? 'cosine' : 'edm';
  let student: Promise<Distilled> | undefined;
  /** The distilled network, where it learnt so many steps of its own schedule; opened once it is asked. */
  const studentAt = async (
    steps: number | undefined,
    asked?: ScheduleKind,
  ): Promise<Distilled | undefined> => {
    if (distilled === undefined || asked === 'cosine') return undefined;
    if (steps === undefined || steps > mostFewSteps) return undefined;
    student ??= openDistilled(distilled, {
      ...options,
      networkId: card.networkId,
      threads,
      teacher: weightsDigest(parts),
    });
    const opened = await student;
    return opened.few.ways.some((levels) => stepsOfWay(levels) === steps) ? opened : undefined;
  };
  return {
    card,
    layout,
    tokens,
    tokenLevels: size.tokenLevels,
    labels: card.labels,
    sampling,
    scale: standard.scale,
    ...denoise,
    renew: (noisy, sigma, request) => renewed(denoise, tokens, noisy, sigma, request),
    standardise: (modulations) => {
      checkModulationNumbers(modulations, layout.length);
      return standardised(standard, modulations);
    },
    unstandardise: (z) => {
      checkModulationNumbers(z, layout.length);
      return unstandardised(standard, z);
    },
    sigmas: (steps, kind = schedule) => sigmasOf(kind, steps),
    async distilledAt(steps = sampling.steps) {
      const found = await studentAt(steps);
      return found && { steps: steps!, guidance: found.few.guidance };
    },
    sample: async (request) => {
      const asked = asSampled(sampling, request);
      const few = await studentAt(asked.steps, request.schedule);
      // It learnt its own guidance: only what was asked itself is held against that.
      if (few !== undefined) return few.sample(asked.steps!, request);
      const drawn = await drawSamples(denoise, layout.length, schedule, asked);
      return drawn.map((z) => unstandardised(standard, z));
    },
    dispose() {
      net.dispose();
      void student?.then(
        (opened) => opened.dispose(),
        () => undefined,
      );
    },
  };
}
