/**
 * Functions as adapting a signal finds them: what classifiers learn from and read. A function that was decoded from bytes has
 * its numbers rounded, the small ones to zero, which a probe of adapted ones takes for something else (a linear one knew 56 % of
 * garments where it knows 86 %); its field is hardly changed, and is adapted anew.
 */
import { readHeader } from '../../codec/index.ts';
import { symbolLayout } from '../../prior/prior.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { viewsOf } from './views.ts';

export interface Readable {
  readonly modulation: Float32Array;
  /** Its bytes, or the quality that it was decoded at; neither: it was adapted. */
  readonly coded?: Uint8Array | undefined;
  readonly quality?: number | undefined;
}

export interface AdaptOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly signal?: AbortSignal | undefined;
}

/** Whether a modulation, of the network at `quality` or at that of its bytes, of the model's own shape stands on the quantiser's steps. Throws what reading its bytes throws. */
export function isRounded(model: Model, { modulation, coded, quality }: Readable): boolean {
  const { card } = model;
  const layout = symbolLayout(card.spec, card.shape);
  const at = quality ?? (coded?.length ? readHeader(coded, defaultLimits).quality : undefined);
  if (at === undefined || modulation.length !== layout.length) return false;
  const sized = stepsAt(atQuality(model, at).steps, at);
  const rounded = dequantise(layout, quantise(layout, modulation, sized), sized);
  return rounded.every((value, i) => value === modulation[i]);
}

/** Modulations in order, those that are rounded adapted anew. Throws AbortedError. */
export async function asAdapted(
  functions: readonly Readable[],
  options: AdaptOptions,
): Promise<Float32Array[]> {
  const found = functions.map(({ modulation }) => modulation);
  const rounded = new Map<number, number[]>();
  for (const [i, fn] of functions.entries()) {
    if (!isRounded(options.model, fn)) continue;
    const quality = fn.quality ?? defaultQuality;
    rounded.set(quality, [...(rounded.get(quality) ?? []), i]);
  }
  for (const [quality, indices] of rounded) {
    const own = indices.map((i) => found[i]!);
    for (const [k, anew] of (await adaptAnew(own, { ...options, quality })).entries())
      found[indices[k]!] = anew;
  }
  return found;
}

/** Of the fields of modulations of the model's own shape, at one quality; 50 unless given. Throws AbortedError. */
export async function adaptAnew(
  modulations: readonly Float32Array[],
  options: AdaptOptions & { readonly quality?: number | undefined },
): Promise<Float32Array[]> {
  const { spec, shape } = options.model.card;
  const length = modulationLength(spec, shape);
  const all = new Float32Array(modulations.length * length);
  modulations.forEach((modulation, i) => {
    all.set(modulation, i * length);
  });
  const anew = await viewsOf(all, { ...options, seed: 0, mirrored: false, shift: 0 });
  return modulations.map((_, i) => anew.slice(i * length, (i + 1) * length));
}
