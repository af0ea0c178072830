/**
 * Noise levels. A sample is z + sigma n; the levels of a variance-preserving process are the same up to a scale, so one
 * denoiser serves both samplers:
 *
 * - `edm`: T. Karras et al., arXiv 2206.00364: sigmas of equation 5, Heun's method (algorithm 1), training levels
 *   log-normal (table 1);
 * - `cosine`: A. Nichol and P. Dhariwal, arXiv 2102.09672, equation 17, as Functa used it: sigma = tan of the angle,
 *   ancestral steps of fixed variance, training levels uniform in time.
 */
import { BadInputError } from '../../src/core/errors.ts';

export type ScheduleKind = 'edm' | 'cosine';

/** Of the natural logarithms of training levels. */
interface NoiseRange {
  readonly meanLog: number;
  readonly deviationLog: number;
}

export const sigmaMin = 0.004;
export const sigmaMax = 80;
/** Of the schedule's: see equation 5. */
const rho = 7;
/** Up to so many steps a sampler passes the network once a step, over the levels at which most is decided. */
export const fewSteps = 8;
const few = { max: 12, min: 0.08 };
/** Log-normal training levels: those of table 1, whose data deviate by 0.5, for data that deviate by 1. */
const table1: NoiseRange = { meanLog: -0.5, deviationLog: 1.2 };
/** Nichol and Dhariwal's s. */
const offset = 0.008;

/** [steps + 1] falling noise levels, the last one 0. Throws BadInputError `sample-steps`. */
export function sigmasOf(kind: ScheduleKind, steps: number): Float64Array {
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > 1000) {
    throw new BadInputError('sample-steps', `a sample takes 1 to 1000 steps, not ${steps}`);
  }
  const sigmas = new Float64Array(steps + 1);
  const { max, min } = steps <= fewSteps ? few : { max: sigmaMax, min: sigmaMin };
  for (let i = 0; i < steps; i++) {
    const part = i / Math.max(1, steps - 1);
    sigmas[i] =
      kind === 'edm'
        ? (max ** (1 / rho) + part * (min ** (1 / rho) - max ** (1 / rho))) ** rho
        : cosineSigma(1 - i / steps);
  }
  return sigmas;
}

/**
 * Of a training item: from a normal deviate, or from a number in (0, 1). `between`: the two levels of `edm` that two thirds of all items lie
 * between; default 0.18 and 2, those of table 1.
 */
export function trainingSigma(
  kind: ScheduleKind,
  normal: number,
  uniform: number,
  between?: readonly number[] | undefined,
): number {
  if (kind === 'cosine') return cosineSigma(uniform);
  const { meanLog, deviationLog } = between === undefined ? table1 : rangeOf(between);
  return Math.exp(meanLog + deviationLog * normal);
}

/** Throws BadInputError `prior-training`. */
function rangeOf(between: readonly number[]): NoiseRange {
  const [low = 0, high = 0] = between;
  if (!(between.length === 2 && low >= sigmaMin && high > low && high <= sigmaMax)) {
    throw new BadInputError(
      'prior-training',
      `noise levels of a training are two rising numbers from ${sigmaMin} to ${sigmaMax}, not ${between}`,
    );
  }
  return {
    meanLog: (Math.log(low) + Math.log(high)) / 2,
    deviationLog: (Math.log(high) - Math.log(low)) / 2,
  };
}

/** Standard deviation of noise over that of signal at time t in [0, 1]. */
function cosineSigma(t: number): number {
  const angle = ((t + offset) / (1 + offset)) * (Math.PI / 2);
  const first = ((offset / (1 + offset)) * Math.PI) / 2;
  // The signal's power is cos^2(angle) / cos^2(first).
  const power = Math.min(1, (Math.cos(angle) / Math.cos(first)) ** 2);
  return Math.min(sigmaMax, Math.max(sigmaMin, Math.sqrt((1 - power) / Math.max(power, 1e-12))));
}

/** Equation 7 and table 1 with data of unit variance: D(x) = skip x + out F(in x). */
export function preconditioning(sigma: number): {
  readonly skip: number;
  readonly out: number;
  readonly in: number;
} {
  const total = Math.sqrt(sigma * sigma + 1);
  return { skip: 1 / (total * total), out: sigma / total, in: 1 / total };
}
