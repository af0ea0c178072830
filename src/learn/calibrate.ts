/**
 * Where quantiser steps and logistic scales start once distortion alone was learnt.
 *
 * Noise of variance d^2 / 12 on a channel adds G d^2 / 12 to the sum of squared errors of a signal, G being the
 * Gauss-Newton diagonal; a step of d costs -log2 d bits. The sum of lambda * MSE_255 and bits / points is least at
 *   d^2 = 6 outputs / (ln 2 * lambda * k * G),       k: MSE_255 of an error of 1 in field units.
 * Equal error in the signal from every channel: the metric that matters. A channel that varies less than that has
 * nothing to say at this rate; its step is capped where the noise has its own variance.
 */
import type { Engine } from '../engine/engine.ts';
import { channelRms } from '../field/channels.ts';
import { modulationLayout } from '../field/layout.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { errorScale255 } from '../fit/batch.ts';
import { gramDiagonal } from '../fit/start-rates.ts';
import { stepRng } from './draw.ts';
import type { TrainingRecipe } from './recipe.ts';

/** Modulations that the diagonal is measured at. */
const PROBED = 8;

export interface Calibration {
  /** [channels], natural logarithms, quality 50. */
  readonly logSteps: Float64Array;
  readonly logScales: Float64Array;
}

/** From adapted `modulations` [count, m] of signals of the recipe's shape. */
export async function calibrate(
  engine: Engine,
  net: BaseNetwork,
  recipe: TrainingRecipe,
  modulations: Float32Array,
  signal?: AbortSignal,
): Promise<Calibration> {
  const layout = modulationLayout(recipe.spec, recipe.shape);
  const rms = channelRms(layout, modulations);
  const probed = modulations.slice(0, PROBED * layout.length);
  const rng = stepRng(recipe.seed, 'calibration', 0);
  const gram = await gramDiagonal(engine, net, recipe.shape, probed, rng, { signal });
  const least = Math.max(Number.MIN_VALUE, 1e-6 * rms.reduce((most, r) => Math.max(most, r), 0)) || 1e-6;
  const logSteps = new Float64Array(layout.channels);
  const logScales = new Float64Array(layout.channels);
  for (let c = 0; c < layout.channels; c++) {
    const spread = Math.max(rms[c]!, least);
    const best = Math.sqrt(
      (6 * recipe.spec.outputs) / (Math.LN2 * recipe.lambda * errorScale255(recipe.values) * gram[c]!),
    );
    const step = Math.min(best, Math.sqrt(12) * spread);
    logSteps[c] = Math.log(step);
    // A logistic of scale s has the standard deviation pi s / sqrt(3).
    logScales[c] = Math.log((Math.sqrt(3) / Math.PI) * spread);
  }
  return { logSteps, logScales };
}
