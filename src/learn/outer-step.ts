/**
 * One step of the outer loop: adapt, measure the rate, pull the gradient of distortion and rate back through the
 * inner steps (second-order MAML over modulations alone: CAVIA, arXiv 1810.03642; Functa, arXiv 2201.12204,
 * section 3; rate in the loss as in RECOMBINER's and COIN++'s successors, with additive noise for rounding).
 *
 * The loss of a group of one quality, m = 2^((50 - q) / 10):
 *   lambda / m^2 * MSE_255(phi + offset) + bits(phi + noise; scales, m * steps) / points,   noise uniform, m * step wide
 * where offset is the noise, or in the last phase what hard rounding adds (gradients pass rounding straight through).
 */
import type { Batch, Engine } from '../engine/engine.ts';
import { clipScale, cosineSchedule, gradientNorm } from './adam.ts';
import { massOf, sliceBatch } from './batch.ts';
import { stepRng } from './draw.ts';
import { type ChannelLayout, channelLayout } from './layout.ts';
import { addChannelDots, LogisticRate, noiseOffsets, roundingOffsets } from './rate.ts';
import type { TrainingRecipe } from './recipe.ts';
import { groupNames, type Learnt, NetworkView, type TrainerState, updateAverage } from './state.ts';

export type Phase = 'distortion' | 'noise' | 'rounded';

export function phaseAt(recipe: TrainingRecipe, step: number): Phase {
  if (step < recipe.phases.distortion) return 'distortion';
  return step < recipe.steps - recipe.phases.rounded ? 'noise' : 'rounded';
}

/** MSE on the 0..255 scale for a mean squared error of 1 in field units. */
export function errorScale255(values: TrainingRecipe['values']): number {
  return ((255 * values.scale) / values.peak) ** 2;
}

export interface StepFigures {
  readonly phase: Phase;
  readonly loss: number;
  /** Mean squared error in field units over the batch, at noisy or rounded modulations. */
  readonly mse: number;
  /** NaN before the rate is in the loss. */
  readonly bitsPerPoint: number;
  readonly gradientNorm: number;
  /** Every number was finite and the parameters were updated. */
  readonly updated: boolean;
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
  readonly #layout: ChannelLayout;
  readonly #rate: LogisticRate;
  readonly #view: NetworkView;
  readonly #gradients: Learnt;
  readonly #noise: Float32Array;
  readonly #rounding: Float32Array;
  readonly #noisy: Float32Array;
  readonly #rateGradient: Float32Array;

