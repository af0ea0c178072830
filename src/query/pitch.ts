/**
 * A fragment of a sound by how its pitch goes, in any key: what is hummed is found where it is sung or said. Every 16 ms the autocorrelation of
 * 64 ms of a sound says how strong each period is that is a semitone from the next (P. Boersma, 1993); periods are rows, and a fragment of
 * them is laid at every frame of a function and up to six semitones higher and lower (`fragment.ts`). Timbre and level say nothing, tempo does.
 */
import FFT from 'fft.js';
import { BadInputError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import { isBanded } from '../session/band.ts';
import { type Fragment, type FragmentPlace, FragmentSearch, type Searched } from './fragment.ts';
import type { Turn } from './sliding.ts';

/** Seconds. */
const hopSeconds = 0.016;
const windowSeconds = 0.064;
/** The lowest pitch, and semitones from there: to 713 Hz. */
const lowestHz = 75;
const semitones = 40;
/** Samples a second that hold all of these pitches. */
const leastRate = 1500;
/** A fragment may lie so many semitones higher or lower. */
const keys = 6;
/** Share of the power of the loudest frame from which a frame counts in full. */
const loud = 0.03;
/** Frames between two turns of the event loop. */
const framesPerTurn = 4;
/** Of rows of pitch: one number, which has no unit. */
const rowsCard = {
  spec: { outputs: 1 } as ModelCard['spec'],
  outputs: [{ name: 'period', offset: 0, scale: 1, low: 0, peak: 1, sample: 'float32' }],
} as const;

/** As `FragmentSearch`, of one axis of samples; places are on whole frames. */
export class PitchSearch {
  readonly #pitch: Pitch;
  readonly #samples: number;
  readonly #search: FragmentSearch;

  private constructor(pitch: Pitch, samples: number, search: FragmentSearch) {
    this.#pitch = pitch;
    this.#samples = samples;
    this.#search = search;
  }

  /** Throws BadInputError `bad-query` of what is no sound, has samples that are not known, or lasts too short a time. */
  static async of(card: ModelCard, fragment: Fragment, turn: Turn): Promise<PitchSearch> {
    const rate = 1 / (card.axes[0]?.step ?? 1);
    if (!isBanded(card) || card.axes[0]?.unit !== 's' || rate < leastRate) {
      throw new BadInputError(
        'bad-query',
        `pitch is of sounds, and ${card.name} is of none; take the metric correlation`,
      );
    }
    const [samples = 0] = fragment.shape;
    if (fragment.samples.length < samples) {
      throw new BadInputError(
        'bad-query',
        'pitch needs every sample of a fragment; leave out mask and points',
      );
    }
    const pitch = new Pitch(rate, card.spec.outputs);
    const frames = pitch.framesIn(samples);
    if (frames < 2) {
      throw new BadInputError('bad-query', 'pitch is heard in 0.1 seconds or more; give a longer fragment');
    }
    const rows = await pitch.rowsOf(fragment.values, turn);
    const shape = [frames, semitones - 2 * keys];
    const own = Float32Array.from(
      { length: frames * shape[1]! },
      (_, i) => rows[Math.floor(i / shape[1]!) * semitones + keys + (i % shape[1]!)]!,
    );
    const all = Array.from(own.keys());
    const sampled = { points: all.length, of: all.length };
    return new PitchSearch(
      pitch,
      samples,
      new FragmentSearch(rowsCard, { shape, samples: all, values: own, sampled }, 'correlation'),
    );
  }

  get isConstant(): boolean {
    return this.#search.isConstant;
  }

  fits([size = 0]: readonly number[]): boolean {
    return size >= this.#samples;
  }

  costIn({ shape }: Searched): { readonly work: number; readonly span: number } {
    const frames = this.#pitch.framesIn(shape[0]!);
    const { work, span } = this.#search.costIn({ shape: [frames, semitones], isRound: false });
    return { work: work + frames * this.#pitch.workOfFrame, span };
  }

  async placeIn({ shape }: Searched, values: Float32Array, turn: Turn): Promise<FragmentPlace | undefined> {
    const frames = this.#pitch.framesIn(shape[0]!);
    const rows = await this.#pitch.rowsOf(values, turn);
    const found = await this.#search.placeIn({ shape: [frames, semitones], isRound: false }, rows, turn);
    // the last frame of a fragment may end before it does
    return (
      found && {
        distance: found.distance,
        start: [Math.min(found.start[0]! * this.#pitch.hop, shape[0]! - this.#samples)],
      }
    );
  }
}

/** How strong periods are in a sound of so many samples a second. */
class Pitch {
  readonly hop: number;
  readonly #outputs: number;
  readonly #window: Float64Array;
  readonly #fft: FFT;
  /** A frame, its spectrum, its autocorrelation. */
  readonly #room: readonly [Float64Array, Float64Array, Float64Array];
  /** In samples, [semitones]. */
  readonly #lags: Float64Array;
  /** Autocorrelation of the window, by which that of a frame falls. */
  readonly #falls: Float64Array;

  constructor(rate: number, outputs: number) {
    this.hop = Math.max(1, Math.round(hopSeconds * rate));
    this.#outputs = outputs;
    const length = Math.max(2, Math.round(windowSeconds * rate));
    this.#window = Float64Array.from(
      { length },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length),
    );
    this.#fft = new FFT(2 ** Math.ceil(Math.log2(2 * length)));
    const room = () => new Float64Array(2 * this.#fft.size);
    this.#room = [room(), room(), room()];
    this.#lags = Float64Array.from({ length: semitones }, (_, k) => rate / (lowestHz * 2 ** (k / 12)));
    this.#falls = this.#autocorrelation((i) => (i < length ? this.#window[i]! : 0)).slice();
  }

  /** Multiplications and additions. */
  get workOfFrame(): number {
    const { size } = this.#fft;
    return 10 * size * Math.log2(size);
  }

  framesIn(samples: number): number {
    return Math.max(0, Math.floor((samples - this.#window.length) / this.hop) + 1);
  }

  /** [frames, semitones]: squares of the autocorrelation at each period, in loud frames from 0 to about 1. */
  async rowsOf(values: Float32Array, turn: Turn): Promise<Float32Array> {
    const samples = values.length / this.#outputs;
    const frames = this.framesIn(samples);
    const rows = new Float32Array(frames * semitones);
    const powers = new Float64Array(frames);
    for (let f = 0; f < frames; f++) {
      if (f % framesPerTurn === 0) await turn();
      const at = this.#autocorrelation((i) => this.#window[i]! * this.#at(values, f * this.hop + i));
      powers[f] = at[0]!;
      if (powers[f] === 0) continue;
      for (const [k, lag] of this.#lags.entries()) {
        const whole = Math.floor(lag);
        const share = lag - whole;
        const one = (x: number) => at[2 * x]! / (powers[f]! * (this.#falls[2 * x]! / this.#falls[0]!));
        const found = Math.max(0, (1 - share) * one(whole) + share * one(whole + 1));
        rows[f * semitones + k] = found * found;
      }
    }
    const most = powers.reduce((top, power) => Math.max(top, power), 0);
    for (let i = 0; i < rows.length; i++)
      rows[i]! *= Math.min(1, Math.sqrt(powers[Math.floor(i / semitones)]! / (loud * most || 1)));
    return rows;
  }

  /** The mean of the outputs. */
  #at(values: Float32Array, sample: number): number {
    let sum = 0;
    for (let o = 0; o < this.#outputs; o++) sum += values[sample * this.#outputs + o]!;
    return sum / this.#outputs;
  }

  /** Of a frame, at lag x in [2 x]; written over by the next. */
  #autocorrelation(of: (i: number) => number): Float64Array {
    const { size } = this.#fft;
    const [frame, spectrum, found] = this.#room;
    frame.fill(0);
    for (let i = 0; i < this.#window.length; i++) frame[2 * i] = of(i);
    this.#fft.transform(spectrum, frame);
    for (let i = 0; i < size; i++) {
      frame[2 * i] = spectrum[2 * i]! ** 2 + spectrum[2 * i + 1]! ** 2;
      frame[2 * i + 1] = 0;
    }
    this.#fft.inverseTransform(found, frame);
    return found;
  }
}
