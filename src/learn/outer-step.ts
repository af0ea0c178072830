/**
 * One step of the outer loop: adapt, measure the rate, pull the gradient of distortion and rate back through the
 * inner steps (second-order MAML over modulations alone: CAVIA, arXiv 1810.03642; Functa, arXiv 2201.12204,
 * section 3; rate in the loss as in RECOMBINER's and COIN++'s successors, with additive noise for rounding).
 *
 * The loss of a group of one quality, m = 2^((50 - q) / 10):
 *   lambda / m^2 * MSE_255(phi + offset) + bits(phi + noise; scales, m * steps) / points,   noise uniform, m * step wide
 * where offset is the noise, or in the rounded phase what hard rounding adds (gradients pass it straight through).
 * In the coded phase half of the groups leave noise and inner steps behind: their phi is what `refineBatch` and
 * `roundBatch` find.
 */
import type { Rng } from '../core/rng.ts';
import type { Adapted, Batch, Engine, MetaGradient, OuterLoss } from '../engine/engine.ts';
import { octavesAt } from '../field/at-quality.ts';
import { type ModulationLayout, modulationLayout } from '../field/layout.ts';
import { weightLayout } from '../field/spec.ts';
import { clipScale, cosineSchedule, gradientNorm } from '../fit/adam.ts';
import { rateTerm } from '../fit/adapt.ts';
import { errorScale255, massOf, sliceBatch } from '../fit/batch.ts';
import type { Bounds } from '../fit/descent.ts';
import { loneNats } from '../fit/lone.ts';
import type { Price } from '../fit/pricing.ts';
import {
  addChannelDots,
  dequantiseByChannel,
  LogisticRate,
  multiplierAt,
  noiseOffsets,
  roundingOffsets,
} from '../fit/rate.ts';
import { refineBatch } from '../fit/refine.ts';
import { roundBatch } from '../fit/round.ts';
import { stepRng } from './draw.ts';
import { specOfSteps, type TrainingRecipe } from './recipe.ts';
import { shrinkage, smoothingNoise } from './smooth.ts';
import {
  groupNames,
  type Learnt,
  learntFrom,
  NetworkView,
  type Parameters,
  parameterNames,
  parametersAt,
  slopeOf,
  type TrainerState,
  updateAverage,
} from './state.ts';
import { rateShare, watchNorm } from './watch.ts';

export type Phase = 'distortion' | 'noise' | 'rounded' | 'coded';

export function phaseAt(recipe: TrainingRecipe, step: number): Phase {
  const { distortion, rounded, coded } = recipe.phases;
  if (step < distortion) return 'distortion';
  const left = recipe.steps - step;
  if (left <= coded) return 'coded';
  return left <= coded + rounded ? 'rounded' : 'noise';
}

export interface StepFigures {
  readonly phase: Phase;
  readonly loss: number;
  /** Mean squared error in field units over the batch, at noisy or rounded modulations. */
  readonly mse: number;
  /** NaN before the rate is in the loss. */
  readonly bitsPerPoint: number;
  readonly gradientNorm: number;
  /** The parameters were updated. */
  readonly updated: boolean;
  /** Why they were not: a number was not finite, or the gradient was far longer than all before it (watch.ts). */
  readonly left?: 'not-finite' | 'spike' | undefined;
  /** How many times its lowest in this phase the median of the norms has grown, where learning rates were halved for it. */
  readonly growth?: number | undefined;
}

/** What a trained prior charges for the symbols of one signal of the recipe's shape. */
export interface Prices {
  /** Of the prior: another one makes another run. */
  readonly id: string;
  at(quality: number): Price;
}

/** Signals of one quality, and their share of the batch. */
interface Group {
  readonly batch: Batch;
  readonly quality: number;
  readonly share: number;
}

interface Pulled {
  readonly meta: MetaGradient;
  readonly nats: number;
  /** What else the loss has, beside distortion and rate. */
  readonly more?: number;
}

interface Sums {
  loss: number;
  squares: number;
  values: number;
  bits: number;
  points: number;
}

/** Runs outer steps; its buffers are reused from step to step. */
export class OuterStepper {
  readonly #engine: Engine;
  readonly #recipe: TrainingRecipe;
  readonly #layout: ModulationLayout;
  readonly #rate: LogisticRate;
  readonly #view: NetworkView;
  readonly #gradients: Learnt;
  /** Of one group of a batch, at its quality. */
  readonly #own: Parameters;
  readonly #noise: Float32Array;
  readonly #rounding: Float32Array;
  readonly #moved: Float32Array;
  readonly #rateGradient: Float32Array;
  /** Of whole batches, in learning for generation. */
  readonly #offset: Float32Array;
  readonly #offsetGradient: Float32Array;
  readonly #prices: Prices | undefined;
  #draws: Rng;

