/** The outer loop: learns a base network, quantiser steps and scales from a source of signals. Silent: it emits events. */
import { access } from 'node:fs/promises';
import { AbortedError, BadInputError, ConflictError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { initialWeights } from '../field/initialise.ts';
import { type BaseNetwork, ratesLength, totalChannels, weightLayout } from '../field/spec.ts';
import { coarseToFine, lowersLoss, startRates } from '../fit/start-rates.ts';
import type { SignalSource } from '../signal/source.ts';
import { type Calibration, calibrate } from './calibrate.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { BatchDrawer, stepRng } from './draw.ts';
import { Reporter, type TrainEvent } from './events.ts';
import { OuterStepper, type Prices } from './outer-step.ts';
import { checkRecipe, recipeDigest, specOfSteps, type TrainingRecipe } from './recipe.ts';
import { startDirectly } from './start-from.ts';
import { freshState, type Learnt, learntFrom, NetworkView, type TrainerState } from './state.ts';
import { type ValidationRecord, Validator } from './validate.ts';
import { rateShare, watchRule } from './watch.ts';

/** Consecutive steps that may be left out before a run counts as lost. */
const MAX_SKIPPED = 10;
/** How often start rates are halved at most. */
const MAX_START_CUTS = 20;

export interface TrainerOptions {
  readonly engine: Engine;
  readonly source: SignalSource;
  /** Signals that are not learnt from. */
  readonly validation?: SignalSource | undefined;
  readonly recipe: TrainingRecipe;
  readonly checkpointPath?: string | undefined;
  /** `true`: go on from the checkpoint, which must exist; `auto`: if it exists; `false` (default): it must not exist. */
  readonly resume?: boolean | 'auto' | undefined;
  /** Learn on from a trained network instead of random weights. */
  readonly start?:
    | {
        readonly network: BaseNetwork;
        readonly steps?: Float32Array;
        readonly scales?: Float32Array;
        readonly slopes?: Slopes | undefined;
      }
    | undefined;
  /** For recipes whose coded phase is priced. */
  readonly prices?: Prices | undefined;
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
  /** Aborting writes a checkpoint, then throws AbortedError. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; for rates and time left in events. */
  readonly now?: (() => number) | undefined;
}

/**
 * How what was learnt changes for one octave of the quantiser's steps, ten points of quality: weights by so much, the others by a
 * factor of two to so much.
 */
export interface Slopes {
  readonly weights: Float32Array;
  /** [channels]. */
  readonly rates: Float32Array;
  readonly steps: Float32Array;
  readonly scales: Float32Array;
}

/** At quality 50. */
export interface Trained {
  readonly network: BaseNetwork;
  /** Quantiser step of every channel at quality 50, [channels]. */
  readonly steps: Float32Array;
  /** Scale of the logistic of every channel, [channels]. */
  readonly scales: Float32Array;
  /** Absent: the same at every quality. */
  readonly slopes: Slopes | undefined;
  readonly history: readonly ValidationRecord[];
  readonly skipped: number;
  /** How often learning rates were halved because gradients grew. */
  readonly rateCuts: number;
}

/**
 * Runs a recipe to its end. What comes out depends on recipe, source and engine alone: a run that was stopped, or
 * killed, and resumed gives the same bits.
 *
 * Throws BadInputError `bad-recipe`, `no-prices`, `signal-channels`, `signal-shape`, `diverged` (ten steps in a row that were left
 * out, gradients that grow whatever the learning rates, inner steps that never lower the loss); ConflictError `checkpoint-exists`, `other-recipe`; NotFoundError `no-checkpoint`; EnvironmentError
 * `disk-full`, `cannot-write`; AbortedError.
 */
export async function train(options: TrainerOptions): Promise<Trained> {
  const { engine, source, validation, checkpointPath, signal } = options;
  const emit = options.onEvent ?? (() => undefined);
  const now = options.now ?? (() => performance.now());
  const recipe = checkRecipe(options.recipe);
  for (const { name, channels } of validation ? [source, validation] : [source]) {
    if (channels !== recipe.spec.outputs) {
      throw new BadInputError(
        'signal-channels',
        `${name} has ${channels} channels, the recipe's field has ${recipe.spec.outputs} outputs`,
      );
    }
  }
  if (recipe.coded.priced && options.prices === undefined) {
    throw new BadInputError(
      'no-prices',
      'the coded phase of this recipe is priced: learn on from a model of the same levels that has an autoregressive prior',
    );
  }
  const digest = digestOf(recipe, options);
  const drawer = new BatchDrawer(source, {
    shape: recipe.shape,
    count: recipe.batch,
    seed: recipe.seed,
    range: recipe.values,
    crops: recipe.crops,
    flips: recipe.flips,
  });
  const state = await openState(recipe, digest, options);
  if (state.step === 0) {
    const share = await fitStartRates(engine, recipe, state.learnt, await drawer.draw(0), signal);
    if (share < 1) emit({ type: 'start-rates-cut', step: 0, steps: recipe.steps, share });
  }
  const stepper = new OuterStepper(engine, recipe, state, options.prices);
  const validator = validation && new Validator(engine, validation, recipe);
  const save = async () => {
    if (checkpointPath === undefined) return;
    await saveCheckpoint(checkpointPath, state, recipe, digest);
    emit({ type: 'checkpoint', step: state.step, steps: recipe.steps, path: checkpointPath });
  };
  const startQuantiser = async (batch: Batch) => {
    const { network } = stepper;
    const { trajectory } = await engine.adapt(network, batch, recipe.innerSteps, { signal });
    const final = trajectory.slice(recipe.innerSteps * (trajectory.length / (recipe.innerSteps + 1)));
    setQuantiser(state, await calibrate(engine, network, recipe, final, signal));
  };
  const report = new Reporter(recipe, state, now);
  emit(report.start());

  let pending: ReturnType<BatchDrawer['draw']> | undefined;
  try {
    while (state.step < recipe.steps) {
      if (signal?.aborted) throw new AbortedError();
      const batch = await (pending ?? drawer.draw(state.step));
      pending = undefined;
      if (!state.calibrated && state.step >= recipe.phases.distortion) await startQuantiser(batch);
      const running = stepper.run(state, batch, signal);
      // The next batch is read while the engine works.
      if (state.step + 1 < recipe.steps) {
        pending = drawer.draw(state.step + 1);
        pending.catch(() => undefined);
      }
      const figures = await running;
      if (!figures.updated) {
        const { left: why = 'not-finite', gradientNorm } = figures;
        emit({
          type: 'skipped',
          step: state.step,
          steps: recipe.steps,
          inRow: state.skippedInRow,
          why,
          gradientNorm,
        });
        if (state.skippedInRow >= MAX_SKIPPED)
          throw diverged(`${MAX_SKIPPED} steps in a row up to ${state.step} were left out (${why})`);
      }
      if (figures.growth !== undefined) {
        const { growth } = figures;
        emit({
          type: 'rates-cut',
          step: state.step,
          steps: recipe.steps,
          growth,
          share: rateShare(state.watch),
        });
        if (state.watch.cuts >= watchRule.mostCuts)
          throw diverged(
            `up to step ${state.step} gradients have grown ${growth.toFixed(0)}-fold, and halving learning rates ${watchRule.mostCuts} times did not stop it`,
          );
      }
      report.add(figures);
      if (state.step % recipe.reportEvery === 0 || state.step === recipe.steps) emit(report.progress());
      const last = state.step === recipe.steps;
      if (last && !state.calibrated) await startQuantiser(batch);
      if (validator && recipe.validation.every > 0 && (last || state.step % recipe.validation.every === 0)) {
        const best = state.average ?? state.learnt;
        const record = await validator.measure(best, state.calibrated, state.step, signal);
        state.history.push(record);
        emit({ type: 'validation', steps: recipe.steps, ...record });
      }
      if (last || state.step % recipe.checkpointEvery === 0) await save();
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    await save();
    const where = checkpointPath === undefined ? 'nothing was kept' : `resume from ${checkpointPath}`;
    throw new AbortedError(`stopped on request after ${state.step} of ${recipe.steps} steps; ${where}`);
  } finally {
    await pending?.catch(() => undefined);
  }
  emit(report.done());
  const learnt = state.average ?? state.learnt;
  return {
    network: new NetworkView(recipe.spec, learnt).network,
    steps: Float32Array.from(learnt.logSteps, Math.exp),
    scales: Float32Array.from(learnt.logScales, Math.exp),
    slopes: recipe.quality.slopes ? slopesOf(learnt) : undefined,
    history: state.history,
    skipped: state.skipped,
    rateCuts: state.watch.cuts,
  };
}

/**
 * Halves the inner rates, in place, until the inner steps lower the loss of a batch; how much of them is left. Rates come from how the
 * field answers at phi = 0, which says nothing of these signals. Throws BadInputError `diverged` where no rates do.
 */
async function fitStartRates(
  engine: Engine,
  recipe: TrainingRecipe,
  learnt: Learnt,
  batch: Batch,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (let cuts = 0; cuts <= MAX_START_CUTS; cuts++) {
    const { network } = new NetworkView(specOfSteps(recipe), learnt);
    if (await lowersLoss(engine, network, batch, recipe.innerSteps, signal)) {
      return 2 ** -cuts;
    }
    for (let c = 0; c < learnt.logRates.length; c++) learnt.logRates[c]! -= Math.LN2;
  }
  throw diverged(
    `inner steps raise the loss of the first batch even at 2^-${MAX_START_CUTS} of their start rates`,
  );
}

/** The state to go on from: a checkpoint, a given network, or random weights with rates that fit them. */
async function openState(
  recipe: TrainingRecipe,
  digest: string,
  options: TrainerOptions,
): Promise<TrainerState> {
  const { engine, checkpointPath, resume = false, start, signal } = options;
  const spec = specOfSteps(recipe);
  if (checkpointPath === undefined && resume === true) {
    throw new BadInputError('no-checkpoint-path', 'resuming needs the path of a checkpoint');
  }
  if (checkpointPath !== undefined) {
    const exists = resume === true || (await isThere(checkpointPath));
    if (exists && resume === false) {
      throw new ConflictError(
        'checkpoint-exists',
        `${checkpointPath} holds a run already; resume it, or remove the file to learn anew`,
      );
    }
    if (exists) return loadCheckpoint(checkpointPath, recipe, digest);
  }
  const channels = totalChannels(spec);
  if (start !== undefined) {
    const { network, steps, scales, slopes } = start;
    if (
      network.weights.length !== weightLayout(spec).length ||
      network.rates.length !== ratesLength(spec, network.rates.length)
    ) {
      throw new BadInputError(
        'start-network',
        'the network to start from has another size than the recipe says',
      );
    }
    const parameters = {
      weights: Float64Array.from(network.weights),
      logRates: Float64Array.from(network.rates, Math.log),
      logSteps: Float64Array.from(steps ?? new Float32Array(channels).fill(1), Math.log),
      logScales: Float64Array.from(scales ?? new Float32Array(channels).fill(1), Math.log),
    };
    const flat = learntFrom(parameters, recipe.quality.slopes);
    const learnt = recipe.quality.slopes && slopes ? { ...flat, ...learntSlopes(slopes) } : flat;
    return freshState(recipe, learnt, steps !== undefined && scales !== undefined);
  }
  const uniform = stepRng(recipe.seed, 'weights', 0);
  const weights = initialWeights(spec, () => uniform.uniform());
  const net = { spec, weights, rates: new Float32Array(channels).fill(1) };
  const probes = stepRng(recipe.seed, 'probes', 0);
  const stepwise = recipe.startRates.coarseToFine === true;
  if (stepwise) startDirectly(spec, weights, () => true);
  const even = await startRates(engine, net, recipe.shape, probes, { ...recipe.startRates, signal });
  const rates = stepwise ? coarseToFine(spec, even, recipe.innerSteps) : even;
  const parameters = {
    weights: Float64Array.from(weights),
    logRates: Float64Array.from(rates, Math.log),
    logSteps: new Float64Array(channels),
    logScales: new Float64Array(channels),
  };
  return freshState(recipe, learntFrom(parameters, recipe.quality.slopes), false);
}

function slopesOf({ weightsSlope, logRatesSlope, logStepsSlope, logScalesSlope }: Learnt): Slopes {
  const octaves = (slope: Float64Array) => Float32Array.from(slope, (x) => x / Math.LN2);
  return {
    weights: Float32Array.from(weightsSlope),
    rates: octaves(logRatesSlope),
    steps: octaves(logStepsSlope),
    scales: octaves(logScalesSlope),
  };
}

function learntSlopes({ weights, rates, steps, scales }: Slopes) {
  const logs = (slope: Float32Array) => Float64Array.from(slope, (x) => x * Math.LN2);
  return {
    weightsSlope: Float64Array.from(weights),
    logRatesSlope: logs(rates),
    logStepsSlope: logs(steps),
    logScalesSlope: logs(scales),
  };
}

function setQuantiser(state: TrainerState, { logSteps, logScales }: Calibration): void {
  for (const learnt of state.average === null ? [state.learnt] : [state.learnt, state.average]) {
    learnt.logSteps.set(logSteps);
    learnt.logScales.set(logScales);
  }
  state.calibrated = true;
}

function digestOf(recipe: TrainingRecipe, { source, start, prices }: TrainerOptions): string {
  const extra = [source.name, String(source.length)];
  if (prices !== undefined) extra.push(prices.id);
  if (start !== undefined) {
    const { network, steps, scales, slopes } = start;
    const arrays = [network.weights, network.rates, steps, scales];
    if (slopes !== undefined) arrays.push(slopes.weights, slopes.rates, slopes.steps, slopes.scales);
    for (const array of arrays) {
      extra.push(
        array === undefined
          ? '-'
          : sha256Hex(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)),
      );
    }
  }
  return recipeDigest(recipe, extra);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function diverged(what: string): BadInputError {
  return new BadInputError(
    'diverged',
    `${what}; lower optimiser.weights or startRates.share, or set clipNorm`,
  );
}
