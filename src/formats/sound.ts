/** What sounds of every format have in common: one axis of time, values around 0, a rate. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import type { Axis, Output } from '../field/outputs.ts';
import { checkFinite, checkSignal, type Signal, signalKeeping } from '../signal/signal.ts';
import type { ReadOptions, ShapeOptions, SignalFormat, SignalKind, Wanted } from './format.ts';
import { type Rates, Resampler, resampledLength } from './resample.ts';

/** What a file says of its sound. */
export interface SoundFacts {
  /** Samples of each channel. */
  readonly frames: number;
  readonly channels: number;
  /** Samples a second. */
  readonly rate: number;
  readonly notes?: readonly string[];
}

/** Samples of a sound as its file has them. */
export interface Sound extends Omit<SoundFacts, 'frames'> {
  /** [samples, channels], around 0, from -1 to 1 where whole numbers of the file are. */
  readonly values: Float32Array;
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
export function signalOfSound({ values, ...facts }: Sound, options: ReadOptions): Signal {
  const intake = new SoundIntake({ ...facts, frames: values.length / facts.channels }, options);
  intake.add(values);
  return intake.signal();
}

/** The samples of a sound as they come, block by block: what is held is the signal. Throws as `signalOfSound`. */
export class SoundIntake {
  readonly #id: string;
  readonly #facts: SoundFacts;
  readonly #options: ReadOptions;
  readonly #wanted: readonly Pick<Output, 'low' | 'peak'>[] | undefined;
  /** Of the signal. */
  readonly #channels: number;
  readonly #rates: Rates | undefined;
  readonly #resampler: Resampler | undefined;
  readonly #length: number;
  #values: Float32Array | undefined;
  /** Values that came, and values of the signal that are known. */
  #came = 0;
  #known = 0;

  constructor(facts: SoundFacts, options: ReadOptions) {
    const { frames, rate } = facts;
    this.#id = options.id;
    this.#facts = facts;
    this.#options = options;
    this.#wanted = outputsOf(options);
    if (frames === 0) throw new BadInputError('empty-signal', `${options.id} is a sound of no samples`);
    this.#channels = this.#wanted?.length ?? facts.channels;
    checkMix(facts.channels, this.#channels, options.id);
    this.#rates = ratesOf(rate, options);
    const shape = { samples: frames, channels: this.#channels };
    this.#resampler = this.#rates && new Resampler(shape, this.#rates);
    this.#length =
      (this.#rates === undefined ? frames : resampledLength(frames, this.#rates)) * this.#channels;
  }

  /** Whether 16-bit samples of the file are those of the signal as they stand. */
  get isAsItIs(): boolean {
    const { channels } = this.#facts;
    return (
      this.#rates === undefined && this.#channels === channels && this.#wanted?.every(isAround0) !== false
    );
  }

  /** `values` [frames, channels of the file]: of the first block that is all of it the signal's own. */
  add(values: Float32Array): void {
    checkFinite(values, this.#id, this.#came);
    this.#came += values.length;
    const mixed = withChannels(values, this.#facts.channels, this.#channels);
    const own = this.#resampler === undefined ? mixed : this.#resampler.next(mixed);
    if (this.#wanted?.some((output) => !isAround0(output))) this.#scale(own);
    if (own.length === this.#length) this.#values = own;
    else {
      this.#values ??= new Float32Array(this.#length);
      this.#values.set(own, this.#known);
    }
    this.#known += own.length;
  }

  /** Once all samples have come. */
  signal(): Signal {
    const signal: Signal = { ...this.#meta(), values: this.#values! };
    checkSignal(signal);
    return signal;
  }

  /** The signal of 16-bit samples that stand as they are (`isAsItIs`), [frames, channels], which it keeps. */
  signalOfWords(words: Int16Array): Signal {
    return signalKeeping(words, this.#meta());
  }

  #meta(): Omit<Signal, 'values'> {
    const { rate, channels } = this.#facts;
    const notes = [...(this.#facts.notes ?? [])];
    const rates = this.#rates;
    if (this.#channels < channels) notes.push(`its ${channels} channels are mixed into one`);
    if (rates !== undefined) {
      const lost = rates.to < rates.from ? `, and nothing above ${hertz(rates.to / 2)} is kept` : '';
      notes.push(`its ${hertz(rates.from)} are read as ${hertz(rates.to)}${lost}`);
    }
    const time = { name: 't', unit: 's', start: 0, step: 1 / (rates?.to ?? rate) };
    return {
      ...{ id: this.#id, shape: [this.#length / this.#channels], channels: this.#channels },
      axes: [this.#options.along?.[0] ?? time],
      ...(notes.length === 0 ? {} : { notes }),
    };
  }

  /** In place. */
  #scale(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      const { low, peak } = this.#wanted![i % this.#channels]!;
      values[i] = low + (peak / 2) * (1 + values[i]!);
    }
  }
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

/** Throws BadInputError `signal-channels` where neither is one. */
function checkMix(from: number, to: number, id: string): void {
  if (from === to || from === 1 || to === 1) return;
  throw new BadInputError(
    'signal-channels',
    `${id} has ${from} channels and this model takes ${to}; mix it down: ffmpeg -i in -ac ${to} out.wav`,
  );
}

/** The mean of several channels, or one given to several; `values` themselves where there are as many. */
function withChannels(values: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return values;
  const frames = values.length / from;
  if (to === 1) {
    return Float32Array.from({ length: frames }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < from; c++) sum += values[i * from + c]!;
      return sum / from;
    });
  }
  return Float32Array.from({ length: frames * to }, (_, i) => values[Math.floor(i / to)]!);
}

function hertz(rate: number): string {
  return `${Number(rate.toFixed(2))} Hz`;
}
