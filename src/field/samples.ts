/** A signal's samples as whole numbers: what a file holds that no network stands behind. */
import type { Channels, ModelCard, ValueRange } from './card.ts';

/** [points, channels], row-major. */
export type Samples = Uint8Array | Int16Array;

/** What a sample stands for. */
export interface SampleFormat {
  readonly low: number;
  readonly high: number;
  readonly bytes: 1 | 2;
  /** Signal value = offset + sample / perUnit. */
  scaleOf(range: ValueRange): { readonly offset: number; readonly perUnit: number };
}

/** Pictures: multiples of 1/255 in [0, 1]. */
const byteSamples: SampleFormat = {
  low: 0,
  high: 255,
  bytes: 1,
  scaleOf: () => ({ offset: 0, perUnit: 255 }),
};
/** Sound: multiples of 2^-15 in [-1, 1). */
const soundSamples: SampleFormat = {
  low: -32768,
  high: 32767,
  bytes: 2,
  scaleOf: () => ({ offset: 0, perUnit: 32768 }),
};
/** Other values: multiples of 1/4096 of the field's unit, as far as eight of those from its zero. */
const fieldSamples: SampleFormat = {
  low: -32768,
  high: 32767,
  bytes: 2,
  scaleOf: ({ offset, scale }) => ({ offset, perUnit: 4096 / scale }),
};

const formats: Readonly<Record<Channels, SampleFormat>> = {
  grey: byteSamples,
  rgb: byteSamples,
  rgba: byteSamples,
  mono: soundSamples,
  stereo: soundSamples,
  values: fieldSamples,
};

type SampledCard = Pick<ModelCard, 'channels' | 'values'>;

export function sampleFormat(card: Pick<ModelCard, 'channels'>): SampleFormat {
  return formats[card.channels];
}

/** Room for so many samples. */
export function emptySamples(card: Pick<ModelCard, 'channels'>, length: number): Samples {
  return sampleFormat(card).bytes === 1 ? new Uint8Array(length) : new Int16Array(length);
}

/** The nearest samples of signal values; undefined where one is missing or lies outside what samples stand for. */
export function toSamples(card: SampledCard, values: Float32Array): Samples | undefined {
  const { low, high, scaleOf } = sampleFormat(card);
  const { offset, perUnit } = scaleOf(card.values);
  const samples = emptySamples(card, values.length);
  for (let i = 0; i < values.length; i++) {
    const sample = Math.floor((values[i]! - offset) * perUnit + 0.5);
    if (!(sample >= low && sample <= high)) return undefined;
    samples[i] = sample;
  }
  return samples;
}

/** Signal values of samples `from` .. `to`. */
export function fromSamples(
  card: SampledCard,
  samples: Samples,
  from = 0,
  to: number = samples.length,
): Float32Array {
  const { offset, perUnit } = sampleFormat(card).scaleOf(card.values);
  const values = new Float32Array(to - from);
  for (let i = from; i < to; i++) values[i - from] = offset + samples[i]! / perUnit;
  return values;
}