  constructor(engine: Engine, recipe: TrainingRecipe, state: TrainerState, prices?: Prices) {
    const layout = modulationLayout(recipe.spec, recipe.shape);
    this.#engine = engine;
    this.#recipe = recipe;
    this.#layout = layout;
    this.#rate = new LogisticRate(layout);
    this.#prices = prices;
    this.#view = new NetworkView(specOfSteps(recipe), state.learnt);
    const zeros = () => ({
      weights: new Float64Array(state.learnt.weights.length),
      logRates: new Float64Array(state.learnt.logRates.length),
      logSteps: new Float64Array(layout.channels),
      logScales: new Float64Array(layout.channels),
    });
    this.#gradients = learntFrom(zeros(), recipe.quality.slopes);
    this.#own = zeros();
    const floats = () => new Float32Array((recipe.batch / recipe.quality.groups) * layout.length);
    this.#noise = floats();
    this.#rounding = floats();
    this.#moved = floats();
    this.#draws = stepRng(recipe.seed, 'noise', state.step);
    this.#rateGradient = floats();
    const whole = () => new Float32Array(recipe.smooth === undefined ? 0 : recipe.batch * layout.length);
    this.#offset = whole();
    this.#offsetGradient = whole();
  }

  /** The network as it is before the next step, at the quality last looked at; a view that changes. */
  get network() {
    return this.#view.network;
  }

  /** Updates `state` for the batch of step `state.step`, or leaves the parameters alone: see `left` of the figures. */
  async run(state: TrainerState, batch: Batch, signal?: AbortSignal): Promise<StepFigures> {
    const recipe = this.#recipe;
    const phase = phaseAt(recipe, state.step);
    for (const name of groupNames) this.#gradients[name].fill(0);
    const sums: Sums = { loss: 0, squares: 0, values: 0, bits: 0, points: 0 };
    const { groups, lowest, highest } = recipe.quality;
    let finite = true;
    if (phase === 'distortion')
      finite = await this.#group(state, { batch, quality: 50, share: 1 }, phase, sums, signal);
    else {
      const draws = stepRng(recipe.seed, 'quality', state.step);
      this.#draws = stepRng(recipe.seed, 'noise', state.step);
      const size = batch.count / groups;
      for (let g = 0; g < groups && finite; g++) {
        const quality = lowest + ((highest - lowest) * (g + draws.uniform())) / groups;
        const group = { batch: sliceBatch(batch, g * size, (g + 1) * size), quality, share: 1 / groups };
        // Every other group of the coded phase is learnt as before it, or the inner steps would lose their way.
        const kind = phase === 'coded' && (g + state.step) % 2 === 1 ? 'rounded' : phase;
        finite = await this.#group(state, group, kind, sums, signal);
      }
    }
    const norm = finite ? this.#norm() : Number.NaN;
    const share = rateShare(state.watch);
    const judged = Number.isFinite(norm) ? watchNorm(state.watch, phase, norm) : undefined;
    const left = judged === undefined ? 'not-finite' : judged.spike ? 'spike' : undefined;
    const updated = left === undefined;
    if (updated) this.#update(state, phase, norm, share);
    state.step++;
    state.skippedInRow = updated ? 0 : state.skippedInRow + 1;
    if (!updated) state.skipped++;
    return {
      phase,
      loss: sums.loss,
      mse: sums.squares / sums.values,
      bitsPerPoint: phase === 'distortion' ? Number.NaN : sums.bits / sums.points,
      gradientNorm: norm,
      updated,
      left,
      growth: judged?.growth,
    };
  }

