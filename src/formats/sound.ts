/** What sounds of every format have in common: one axis of time, values around 0, a rate. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import type { Axis, Output } from '../field/outputs.ts';
import { checkFinite, checkSignal, type Signal } from '../signal/signal.ts';
import type { ReadOptions, ShapeOptions, SignalFormat, SignalKind, Wanted } from './format.ts';
import { type Rates, resample, resampledLength } from './resample.ts';

/** Samples of a sound as its file has them. */
export interface Sound {
  /** [samples, channels], around 0, from -1 to 1 where whole numbers of the file are. */
  readonly values: Float32Array;
  readonly channels: number;
  /** Samples a second. */
  readonly rate: number;
  readonly notes?: readonly string[];
}

/** What a format says of sounds, whatever its bytes. */
export const sound = {
  raw: false,
  fits: holdsSound,
  likelyAxes: () => 1,
  channelKinds: ['mono', 'stereo'],
  channelsNeeded: ({ channels }) => channels,
  // A sound of two channels is heard from one, and one from two.
  takes: (outputs, needed) => outputs === needed || outputs === 1 || needed === 1,
} as const satisfies Partial<SignalFormat>;

/** Along one axis that is time, values of whole samples, or numbers around 0. */
function holdsSound({ axes, outputs, along }: SignalKind): boolean {
  const [time] = along ?? [];
  if (axes !== 1 || (time?.unit !== undefined && secondsOf(time.unit) === undefined)) return false;
  const first = outputs[0];
  const { length } = outputs;
  return (
    first !== undefined &&
    (length === 1 || length === 2) &&
    outputs.every(
      ({ sample, low, peak }) => sample === 'int16' || (sample === 'float32' && isAround0({ low, peak })),
    )
  );
}

function isAround0({ low, peak }: Pick<Output, 'low' | 'peak'>): boolean {
  return low === -1 && peak === 2;
}

/** Samples a second along an axis; undefined where it does not say. */
export function rateOf(axis: Axis | undefined): number | undefined {
  const seconds = axis?.unit === undefined ? undefined : secondsOf(axis.unit);
  if (axis?.step === undefined || seconds === undefined || !(axis.step > 0)) return undefined;
  const rate = 1 / (axis.step * seconds);
  const whole = Math.round(rate);
  return whole > 0 && Math.abs(rate - whole) < 1e-4 * whole ? whole : rate;
}

function secondsOf(unit: string): number | undefined {
  return { s: 1, seconds: 1, ms: 1e-3, us: 1e-6 }[unit];
}

/** The rates of a file and of what is wanted, where they differ. */
function ratesOf(rate: number, { along }: Wanted): Rates | undefined {
  const to = rateOf(along?.[0]);
  return to === undefined || to === rate ? undefined : { from: rate, to };
}

/** The shape of `frames` samples as they are wanted. Throws BadInputError `not-a-sound-model`, LimitError `limit-samples`. */
export function soundShape(
  { frames, rate, channels }: { readonly frames: number; readonly rate: number; readonly channels: number },
  options: ShapeOptions & Partial<Pick<ReadOptions, 'id'>>,
): readonly [number] {
  outputsOf({ id: 'it', ...options });
  const rates = ratesOf(rate, options);
  const samples = rates === undefined ? frames : resampledLength(frames, rates);
  const hint = 'give a shorter one, or raise maxSamples';
  checkLimit('samples', Math.max(samples, frames * Math.ceil(channels / 4)), options.limits.maxSamples, hint);
  return [samples];
}

/**
 * The signal of a sound as it is wanted: at the rate of the model, in its channels and on its scale. Throws BadInputError `not-a-sound-model`,
 * `signal-channels`, `empty-signal`, `infinite-value`.
 */
export function signalOfSound(read: Sound, options: ReadOptions): Signal {
  const { id } = options;
  const wanted = outputsOf(options);
  const notes = [...(read.notes ?? [])];
  checkFinite(read.values, id);
  let { values, channels } = read;
  const rates = ratesOf(read.rate, options);
  if (values.length === 0) throw new BadInputError('empty-signal', `${id} is a sound of no samples`);
  if (wanted !== undefined && wanted.length !== channels) {
    values = withChannels(values, channels, wanted.length, id);
    if (wanted.length < channels) notes.push(`its ${channels} channels are mixed into one`);
    channels = wanted.length;
  }
  if (rates !== undefined) {
    values = resample(values, channels, rates);
    const lost = rates.to < rates.from ? `, and nothing above ${hertz(rates.to / 2)} is kept` : '';
    notes.push(`its ${hertz(rates.from)} are read as ${hertz(rates.to)}${lost}`);
  }
  if (wanted?.some((output) => !isAround0(output)))
    values = values.map((v, i) => {
      const { low, peak } = wanted[i % channels]!;
      return low + (peak / 2) * (1 + v);
    });
  const signal: Signal = {
    ...{ id, shape: [values.length / channels], channels, values },
    axes: [options.along?.[0] ?? { name: 't', unit: 's', start: 0, step: 1 / (rates?.to ?? read.rate) }],
    ...(notes.length === 0 ? {} : { notes }),
  };
  checkSignal(signal);
  return signal;
}

/** What the values are to be; undefined: as they are. Throws BadInputError `not-a-sound-model` where a sound is not what is wanted. */
function outputsOf({
  id,
  axes,
  outputs,
  along,
}: Wanted & Pick<ReadOptions, 'id'>): readonly Pick<Output, 'low' | 'peak'>[] | undefined {
  if (outputs === 'any') return undefined;
  if (outputs === 'mask') return [{ low: -1, peak: 2 }];
  if (holdsSound({ axes, outputs, along })) return outputs;
  const names = outputs.map(({ name, unit }) => (unit === undefined ? name : `${name} in ${unit}`));
  throw new BadInputError(
    'not-a-sound-model',
    `${id} is a sound and this model takes ${names.join(', ')} along ${axes === 1 ? 'one axis' : `${axes} axes`}; give an array, or choose a model of sounds`,
  );
}

function withChannels(values: Float32Array, from: number, to: number, id: string): Float32Array {
  const frames = values.length / from;
  if (to === 1) {
    return Float32Array.from({ length: frames }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < from; c++) sum += values[i * from + c]!;
      return sum / from;
    });
  }
  if (from === 1) return Float32Array.from({ length: frames * to }, (_, i) => values[Math.floor(i / to)]!);
  throw new BadInputError(
    'signal-channels',
    `${id} has ${from} channels and this model takes ${to}; mix it down: ffmpeg -i in -ac ${to} out.wav`,
  );
}

function hertz(rate: number): string {
  return `${Number(rate.toFixed(2))} Hz`;
}
