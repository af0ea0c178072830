/** What a run has learnt so far, and all it needs to go on. Float64 throughout; engines get float32 copies. */
import { BugError } from '../core/errors.ts';
import type { BaseNetwork, FieldSpec } from '../field/spec.ts';
import { Adam } from '../fit/adam.ts';
import type { TrainingRecipe } from './recipe.ts';
import type { ValidationRecord } from './validate.ts';
import { freshWatch, type WatchState } from './watch.ts';

/** What is learnt, at one quality. */
export const parameterNames = ['weights', 'logRates', 'logSteps', 'logScales'] as const;

type ParameterName = (typeof parameterNames)[number];

export type Parameters = Readonly<Record<ParameterName, Float64Array>>;

/**
 * Groups of parameters, in the order of Adam's groups: those at quality 50, and how much each changes for one
 * octave of the quantiser's steps (ten points of quality). The slopes are empty in a network that is the same at every quality.
 */
export const groupNames = [
  ...parameterNames,
  'weightsSlope',
  'logRatesSlope',
  'logStepsSlope',
  'logScalesSlope',
] as const;

export type GroupName = (typeof groupNames)[number];

export type Learnt = Readonly<Record<GroupName, Float64Array>>;

export function slopeOf(name: ParameterName): `${ParameterName}Slope` {
  return `${name}Slope`;
}

/** Learnt parameters that are the same at every quality, or with `slopes` start as if they were. */
export function learntFrom(parameters: Parameters, slopes: boolean): Learnt {
  const zeros = (name: ParameterName) => new Float64Array(slopes ? parameters[name].length : 0);
  return {
    ...parameters,
    weightsSlope: zeros('weights'),
    logRatesSlope: zeros('logRates'),
    logStepsSlope: zeros('logSteps'),
    logScalesSlope: zeros('logScales'),
  };
}

/** Parameters `octaves` above quality 50. */
export function parametersAt(learnt: Learnt, octaves: number): Parameters {
  const at = (name: ParameterName) => {
    const slope = learnt[slopeOf(name)];
    return octaves === 0 || slope.length === 0
      ? learnt[name]
      : learnt[name].map((x, i) => x + octaves * slope[i]!);
  };
  return {
    weights: at('weights'),
    logRates: at('logRates'),
    logSteps: at('logSteps'),
    logScales: at('logScales'),
  };
}

export interface TrainerState {
  /** Outer steps that are done. */
  step: number;
  /** Whether quantiser steps and scales have their start values. */
  calibrated: boolean;
  /** Steps left out because a number was not finite, or a gradient far above all others: in all, and since the last good one. */
  skipped: number;
  skippedInRow: number;
  readonly learnt: Learnt;
  readonly adam: Adam;
  /** Moving average of `learnt`. */
  readonly average: Learnt | null;
  readonly history: ValidationRecord[];
  /** Of the norms of gradients. */
  watch: WatchState;
}

/** State before the first step; takes copies. */
export function freshState(recipe: TrainingRecipe, start: Learnt, calibrated: boolean): TrainerState {
  const learnt = copyLearnt(start);
  return {
    step: 0,
    calibrated,
    skipped: 0,
    skippedInRow: 0,
    learnt,
    adam: adamOver(recipe, learnt),
    average: recipe.optimiser.emaDecay > 0 ? copyLearnt(start) : null,
    history: [],
    watch: freshWatch(),
  };
}

/** A slope moves a parameter by itself times the octaves, up to about two: the same rate would make bold steps of careful ones. */
const slopeShare = 0.4;

export function adamOver(recipe: TrainingRecipe, learnt: Learnt): Adam {
  const { weights, rates, quantiser } = recipe.optimiser;
  const learningRates: Record<GroupName, number> = {
    weights,
    logRates: rates,
    logSteps: quantiser,
    logScales: quantiser,
    weightsSlope: slopeShare * weights,
    logRatesSlope: slopeShare * rates,
    logStepsSlope: slopeShare * quantiser,
    logScalesSlope: slopeShare * quantiser,
  };
  const groups = groupNames.map((name) => ({
    name,
    parameters: learnt[name],
    learningRate: learningRates[name],
  }));
  return new Adam(groups, recipe.optimiser);
}

/** After an update: average = decay * average + (1 - decay) * learnt, with a smaller decay in the first steps. */
export function updateAverage(state: TrainerState, decay: number): void {
  const { average, learnt, step } = state;
  if (average === null) return;
  const kept = Math.min(decay, (1 + step) / (10 + step));
  for (const name of groupNames) {
    const to = average[name];
    const from = learnt[name];
    for (let i = 0; i < to.length; i++) to[i]! += (1 - kept) * (from[i]! - to[i]!);
  }
}

/** A network for engines; `refresh` copies the learnt numbers into it. */
export class NetworkView {
  readonly network: BaseNetwork;

  constructor(spec: FieldSpec, parameters: Parameters) {
    this.network = {
      spec,
      weights: new Float32Array(parameters.weights.length),
      rates: new Float32Array(parameters.logRates.length),
    };
    this.refresh(parameters);
  }

  refresh(parameters: Parameters): void {
    const { weights, rates } = this.network;
    if (weights.length !== parameters.weights.length)
      throw new BugError('a network changed its size while learning');
    weights.set(parameters.weights);
    for (let c = 0; c < rates.length; c++) rates[c] = Math.exp(parameters.logRates[c]!);
  }
}

export function copyLearnt(from: Learnt): Learnt {
  return mapLearnt((name) => from[name].slice());
}

export function mapLearnt(of: (name: GroupName) => Float64Array): Learnt {
  return Object.fromEntries(groupNames.map((name) => [name, of(name)])) as unknown as Learnt;
}
