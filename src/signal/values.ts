/** From field values to a signal's values, and how far those are from what was given. */

import { BadInputError } from '../core/errors.ts';
import { mse } from '../core/units.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { meaningOf } from './meaning.ts';
import type { RowStream } from './rows.ts';
import type { Signal } from './signal.ts';

/** Whether the signals of a model are pictures: their samples are written with 8 bits, others as the numbers they are. */
export function isPicture(card: ModelCard): boolean {
  return meaningOf[card.channels] === 'picture';
}

/**
 * In place: field values become signal values. Unless `raw`, samples of pictures are rounded to the nearest multiple
 * of 1/255 within [0, 1], which is what is written and what PSNR is taken of.
 */
export function toSignalValues(card: ModelCard, values: Float32Array, raw: boolean): Float32Array {
  const { offset, scale } = card.values;
  if (raw || !isPicture(card)) {
    for (let i = 0; i < values.length; i++) values[i] = offset + scale * values[i]!;
    return values;
  }
  for (let i = 0; i < values.length; i++) {
    const v = offset + scale * values[i]!;
    values[i] = v >= 1 ? 1 : v > 0 ? Math.floor(v * 255 + 0.5) / 255 : 0;
  }
  return values;
}

/** In place: signal values between samples become values that are written: those of pictures are rounded, unless `raw`. */
export function toSampleValues(card: ModelCard, values: Float32Array, raw: boolean): Float32Array {
  if (raw || !isPicture(card)) return values;
  // Curves between samples go beyond them.
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    values[i] = v >= 1 ? 1 : v > 0 ? Math.floor(v * 255 + 0.5) / 255 : 0;
  }
  return values;
}

/** Mean squared error of decoded values against a signal, over the points where the signal has values. */
export function errorAgainst(signal: Signal, decoded: Float32Array): number {
  const { values, channels } = signal;
  let weights: Uint8Array | undefined;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i]!)) continue;
    weights ??= new Uint8Array(values.length / channels).fill(1);
    weights[Math.floor(i / channels)] = 0;
  }
  return mse(decoded, values, weights);
}

/** Values that signals of a meaning have, and how far beyond them a field may overshoot before it is another scale. */
const ranges: Readonly<Record<'picture' | 'sound', { least: number; most: number; beyond: number }>> = {
  picture: { least: 0, most: 1, beyond: 0.5 },
  sound: { least: -1, most: 1, beyond: 1 },
};
/** Numbers in a unit of their own: beyond so many of the model's scales they are in another unit. */
const mostScales = 64;

/** Throws BadInputError `signal-range` when values are certainly on another scale than the model's; what is not finite is not looked at. */
export function checkRange({ card }: Model, values: ArrayLike<number>, owner: string): void {
  const meaning = meaningOf[card.channels];
  const range = meaning === 'picture' || meaning === 'sound' ? ranges[meaning] : undefined;
  const { offset, scale } = card.values;
  const reach = mostScales * Math.abs(scale);
  const low = range === undefined ? offset - reach : range.least - range.beyond;
  const high = range === undefined ? offset + reach : range.most + range.beyond;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!(least < low || most > high)) return;
  const takes = range === undefined ? `about ${offset}` : `[${range.least}, ${range.most}]`;
  const hint =
    meaning === 'picture'
      ? 'divide samples from 0 to 255 by 255, or give them as uint8'
      : 'bring them to that scale';
  throw new BadInputError(
    'signal-range',
    `${owner} has values from ${short(least)} to ${short(most)} and model ${card.name} takes ${takes}; ${hint}`,
  );
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** The same of rows as they come, of which one block at a time is in memory. */
export async function errorOfRows(signal: Signal, { rows }: RowStream): Promise<number> {
  const { values, channels, shape } = signal;
  const rowValues = values.length / shape[0]!;
  let sum = 0;
  let mass = 0;
  for await (const { start, values: decoded } of rows) {
    const from = start * rowValues;
    for (let i = 0; i < decoded.length; i += channels) {
      let own = 0;
      for (let c = 0; c < channels; c++) {
        const d = decoded[i + c]! - values[from + i + c]!;
        own += d * d;
      }
      // A point with a value missing drops out.
      if (Number.isNaN(own)) continue;
      sum += own;
      mass += channels;
    }
  }
  if (mass === 0)
    throw new BadInputError('mse-empty', 'no point has a value, so there is no error to measure');
  return sum / mass;
}

/**
 * Throws BadInputError `signal-channels`, `signal-range` or `signal-shape` when a model does not take signals of this kind. The
 * message says what it takes.
 */
export function checkFits(model: Model, signal: Signal): void {
  const { card } = model;
  if (signal.channels !== card.spec.outputs) {
    throw new BadInputError(
      'signal-channels',
      `${signal.id} has ${signal.channels} channels and model ${card.name} takes ${card.spec.outputs} (${card.channels}); convert it or choose another model`,
    );
  }
  checkShapeFits(card, signal.shape, signal.id);
  if (signal.values.length !== pointCount(signal.shape) * signal.channels) {
    throw new BadInputError(
      'signal-length',
      `${signal.id}: ${signal.values.length} values do not fill shape [${signal.shape}] x ${signal.channels} channels`,
    );
  }
  checkRange(model, signal.values, signal.id);
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
