/** From field values to a signal's values, and whether a model takes them. */

import { BadInputError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { type Output, type SampleScale, sampleScale } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { checkWeights } from './errors.ts';
import { heldOf, perUnitOf, type Signal } from './signal.ts';

/**
 * In place: field values become signal values. Unless `raw`, those of outputs that are sampled in whole numbers become the nearest
 * samples within the range: what is written, and what errors are taken of.
 */
export function toSignalValues(card: ModelCard, values: Float32Array, raw: boolean): Float32Array {
  const { outputs } = card;
  const scales = wholeScales(card, raw);
  // Output by output: in each of these loops nothing changes but the value.
  outputs.forEach(({ offset, scale }, o) => {
    const whole = scales[o];
    if (whole === undefined) {
      for (let i = o; i < values.length; i += outputs.length) values[i] = offset + scale * values[i]!;
      return;
    }
    const { zero, perUnit, low, high } = whole;
    for (let i = o; i < values.length; i += outputs.length) {
      const sample = Math.floor((offset + scale * values[i]! - zero) * perUnit + 0.5);
      // biome-ignore lint/complexity/useMathMinMax: what is no number becomes the least
      values[i] = zero + (sample >= high ? high : sample > low ? sample : low) / perUnit;
    }
  });
  return values;
}

/** In place: signal values between samples become values that are written: those of whole numbers are rounded, unless `raw`. */
export function toSampleValues(card: ModelCard, values: Float32Array, raw: boolean): Float32Array {
  const scales = wholeScales(card, raw);
  if (scales.every((scale) => scale === undefined)) return values;
  for (let i = 0; i < values.length; ) {
    for (let o = 0; o < scales.length; o++, i++) {
      const scale = scales[o];
      if (scale !== undefined) values[i] = nearest(scale, values[i]!);
    }
  }
  return values;
}

/** [outputs]: those of outputs that are sampled in whole numbers; undefined for the others. */
function wholeScales({ outputs }: ModelCard, raw: boolean): (SampleScale | undefined)[] {
  return outputs.map((output) =>
    raw || output.sample === 'float32' ? undefined : sampleScale(output, output.sample),
  );
}

/** The value of the nearest sample, halves upwards; of NaN the lowest. */
function nearest({ zero, perUnit, low, high }: SampleScale, value: number): number {
  const sample = Math.floor((value - zero) * perUnit + 0.5);
  return zero + (sample >= high ? high : sample > low ? sample : low) / perUnit;
}

/** How far beyond the range of an output values may overshoot before they are on another scale, in lengths of the range. */
export const beyondRange = 0.5;
/** Numbers as they are: beyond so many of an output's scales they are in another unit. */
export const mostScales = 64;

/**
 * [channels]: the least and the greatest of values [points, channels], of which `perUnit` make 1; infinities the wrong way round where
 * there is none. What is not finite is not looked at.
 */
export function extentsOf(
  values: ArrayLike<number>,
  channels: number,
  perUnit: number,
): { readonly least: Float64Array; readonly most: Float64Array } {
  const least = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const most = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]! / perUnit;
    if (!Number.isFinite(value)) continue;
    const c = i % channels;
    if (value < least[c]!) least[c] = value;
    if (value > most[c]!) most[c] = value;
  }
  return { least, most };
}

/**
 * Throws BadInputError `signal-range` when values [points, outputs] are certainly on another scale than the model's; what is not finite
 * is not looked at. `perUnit` of what is given make 1.
 */
export function checkRange({ card }: Model, values: ArrayLike<number>, owner: string, perUnit = 1): void {
  const { outputs } = card;
  const { least, most } = extentsOf(values, outputs.length, perUnit);
  for (const [o, output] of outputs.entries()) {
    const [low, high] = reachOf(output);
    if (!(least[o]! < low || most[o]! > high)) continue;
    const whole = output.sample !== 'float32';
    const unit = output.unit === undefined ? '' : ` ${output.unit}`;
    const takes = whole
      ? `[${short(output.low)}, ${short(output.low + output.peak)}]${unit}`
      : `about ${short(output.offset)}${unit}`;
    const named = outputs.length === 1 ? '' : ` of ${output.name}`;
    const hint = hintOf(output);
    throw new BadInputError(
      'signal-range',
      `${owner} has values${named} from ${short(least[o]!)} to ${short(most[o]!)} and model ${card.name} takes ${takes}; ${hint}`,
    );
  }
}

function hintOf({ low, peak, sample }: Output): string {
  if (sample === 'float32') return 'bring them to that scale';
  const isUnit = sample === 'uint8' && low === 0 && peak === 1;
  const how = isUnit ? 'divide samples from 0 to 255 by 255' : 'bring them to that scale';
  return `${how}, or give them as ${sample}`;
}

function reachOf({ offset, scale, low, peak, sample }: Output): readonly [low: number, high: number] {
  const [from, to, beyond] =
    sample === 'float32'
      ? [offset, offset, mostScales * Math.abs(scale)]
      : [low, low + peak, beyondRange * peak];
  return [from - beyond, to + beyond];
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/**
 * Throws BadInputError `signal-channels`, `signal-shape`, `signal-length`, `bad-weight` or `signal-range` when a model does not take signals of this kind. The
 * message says what it takes.
 */
export function checkFits(model: Model, signal: Signal): void {
  const { card } = model;
  if (signal.channels !== card.spec.outputs) {
    throw new BadInputError(
      'signal-channels',
      `${signal.id} has ${signal.channels} channels and model ${card.name} takes ${card.spec.outputs} (${card.outputs.map(({ name }) => name).join(', ')}); convert it or choose another model`,
    );
  }
  checkShapeFits(card, signal.shape, signal.id);
  const held = heldOf(signal);
  if (held.length !== pointCount(signal.shape) * signal.channels) {
    throw new BadInputError(
      'signal-length',
      `${signal.id}: ${held.length} values do not fill shape [${signal.shape}] x ${signal.channels} channels`,
    );
  }
  checkWeights(signal);
  checkRange(model, held, signal.id, perUnitOf(held));
}

/** Throws BadInputError `signal-shape` when a model does not take signals of this shape. */
export function checkShapeFits(card: ModelCard, shape: readonly number[], id: string): void {
  const fits = card.anySize ? shape.length === card.spec.axes : shape.join() === card.shape.join();
  if (fits) return;
  const wanted = card.anySize ? `any size of ${card.spec.axes} axes` : `[${card.shape}] alone`;
  throw new BadInputError(
    'signal-shape',
    `${id} is of shape [${shape}] and model ${card.name} takes ${wanted}; resize it or choose another model`,
  );
}
