/**
 * Signals to modulations with a trained network.
 *
 * Inner rates were learnt for the steps of training (3, as a rule): they are bold. Further steps keep lowering the
 * loss on networks of the presets, but nothing promises it. `decay` makes each step after the learnt ones smaller,
 * rate * decay^(step - learntSteps); below 1 the whole path is bounded, and a signal unlike the training ones settles
 * instead of swinging.
 */
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { type BaseNetwork, modulationLength } from '../field/spec.ts';
import { batchOf, type ValueRange } from './batch.ts';
import type { SourceSignal } from './source.ts';

export interface AdaptOptions extends CallOptions {
  readonly steps: number;
  /** [count, m]; zero when absent. */
  readonly start?: Float32Array | undefined;
  /** Inner steps of the network's training; default 3. */
  readonly learntSteps?: number | undefined;
  /** In (0, 1]; default 1: rates stay. */
  readonly decay?: number | undefined;
}

export interface AdaptedBatch {
  /** [count, m]. */
  readonly modulations: Float32Array;
  /** [steps, count]: half the weighted sum of squared errors in field units, before each step. */
  readonly losses: Float64Array;
}

/** Adapts all signals of a batch together. */
export async function adaptBatch(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  { steps, start, learntSteps = 3, decay = 1, signal }: AdaptOptions,
): Promise<AdaptedBatch> {
  const length = batch.count * modulationLength(net.spec, batch.shape);
  const bold = decay === 1 ? steps : Math.min(steps, learntSteps);
  const first = await engine.adapt(net, batch, bold, { start, signal });
  const losses = new Float64Array(steps * batch.count);
  losses.set(first.losses);
  let modulations = first.trajectory.slice(bold * length, (bold + 1) * length);
  for (let k = bold; k < steps; k++) {
    const share = decay ** (k + 1 - learntSteps);
    const slower = { ...net, rates: net.rates.map((rate) => rate * share) };
    const next = await engine.adapt(slower, batch, 1, { start: modulations, signal });
    losses.set(next.losses, k * batch.count);
    modulations = next.trajectory.slice(length);
  }
  return { modulations, losses };
}

/** The modulation [m] of one signal in its own units. Throws BadInputError `no-observed-points`, `infinite-value`. */
export async function adaptSignal(
  engine: Engine,
  net: BaseNetwork,
  signal: SourceSignal,
  range: ValueRange,
  options: AdaptOptions,
): Promise<AdaptedBatch> {
  return adaptBatch(engine, net, batchOf([signal], net.spec.outputs, range), options);
}