  constructor(engine: Engine, recipe: TrainingRecipe, state: TrainerState) {
    const layout = channelLayout(recipe.spec, recipe.shape);
    this.#engine = engine;
    this.#recipe = recipe;
    this.#layout = layout;
    this.#rate = new LogisticRate(layout);
    this.#view = new NetworkView(recipe.spec, state.learnt);
    this.#gradients = {
      weights: new Float64Array(state.learnt.weights.length),
      logRates: new Float64Array(layout.channels),
      logSteps: new Float64Array(layout.channels),
      logScales: new Float64Array(layout.channels),
    };
    const floats = () => new Float32Array((recipe.batch / recipe.quality.groups) * layout.length);
    this.#noise = floats();
    this.#rounding = floats();
    this.#noisy = floats();
    this.#rateGradient = floats();
  }

  /** The network as it is before the next step; a view that changes with each step. */
  get network() {
    return this.#view.network;
  }

  /** Updates `state` for the batch of step `state.step`, or leaves the parameters alone when a number is not finite. */
  async run(state: TrainerState, batch: Batch, signal?: AbortSignal): Promise<StepFigures> {
    const recipe = this.#recipe;
    const phase = phaseAt(recipe, state.step);
    for (const name of groupNames) this.#gradients[name].fill(0);
    const sums: Sums = { loss: 0, squares: 0, values: 0, bits: 0, points: 0 };
    const { groups, lowest, highest } = recipe.quality;
    let finite = true;
    if (phase === 'distortion') finite = await this.#group(state, batch, 1, 1, phase, sums, () => 0, signal);
    else {
      const draws = stepRng(recipe.seed, 'quality', state.step);
      const noise = stepRng(recipe.seed, 'noise', state.step);
      const uniform = () => noise.u32() / 4294967296;
      const size = batch.count / groups;
      for (let g = 0; g < groups && finite; g++) {
        const quality = lowest + ((highest - lowest) * (g + draws.uniform())) / groups;
        const part = sliceBatch(batch, g * size, (g + 1) * size);
        finite = await this.#group(
          state,
          part,
          2 ** ((50 - quality) / 10),
          1 / groups,
          phase,
          sums,
          uniform,
          signal,
        );
      }
    }
    const norm = finite ? this.#update(state, phase) : Number.NaN;
    const updated = Number.isFinite(norm);
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
    };
  }

  /** Adds gradients and figures of signals of one quality; false when a number is not finite. */
  async #group(
    state: TrainerState,
    batch: Batch,
    multiplier: number,
    share: number,
    phase: Phase,
    sums: Sums,
    uniform: () => number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const recipe = this.#recipe;
    const layout = this.#layout;
    const { logSteps, logScales } = state.learnt;
    const gradients = this.#gradients;
    const mass = massOf(batch);
    if (mass.points === 0) return true;
    const adapted = await this.#engine.adapt(this.network, batch, recipe.innerSteps, { signal });
    const length = batch.count * layout.length;
    const final = adapted.trajectory.subarray(recipe.innerSteps * length);
    if (!allFinite(final)) return false;

    const importance = share * multiplier ** recipe.quality.balance;
    const errorWeight =
      (importance * recipe.lambda * errorScale255(recipe.values)) / (multiplier * multiplier * mass.values);
    const outer = { distortionWeight: 2 * errorWeight, secondOrder: recipe.secondOrder };
    let meta: Awaited<ReturnType<Engine['metaGradient']>>;
    let nats = 0;
    const rateWeight = importance / (mass.points * Math.LN2);
    if (phase === 'distortion') {
      meta = await this.#engine.metaGradient(this.network, batch, adapted, outer, { signal });
    } else {
      const noise = this.#noise;
      const noisy = this.#noisy;
      const extraGradient = this.#rateGradient;
      noiseOffsets(layout, batch.count, logSteps, multiplier, uniform, noise);
      for (let i = 0; i < length; i++) noisy[i] = final[i]! + noise[i]!;
      nats = this.#rate.measure(noisy, logSteps, logScales, multiplier, {
        modulations: extraGradient,
        logScales: gradients.logScales,
        logSteps: gradients.logSteps,
        weight: rateWeight,
      });
      let offset = noise;
      if (phase === 'rounded') {
        offset = this.#rounding;
        roundingOffsets(layout, final, logSteps, multiplier, offset);
      }
      meta = await this.#engine.metaGradient(
        this.network,
        batch,
        adapted,
        { ...outer, offset, extraGradient },
        { signal },
      );
      // Both offsets are proportional to the step: they carry gradients to its logarithm.
      addChannelDots(layout, noise, extraGradient, gradients.logSteps);
      addChannelDots(layout, offset, meta.modulations, gradients.logSteps);
    }
    add(gradients.weights, meta.weights);
    for (let c = 0; c < layout.channels; c++)
      gradients.logRates[c]! += meta.rates[c]! * this.network.rates[c]!;
    let squares = 0;
    for (const loss of meta.losses) squares += 2 * loss;
    sums.loss += errorWeight * squares + rateWeight * nats;
    sums.squares += squares;
    sums.values += mass.values;
    sums.bits += nats / Math.LN2;
    sums.points += mass.points;
    return Number.isFinite(sums.loss);
  }

  /** The norm of the gradient over weights and log-rates; not finite, and nothing updated, when any gradient is not. */
  #update(state: TrainerState, phase: Phase): number {
    const { optimiser, steps } = this.#recipe;
    const { weights, logRates, logSteps, logScales } = this.#gradients;
    const norm = gradientNorm([weights, logRates]);
    if (!Number.isFinite(norm + gradientNorm([logSteps, logScales]))) return Number.NaN;
    const scale = clipScale(norm, optimiser.clipNorm);
    for (const gradient of [weights, logRates]) {
      if (scale !== 1) for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
    }
    const rated = phase !== 'distortion';
    const factor = cosineSchedule(state.step, steps, optimiser.warmupSteps, optimiser.finalShare);
    state.adam.step([weights, logRates, rated ? logSteps : null, rated ? logScales : null], factor);
    updateAverage(state, optimiser.emaDecay);
    this.#view.refresh(state.learnt);
    return norm;
  }
}

function add(to: Float64Array, from: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += from[i]!;
}

/** Whether no entry is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