  /** Adds gradients and figures of signals of one quality; false when a number is not finite. */
  async #group(
    state: TrainerState,
    group: Group,
    phase: Phase,
    sums: Sums,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const recipe = this.#recipe;
    const { batch, quality, share } = group;
    const mass = massOf(batch);
    if (mass.points === 0) return true;
    const octaves = octavesAt(quality);
    const learnt = parametersAt(state.learnt, octaves);
    this.#view.refresh(learnt);
    for (const name of parameterNames) this.#own[name].fill(0);
    const adapted = await this.#engine.adapt(this.network, batch, recipe.innerSteps, { signal });
    const final = adapted.trajectory.slice(recipe.innerSteps * batch.count * this.#layout.length);
    if (!allFinite(final)) return false;

    const multiplier = multiplierAt(quality);
    const importance = share * multiplier ** recipe.quality.balance;
    const errorWeight =
      (importance * recipe.lambda * errorScale255(recipe.values)) / (multiplier * multiplier * mass.values);
    const rateWeight = importance / (mass.points * Math.LN2);
    const outer = { distortionWeight: 2 * errorWeight, secondOrder: recipe.secondOrder };
    const {
      meta,
      nats,
      more = 0,
    } = phase === 'distortion'
      ? await this.#distortion(state.step, batch, adapted, final, outer, signal)
      : phase === 'coded'
        ? await this.#coded(learnt, group, final, outer, rateWeight, signal)
        : await this.#noisy(learnt, group, adapted, final, outer, rateWeight, phase, signal);

    const { weights, logRates } = this.#own;
    for (let i = 0; i < weights.length; i++) weights[i]! += meta.weights[i]!;
    for (let c = 0; c < logRates.length; c++) logRates[c]! += meta.rates[c]! * this.network.rates[c]!;
    this.#spread(octaves);
    let squares = 0;
    for (const loss of meta.losses) squares += 2 * loss;
    sums.loss += errorWeight * squares + rateWeight * nats + more;
    sums.squares += squares;
    sums.values += mass.values;
    sums.bits += nats / Math.LN2;
    sums.points += mass.points;
    return Number.isFinite(sums.loss);
  }

