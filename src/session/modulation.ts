/** A modulation for everything that does arithmetic on modulations, whatever a file holds. */
import type { Section } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { fromSamples } from '../field/samples.ts';
import { fitSignals } from '../fit/fit.ts';
import { modelFor } from '../signal/own-range.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import type { SampledSignal } from './sample-field.ts';
import type { DecodedFunction } from './work.ts';

/** What a function of a file is asked with. */
export interface OpenedModulation {
  /** [m], of the network at `quality`. */
  readonly modulation: Float32Array;
  readonly shape: readonly number[];
  readonly quality: number;
  /** What its file says beside it. */
  readonly sections?: readonly Section[] | undefined;
}

/** That of a function as it is; of samples the plain fit. Throws BadInputError `own-network`. */
export async function modulationOf(
  context: FitContext,
  found: DecodedFunction,
  options: PlainFitOptions = {},
): Promise<OpenedModulation> {
  if (found.prior === 'none')
    throw new BadInputError(
      'own-network',
      `this file is a network of its own and has no modulation of model ${context.model.card.name}; decode it, and encode the signal with the model`,
    );
  if (found.prior !== 'samples') return found;
  return fitOfSamples(context, found, options);
}

/** The plain fit of samples. Throws AbortedError. */
export function fitOfSamples(
  context: FitContext,
  { samples, shape }: SampledSignal,
  options: PlainFitOptions = {},
): Promise<OpenedModulation> {
  const { card } = context.model;
  const values = samples instanceof Float32Array ? samples : fromSamples(card, samples);
  return fitOf(context, { id: 'samples', shape, channels: card.spec.outputs, values }, options);
}

export interface FitContext {
  readonly model: Model;
  readonly engine: Engine;
}

export interface PlainFitOptions {
  /** Whose network it is of. Default 50. */
  readonly quality?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * That of a signal which is asked and not coded: what effort 1 finds, over its own range where a file would hold that. Throws what `checkFits`
 * throws, AbortedError.
 */
export function plainFit(
  { model, engine }: FitContext,
  signal: Signal,
  options: PlainFitOptions = {},
): Promise<OpenedModulation> {
  return fitOf({ model: modelFor(model, signal), engine }, signal, options);
}

async function fitOf(
  { model, engine }: FitContext,
  signal: Signal,
  { quality = defaultQuality, signal: abort }: PlainFitOptions = {},
): Promise<OpenedModulation> {
  checkFits(model, signal);
  const [fitted] = await fitSignals(model, engine, [signal], { quality, effort: 1, signal: abort });
  return { modulation: fitted!.modulation, shape: signal.shape, quality };
}
