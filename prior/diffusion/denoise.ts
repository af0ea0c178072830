/** The denoiser as a function of arrays: preconditioned, with the guidance of a label (J. Ho and T. Salimans, arXiv 2207.12598). */
import { BadInputError, NotFoundError } from '../../src/core/errors.ts';
import { labelText } from '../../src/core/label.ts';
import type { Label } from '../train/standard.ts';
import { fromTokens, type TokenLayout, toTokens } from '../train/tokens.ts';
import { highestOf, type Levels, levelOf, tokenFeatures } from './levels.ts';
import { type DenoiserInput, type DenoiserNet, levelFeatures, levelNumbers } from './net.ts';
import { preconditioning } from './schedule.ts';

export interface DenoiseOptions {
  /** One of the prior's labels; absent: any. */
  readonly label?: Label | undefined;
  /** 1: what the label says; above: more of what sets it apart, 0: as without a label. Default 1; of samples, what the prior's card says. */
  readonly guidance?: number | undefined;
}

export interface Denoise {
  /**
   * Mean of z given z + sigma n: `noisy` and the result are [count, m], standardised. `sigma` may be of each token where the prior
   * knows `tokenLevels`. Throws BadInputError `sigma`, `modulation`, `no-labels` or `guidance`, NotFoundError `unknown-label`.
   */
  denoise(noisy: Float32Array, sigma: Levels, options?: DenoiseOptions): Float32Array;
  /** [count, m]: the transposed Jacobian of `denoise` at `noisy` times `cotangent` [count, m]; and `denoise` itself. */
  pullBack(
    noisy: Float32Array,
    sigma: Levels,
    cotangent: (denoised: Float32Array) => Float32Array,
    options?: DenoiseOptions,
  ): { readonly denoised: Float32Array; readonly gradient: Float32Array };
}

export const maxGuidance = 20;

export function createDenoise(
  net: DenoiserNet,
  layout: TokenLayout,
  labels: readonly Label[],
  tokenLevels: boolean,
): Denoise {
  const { tokens, slots, length } = layout;
  const row = tokens * slots;

  function prepare(noisy: Float32Array, sigma: Levels, { label, guidance = 1 }: DenoiseOptions) {
    checkLevels(sigma, tokens, tokenLevels);
    if (noisy.length === 0 || noisy.length % length !== 0) {
      throw new BadInputError('modulation', `numbers by the ${length} are needed, not ${noisy.length}`);
    }
    checkGuidance(guidance);
    const count = noisy.length / length;
    const index = labelIndex(labels, label);
    // Items of the network: with the label, without it, or first with it and then without.
    const both = index !== undefined && guidance !== 1 && guidance !== 0;
    const withLabel = index !== undefined && guidance !== 0;
    const rows = both ? 2 * count : count;
    const features = levelFeatures(highestOf(sigma));
    // [row] each.
    const skip = new Float64Array(row);
    const out = new Float64Array(row);
    const scale = new Float64Array(row);
    for (let t = 0; t < tokens; t++) {
      const own = preconditioning(levelOf(sigma, t));
      skip.fill(own.skip, t * slots, (t + 1) * slots);
      out.fill(own.out, t * slots, (t + 1) * slots);
      scale.fill(own.in, t * slots, (t + 1) * slots);
    }
    const x = toTokens(layout, noisy);
    const given = new Float32Array(rows * row);
    for (let i = 0; i < given.length; i++) given[i] = scale[i % row]! * x[i % x.length]!;
    const level = new Float32Array(rows * features.length);
    for (let i = 0; i < rows; i++) level.set(features, i * features.length);
    const levels = new Float32Array(tokenLevels ? rows * tokens * levelNumbers : 0);
    if (tokenLevels) {
      const item = levels.subarray(0, tokens * levelNumbers);
      tokenFeatures(sigma, item);
      for (let i = 1; i < rows; i++) levels.set(item, i * item.length);
    }
    const input: DenoiserInput = {
      count: rows,
      x: given,
      level,
      levels,
      label: oneHot(rows, labels.length, withLabel ? count : 0, index ?? 0),
    };
    /** [count, row] of what the network found, guided, and less its noise. */
    const denoised = (found: Float32Array) => {
      const half = count * row;
      return x.map((value, i) => {
        const field = both ? found[half + i]! + (found[i]! - found[half + i]!) * guidance : found[i]!;
        return skip[i % row]! * value + out[i % row]! * field;
      });
    };
    /** What a gradient [count, row] with respect to the denoised is for what the network found. */
    const toFound = (gradient: Float32Array) => {
      const half = count * row;
      return given.map((_, i) => {
        const share = !both ? 1 : i < half ? guidance : 1 - guidance;
        return out[i % row]! * share * gradient[i % half]!;
      });
    };
    /** And for the noisy, given what it is for the network's input. */
    const toNoisy = (gradient: Float32Array, toInput: Float32Array) => {
      const half = count * row;
      return gradient.map((value, i) => {
        const through = both ? toInput[i]! + toInput[half + i]! : toInput[i]!;
        return skip[i % row]! * value + scale[i % row]! * through;
      });
    };
    return { input, denoised, toFound, toNoisy };
  }

  return {
    denoise(noisy, sigma, options = {}) {
      const { input, denoised } = prepare(noisy, sigma, options);
      return fromTokens(layout, denoised(net.predict(input)));
    },

    pullBack(noisy, sigma, cotangent, options = {}) {
      const { input, denoised, toFound, toNoisy } = prepare(noisy, sigma, options);
      let found: Float32Array = new Float32Array(0);
      let gradient: Float32Array = new Float32Array(0);
      const toInput = net.pullToInput(input, (values) => {
        found = fromTokens(layout, denoised(values));
        gradient = toTokens(layout, cotangent(found));
        return toFound(gradient);
      });
      return { denoised: found, gradient: fromTokens(layout, toNoisy(gradient, toInput)) };
    },
  };
}

