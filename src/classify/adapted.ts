/**
 * Functions as adapting a signal finds them: what classifiers learn from and read. A function that was decoded from bytes has
 * its numbers rounded, the small ones to zero, which a probe of adapted ones takes for something else (a linear one knew 56 % of
 * garments where it knows 86 %); its field is hardly changed, and is adapted anew, at the quality of classifiers.
 */
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { AbortedError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { isSameNetwork } from '../session/functions.ts';
import { fitOfSamples } from '../session/modulation.ts';
import { refit } from '../session/refit.ts';
import type { SampledSignal } from '../session/sample-field.ts';

/** A function by its modulation, or by the samples that it is. */
export type Readable = ReadableModulation | SampledSignal;

interface ReadableModulation {
  readonly modulation: Float32Array;
  /** That it was decoded at or is of; without it, it was adapted at 50. */
  readonly quality?: number | undefined;
}

export interface AdaptedOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly signal?: AbortSignal | undefined;
}

/** Functions adapted together. */
const together = 64;

/**
 * Modulations in order; those that are rounded, or of another network than that of quality 50, are adapted anew, and samples are
 * adapted to as those of a signal. Throws AbortedError.
 */
export async function asAdapted(
  functions: readonly Readable[],
  { model, engine, signal }: AdaptedOptions,
): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (const fn of functions)
    found.push(
      'samples' in fn ? (await fitOfSamples({ model, engine }, fn, { signal })).modulation : fn.modulation,
    );
  const { shape } = model.card;
  const pending = new Map<number, number[]>();
  const flush = async (quality: number, indices: readonly number[]) => {
    if (signal?.aborted) throw new AbortedError();
    const own = indices.map((i) => ({ shape, quality, modulation: found[i]! }));
    for (const [k, anew] of (await refit({ model, engine }, own, defaultQuality, signal)).entries())
      found[indices[k]!] = anew;
  };
  for (const [i, fn] of functions.entries()) {
    if ('samples' in fn) continue;
    const { modulation, quality } = fn;
    if (quality === undefined || !isToAdapt(model, modulation, quality)) continue;
    const group = [...(pending.get(quality) ?? []), i];
    pending.set(quality, group.length < together ? group : []);
    if (group.length === together) await flush(quality, group);
  }
  for (const [quality, group] of pending) if (group.length > 0) await flush(quality, group);
  return found;
}

/** Whether a modulation of the model's own shape stands on the quantiser's steps, or is of another network. */
function isToAdapt(model: Model, modulation: Float32Array, quality: number): boolean {
  const { card } = model;
  const layout = modulationLayout(card.spec, card.shape);
  if (modulation.length !== layout.length) return false;
  if (!isSameNetwork(model, quality, defaultQuality)) return true;
  const sized = stepsAt(atQuality(model, quality).steps, quality);
  const rounded = dequantise(layout, quantise(layout, modulation, sized), sized);
  return rounded.every((value, i) => value === modulation[i]);
}
