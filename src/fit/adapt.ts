/**
 * Signals to modulations with a trained network.
 *
 * The learnt inner rates belong to the steps of training (3, as a rule): they are bold, and after many more of the
 * same a signal may swing instead of settling. Steps beyond the learnt ones are therefore those of `refineBatch`,
 * which never raise the objective; there the rate can be weighed against the error.
 */
import { BadInputError } from '../core/errors.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { forEachLevel, modulationLayout } from '../field/layout.ts';
import type { ValueRange } from '../field/outputs.ts';
import { type BaseNetwork, modulationLength, pointCount, ratesAt, totalChannels } from '../field/spec.ts';
import type { SourceSignal } from '../signal/source.ts';
import { batchOf, errorScale255, type Mass, massOf } from './batch.ts';
import { multiplierAt } from './rate.ts';
import { type RateTerm, refineBatch } from './refine.ts';

/** Of batches of more points not the whole trajectory is held, which is as many modulations as there are steps, but two of them; of one signal, one. */
const LARGE_BATCH = 2 ** 19;

export interface AdaptOptions extends CallOptions {
  /** 0 or more. Each costs one gradient; one more is computed when there are steps beyond the learnt ones. */
  readonly steps: number;
  /** [count, m]; zero when absent. */
  readonly start?: Float32Array | undefined;
  /** Inner steps of the network's training; default 3. */
  readonly learntSteps?: number | undefined;
  /** Counts bits as well as errors in the steps beyond the learnt ones. */
  readonly rate?: RateTerm | undefined;
}

export interface AdaptedBatch {
  /** [count, m]. */
  readonly modulations: Float32Array;
  /** [count, m]: after the learnt steps alone. */
  readonly learnt: Float32Array;
}

/** Adapts all signals of a batch together. Throws BadInputError `steps`. */
export async function adaptBatch(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  { steps, start, learntSteps = 3, rate, signal }: AdaptOptions,
): Promise<AdaptedBatch> {
  if (!Number.isInteger(steps) || steps < 0) {
    throw new BadInputError('steps', `steps is a whole number of at least 0, not ${steps}`);
  }
  const learnt = Math.min(steps, learntSteps);
  const large = learnt > 1 && batch.count * pointCount(batch.shape) > LARGE_BATCH;
  const inner = !large ? inOneCall : batch.count === 1 ? inPlace : stepByStep;
  const modulations = await inner(engine, net, batch, learnt, { start, signal });
  if (steps === learnt) return { modulations, learnt: modulations };
  const turns = steps - learnt + 1;
  const refined = await refineBatch(engine, net, batch, modulations, { turns, rate, signal });
  return { modulations: refined.modulations, learnt: modulations };
}

/** So many steps of the inner loop; modulations [count, m]. */
type InnerLoop = (
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  steps: number,
  options: CallOptions & { readonly start: Float32Array | undefined },
) => Promise<Float32Array>;

const inOneCall: InnerLoop = async (engine, net, batch, steps, options) => {
  const { trajectory } = await engine.adapt(net, batch, steps, options);
  return trajectory.slice(steps * batch.count * modulationLength(net.spec, batch.shape));
};

/** The inner loop of one signal by gradients, in one modulation. */
const inPlace: InnerLoop = async (engine, net, batch, steps, { start, signal }) => {
  const layout = modulationLayout(net.spec, batch.shape);
  const at = start?.slice() ?? new Float32Array(layout.length);
  for (let step = 0; step < steps; step++) {
    const { gradient } = await engine.gradient(net, batch, at, { signal });
    forEachLevel(layout, at, (from, to, { channels, first }) => {
      const rates = net.rates.subarray(ratesAt(net, step) + first);
      for (let i = from, c = 0; i < to; i++) {
        at[i]! -= rates[c]! * gradient[i]!;
        if (++c === channels) c = 0;
      }
    });
  }
  return at;
};

const stepByStep: InnerLoop = async (engine, net, batch, steps, { start, signal }) => {
  let at = start;
  for (let step = 0; step < steps; step++) {
    const first = ratesAt(net, step);
    const rates = net.rates.subarray(first, first + totalChannels(net.spec));
    at = await inOneCall(engine, { ...net, rates }, batch, 1, { start: at, signal });
  }
  return at!;
};

/** The modulation [m] of one signal in its own units. Throws BadInputError `no-observed-points`, `infinite-value`. */
export async function adaptSignal(
  engine: Engine,
  net: BaseNetwork,
  signal: SourceSignal,
  range: ValueRange | readonly ValueRange[],
  options: AdaptOptions,
): Promise<AdaptedBatch> {
  return adaptBatch(engine, net, batchOf([signal], net.spec.outputs, range), options);
}

/** What a network was trained to trade: bits for error. */
export interface Trade {
  /** As in the recipe, at quality 50. */
  readonly lambda: number;
  readonly values: ValueRange & { readonly peak: number };
  /** Quantiser steps at quality 50, and scales, [channels]. */
  readonly steps: ArrayLike<number>;
  readonly scales: ArrayLike<number>;
}

/** The rate term under which refining a batch lowers the loss of training at `quality`. */
export function rateTerm(trade: Trade, batch: Batch, quality: number): RateTerm {
  return rateTermOf(trade, massOf(batch), quality);
}

/** The same of a batch of this mass. */
export function rateTermOf(trade: Trade, { values, points }: Mass, quality: number): RateTerm {
  const multiplier = multiplierAt(quality);
  const lossPerBit =
    (multiplier * multiplier * values) / (2 * trade.lambda * errorScale255(trade.values) * points);
  return {
    weight: lossPerBit / Math.LN2,
    steps: Float64Array.from(trade.steps, (step) => multiplier * step),
    scales: trade.scales,
  };
}