/** Throws BadInputError `sigma`. */
function checkLevels(sigma: Levels, tokens: number, tokenLevels: boolean): void {
  const all = typeof sigma === 'number' ? [sigma] : Array.from(sigma);
  const bad = all.find((level) => !(Number.isFinite(level) && level > 0));
  if (bad !== undefined) {
    throw new BadInputError('sigma', `a noise level is a number above 0, not ${bad}`);
  }
  if (typeof sigma === 'number' || (tokenLevels && all.length === tokens)) return;
  const known = tokenLevels ? `${tokens} tokens` : 'one noise level for all tokens';
  throw new BadInputError('sigma', `this prior knows ${known}; ${all.length} noise levels were given`);
}

/** Throws BadInputError `guidance`. */
export function checkGuidance(guidance: number): void {
  if (!(guidance >= 0 && guidance <= maxGuidance)) {
    throw new BadInputError('guidance', `guidance is a number from 0 to ${maxGuidance}, not ${guidance}`);
  }
}

/** Throws BadInputError `no-labels` for a prior without any, NotFoundError `unknown-label`. */
export function labelIndex(labels: readonly Label[], label: Label | undefined): number | undefined {
  if (label === undefined) return undefined;
  if (labels.length === 0) {
    throw new BadInputError('no-labels', 'this prior knows no labels; leave the label out');
  }
  const index = labels.findIndex((known) => labelText(known) === labelText(label));
  if (index >= 0) return index;
  throw new NotFoundError(
    'unknown-label',
    `no label is called ${String(label).slice(0, 64)}; there are: ${labels.join(', ')}`,
  );
}

/** [rows, labels]: the first `marked` rows carry label `index`. */
export function oneHot(rows: number, labels: number, marked: number, index: number): Float32Array {
  const values = new Float32Array(rows * Math.max(1, labels));
  for (let i = 0; i < marked; i++) values[i * labels + index] = 1;
  return values;
}