  /** Adds the gradients of a group to those of what is learnt. */
  #spread(octaves: number): void {
    for (const name of parameterNames) {
      const own = this.#own[name];
      const at50 = this.#gradients[name];
      const slope = this.#gradients[slopeOf(name)];
      for (let i = 0; i < own.length; i++) at50[i]! += own[i]!;
      for (let i = 0; i < slope.length; i++) slope[i]! += octaves * own[i]!;
    }
  }

  /** Distortion alone, at the modulations that were found; in learning for generation, near them. */
  async #distortion(
    step: number,
    batch: Batch,
    adapted: Adapted,
    final: Float32Array,
    outer: OuterLoss,
    signal: AbortSignal | undefined,
  ): Promise<Pulled> {
    const { smooth, seed } = this.#recipe;
    if (smooth === undefined) {
      return {
        meta: await this.#engine.metaGradient(this.network, batch, adapted, outer, { signal }),
        nats: 0,
      };
    }
    const offset = this.#offset;
    const extraGradient = this.#offsetGradient;
    smoothingNoise(this.#layout, final, smooth, stepRng(seed, 'noise', step), offset);
    const more = shrinkage(final, smooth, extraGradient);
    const smoothed = { ...outer, offset, extraGradient };
    const meta = await this.#engine.metaGradient(this.network, batch, adapted, smoothed, { signal });
    return { meta, nats: 0, more };
  }

  /** Rate at noisy modulations, distortion at noisy or rounded ones, both pulled back through the inner steps. */
  async #noisy(
    learnt: Parameters,
    { batch, quality }: Group,
    adapted: Adapted,
    final: Float32Array,
    outer: OuterLoss,
    rateWeight: number,
    phase: 'noise' | 'rounded',
    signal: AbortSignal | undefined,
  ): Promise<Pulled> {
    const layout = this.#layout;
    const { logSteps } = learnt;
    const noise = this.#noise;
    const multiplier = multiplierAt(quality);
    const draws = this.#draws;
    noiseOffsets(layout, batch.count, logSteps, multiplier, () => draws.u32() / 4294967296, noise);
    const moved = this.#moved;
    for (let i = 0; i < final.length; i++) moved[i] = final[i]! + noise[i]!;
    const nats = this.#rateAt(moved, learnt, multiplier, rateWeight);
    const offset = phase === 'noise' ? noise : this.#rounding;
    if (phase === 'rounded') roundingOffsets(layout, final, logSteps, multiplier, offset);
    const extraGradient = this.#rateGradient;
    const meta = await this.#engine.metaGradient(
      this.network,
      batch,
      adapted,
      { ...outer, offset, extraGradient },
      { signal },
    );
    // Both offsets are proportional to the step: they carry gradients to its logarithm.
    addChannelDots(layout, noise, extraGradient, this.#own.logSteps);
    addChannelDots(layout, offset, meta.modulations, this.#own.logSteps);
    return { meta, nats };
  }

  /**
   * What a coder would do: refined modulations and symbols chosen under the rate. At the symbols that make the loss
   * least, its gradient to everything shared is the partial one (envelope theorem), steps and scales included.
   */
  async #coded(
    learnt: Parameters,
    { batch, quality }: Group,
    final: Float32Array,
    outer: OuterLoss,
    rateWeight: number,
    signal: AbortSignal | undefined,
  ): Promise<Pulled> {
    const layout = this.#layout;
    const { lambda, values, coded } = this.#recipe;
    const multiplier = multiplierAt(quality);
    const steps = learnt.logSteps.map(Math.exp);
    const scales = learnt.logScales.map(Math.exp);
    const rate = rateTerm({ lambda, values, steps, scales }, batch, quality);
    const refined = await refineBatch(this.#engine, this.network, batch, final, {
      turns: coded.refineTurns,
      rate,
      signal,
    });
    // Its own scales and steps don't change what a prior charges for symbols: nothing is missing from the gradient.
    const price = this.#prices?.at(quality);
    const { symbols, targets } = await roundBatch(this.#engine, this.network, batch, refined.modulations, {
      turns: coded.roundTurns,
      rate,
      price,
      ...(coded.pictures === true ? { loneNats, bounds: boundsOf(values) } : {}),
      signal,
    });
    const decoded = this.#moved;
    dequantiseByChannel(layout, symbols, rate.steps, decoded);
    const nats = this.#rateAt(decoded, learnt, multiplier, rateWeight);
    const adapted = { trajectory: decoded, losses: new Float64Array(0) };
    // Without inner steps the targets are the outer loss's alone: where values are clipped, what they are beyond a bound.
    const met = { ...batch, targets };
    const meta = await this.#engine.metaGradient(this.network, met, adapted, outer, { signal });
    addChannelDots(layout, decoded, this.#rateGradient, this.#own.logSteps);
    addChannelDots(layout, decoded, meta.modulations, this.#own.logSteps);
    return { meta, nats };
  }

  /** Nats of `modulations`, with gradients added to those of steps and scales, and written for modulations. */
  #rateAt(
    modulations: Float32Array,
    { logSteps, logScales }: Parameters,
    multiplier: number,
    weight: number,
  ): number {
    return this.#rate.measure(modulations, logSteps, logScales, multiplier, {
      modulations: this.#rateGradient,
      logScales: this.#own.logScales,
      logSteps: this.#own.logSteps,
      weight,
    });
  }

  /** Gradients over weights and log-rates: those that are clipped. */
  get #clipped(): Float64Array[] {
    const all = this.#gradients;
    return [all.weights, all.logRates, all.weightsSlope, all.logRatesSlope];
  }

  /** The norm of the gradient over weights and log-rates; not finite when any gradient is not. */
  #norm(): number {
    const all = gradientNorm(groupNames.map((name) => this.#gradients[name]));
    return Number.isFinite(all) ? gradientNorm(this.#clipped) : Number.NaN;
  }

  #update(state: TrainerState, phase: Phase, norm: number, share: number): void {
    const { optimiser, steps } = this.#recipe;
    const all = this.#gradients;
    const scale = clipScale(norm, optimiser.clipNorm);
    for (const gradient of this.#clipped) {
      if (scale !== 1) for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
    }
    const schedule = cosineSchedule(state.step, steps, optimiser.warmupSteps, optimiser.finalShare);
    const factor = schedule * share;
    const unrated: readonly string[] = ['weights', 'logRates'];
    const updated = (name: string) => phase !== 'distortion' || unrated.includes(name);
    state.adam.step(
      groupNames.map((name) => (updated(name) ? all[name] : null)),
      factor,
    );
    const kept = 1 - optimiser.weights * factor * optimiser.coordinateDecay;
    const { at, rows } = weightLayout(this.#recipe.spec).w[0]!;
    const end = at + rows * this.#recipe.spec.width;
    for (const learnt of [state.learnt.weights, state.learnt.weightsSlope]) {
      for (let i = at; i < Math.min(end, learnt.length); i++) learnt[i]! *= kept;
    }
    updateAverage(state, optimiser.emaDecay);
    this.#view.refresh(state.learnt);
  }
}

/** Whether no entry is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}

/** Field values of the lowest and the highest sample. */
export function boundsOf({ offset, scale, peak, low = 0 }: TrainingRecipe['values']): Bounds | undefined {
  return scale > 0 ? [(low - offset) / scale, (low + peak - offset) / scale] : undefined;
}
