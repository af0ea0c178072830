/** A signal's samples as whole numbers: what a file holds that no network stands behind. */
import { type Output, type SampleScale, sampleScale, sampleTypeOf } from './outputs.ts';

/** [points, channels], row-major. */
export type Samples = Uint8Array | Int16Array;

/** How a file holds samples. */
export interface SampleFormat {
  readonly low: number;
  readonly high: number;
  readonly bytes: 1 | 2;
}

interface SampledCard {
  readonly outputs: readonly Output[];
}

const bytes: SampleFormat = { low: 0, high: 255, bytes: 1 };
const words: SampleFormat = { low: -32768, high: 32767, bytes: 2 };

export function sampleFormat({ outputs }: SampledCard): SampleFormat {
  return sampleTypeOf(outputs) === 'uint8' ? bytes : words;
}

/** Room for so many samples. */
export function emptySamples(card: SampledCard, length: number): Samples {
  return sampleFormat(card).bytes === 1 ? new Uint8Array(length) : new Int16Array(length);
}

/** The nearest samples of signal values; undefined where one is missing or lies outside what samples stand for. */
export function toSamples(card: SampledCard, values: Float32Array): Samples | undefined {
  const scales = scalesOf(card);
  const samples = emptySamples(card, values.length);
  for (let i = 0; i < values.length; i++) {
    const { zero, perUnit, low, high } = scales[i % scales.length]!;
    const sample = Math.floor((values[i]! - zero) * perUnit + 0.5);
    if (!(sample >= low && sample <= high)) return undefined;
    samples[i] = sample;
  }
  return samples;
}

/**
 * The same of values that are held as whole numbers, of which 255 make 1 of bytes and 32768 of words: those themselves where they are what
 * samples of the card are.
 */
export function wholeToSamples(card: SampledCard, held: Samples): Samples | undefined {
  const perUnit = held instanceof Uint8Array ? 255 : 32768;
  const isSame = (scale: SampleScale) => scale.zero === 0 && scale.perUnit === perUnit;
  if (sampleFormat(card).bytes === held.BYTES_PER_ELEMENT && scalesOf(card).every(isSame)) return held;
  return toSamples(
    card,
    Float32Array.from(held, (whole) => whole / perUnit),
  );
}

/** Signal values of samples `from` .. `to`. */
export function fromSamples(
  card: SampledCard,
  samples: Samples,
  from = 0,
  to: number = samples.length,
): Float32Array {
  const scales = scalesOf(card);
  const values = new Float32Array(to - from);
  for (let i = from; i < to; i++) {
    const { zero, perUnit } = scales[i % scales.length]!;
    values[i - from] = zero + samples[i]! / perUnit;
  }
  return values;
}

/** What each output's samples stand for, value = zero + sample / perUnit; numbers that are values already stand for themselves. */
export function samplesAreOf(
  card: SampledCard,
  samples: Samples | Float32Array,
): readonly Pick<SampleScale, 'zero' | 'perUnit'>[] {
  return samples instanceof Float32Array ? card.outputs.map(() => ({ zero: 0, perUnit: 1 })) : scalesOf(card);
}

function scalesOf({ outputs }: SampledCard): SampleScale[] {
  const sample = sampleTypeOf(outputs);
  return outputs.map((output) => sampleScale(output, sample));
}
