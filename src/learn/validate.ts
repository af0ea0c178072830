/** Figures on signals that nothing was learnt from, as a decoder would see them. */
import { meanPsnrOfItems } from '../core/units.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { octavesAt } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { massOf, sliceBatch } from '../fit/batch.ts';
import { LogisticRate, multiplierAt, roundingOffsets } from '../fit/rate.ts';
import type { SignalSource } from '../signal/source.ts';
import { BatchDrawer } from './draw.ts';
import { specOfSteps, type TrainingRecipe } from './recipe.ts';
import { type Learnt, NetworkView, parametersAt } from './state.ts';

export interface ValidationRecord {
  /** Outer steps done. */
  readonly step: number;
  readonly signals: number;
  /** Mean over signals, modulations not quantised, values not clamped. */
  readonly psnrDb: number;
  /** After rounding, by quality; bits by the factorised logistic. Empty before quantiser steps are known. */
  readonly rounded: readonly {
    readonly quality: number;
    readonly psnrDb: number;
    readonly bitsPerPoint: number;
  }[];
}

/** Measures on a fixed choice of signals of `source`: the same at every call. */
export class Validator {
  readonly #engine: Engine;
  readonly #source: SignalSource;
  readonly #recipe: TrainingRecipe;

  constructor(engine: Engine, source: SignalSource, recipe: TrainingRecipe) {
    this.#engine = engine;
    this.#source = source;
    this.#recipe = recipe;
  }

  /** Steps and scales are used when `calibrated`. */
  async measure(
    learnt: Learnt,
    calibrated: boolean,
    step: number,
    signal?: AbortSignal,
  ): Promise<ValidationRecord> {
    const recipe = this.#recipe;
    const layout = modulationLayout(recipe.spec, recipe.shape);
    const signals = Math.min(recipe.validation.signals, this.#source.length);
    const size = Math.min(recipe.batch, signals);
    const { shape, values: range, crops } = recipe;
    const drawer = new BatchDrawer(this.#source, { shape, range, crops, count: size, seed: 0, flips: [] });
    const qualities = calibrated ? testedQualities(recipe) : [];
    const rate = new LogisticRate(layout);
    const exact: number[] = [];
    const { network } = new NetworkView(specOfSteps(recipe), learnt);
    const rounded = qualities.map((quality) => {
      const own = parametersAt(learnt, octavesAt(quality));
      const net =
        own.weights === learnt.weights ? network : new NetworkView(specOfSteps(recipe), own).network;
      return { quality, own, net, errors: [] as number[], bits: 0, points: 0 };
    });
    for (let b = 0; b * size < signals; b++) {
      const drawn = await drawer.draw(b);
      const batch = sliceBatch(drawn, 0, Math.min(size, signals - b * size));
      const length = batch.count * layout.length;
      const plain = await this.#adapted(network, batch, length, signal);
      exact.push(...(await this.#errors(network, batch, plain, signal)));
      const offsets = new Float32Array(length);
      for (const entry of rounded) {
        const { net, own, quality } = entry;
        const final = net === network ? plain : await this.#adapted(net, batch, length, signal);
        const multiplier = multiplierAt(quality);
        roundingOffsets(layout, final, own.logSteps, multiplier, offsets);
        for (let i = 0; i < length; i++) offsets[i]! += final[i]!;
        entry.errors.push(...(await this.#errors(net, batch, offsets, signal)));
        entry.bits += rate.measure(offsets, own.logSteps, own.logScales, multiplier) / Math.LN2;
        entry.points += massOf(batch).points;
      }
    }
    const { peak } = recipe.values;
    return {
      step,
      signals,
      psnrDb: meanPsnrOfItems(exact, peak),
      rounded: rounded.map(({ quality, errors, bits, points }) => ({
        quality,
        psnrDb: meanPsnrOfItems(errors, peak),
        bitsPerPoint: bits / points,
      })),
    };
  }

  async #adapted(net: BaseNetwork, batch: Batch, length: number, signal?: AbortSignal) {
    const { innerSteps } = this.#recipe;
    const { trajectory } = await this.#engine.adapt(net, batch, innerSteps, { signal });
    return trajectory.slice(innerSteps * length);
  }

  /** Mean squared error of each signal in signal units; signals without observed points are left out. */
  async #errors(
    net: BaseNetwork,
    batch: Batch,
    modulations: Float32Array,
    signal?: AbortSignal,
  ): Promise<number[]> {
    const { losses } = await this.#engine.gradient(net, batch, modulations, { signal });
    const scale = this.#recipe.values.scale ** 2;
    return [...losses].flatMap((loss, s) => {
      const { values } = massOf(sliceBatch(batch, s, s + 1));
      return values > 0 ? [(2 * loss * scale) / values] : [];
    });
  }
}

/** The ends of the range, and 50. */
function testedQualities({ quality }: TrainingRecipe): number[] {
  return [...new Set([quality.lowest, 50, quality.highest])].sort((a, b) => a - b);
}
