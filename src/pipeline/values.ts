/** From field values to a signal's values, and how far those are from what was given. */
import type { Signal } from '../../datasets/signal.ts';
import { BadInputError } from '../core/errors.ts';
import { mse } from '../core/units.ts';
import type { Channels, ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';

/** What a sample is once it is written: 8 bits in [0, 1], or the number as it is. */
const sampleKinds: Readonly<Record<Channels, 'bytes' | 'numbers'>> = {
  grey: 'bytes',
  rgb: 'bytes',
  rgba: 'bytes',
  mono: 'numbers',
  stereo: 'numbers',
  values: 'numbers',
};

/** Whether the signals of a model are pictures of 8-bit samples. */
export function isPicture(card: ModelCard): boolean {
  return sampleKinds[card.channels] === 'bytes';
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

/**
 * Throws BadInputError `signal-channels` or `signal-shape` when a model does not take signals of this kind. The
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
  const fits = card.anySize
    ? signal.shape.length === card.spec.axes
    : signal.shape.join() === card.shape.join();
  if (!fits) {
    const wanted = card.anySize ? `any size of ${card.spec.axes} axes` : `[${card.shape}] alone`;
    throw new BadInputError(
      'signal-shape',
      `${signal.id} is of shape [${signal.shape}] and model ${card.name} takes ${wanted}; resize it or choose another model`,
    );
  }
  if (signal.values.length !== pointCount(signal.shape) * signal.channels) {
    throw new BadInputError(
      'signal-length',
      `${signal.id}: ${signal.values.length} values do not fill shape [${signal.shape}] x ${signal.channels} channels`,
    );
  }
}
