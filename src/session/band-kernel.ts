/**
 * The low-pass filter between the samples of a signal: a windowed sinc (J. O. Smith, Digital Audio Resampling; Hann window). Its weights
 * come from exact operations in a fixed order (detmath.ts), so that they are the same on every machine.
 *
 * Indices of hot loops are below the lengths of arrays.
 */
import { cos2pi, sin2pi } from '../core/detmath.ts';

/** Zero crossings of the sinc on each side of a point. */
const crossings = 32;
/** Share of the band of fewer samples that is kept whole: the filter's slope ends where that band does. */
const passed = 0.95;
/** Samples on each side of a point at most: a filter of a great step is cut there. */
const longest = 2 ** 14;

/** Weights of the samples around a point, for points that are `step` samples apart. */
export class BandKernel {
  /** The nearest sample of a point has number `reach` among its `taps`. */
  readonly reach: number;
  readonly taps: number;
  readonly #cutoff: number;
  readonly #width: number;
  /** Waves of the sinc and of the window at whole distances, [taps]. */
  readonly #sinc: Waves;
  readonly #window: Waves;

  constructor(step: number) {
    this.#cutoff = step > 1 ? passed / step : 1;
    this.#width = Math.min(crossings / this.#cutoff, longest);
    this.reach = Math.ceil(this.#width + 0.5);
    this.taps = 2 * this.reach + 1;
    this.#sinc = wavesOf(this.#cutoff / 2, this.reach);
    this.#window = wavesOf(1 / (2 * this.#width), this.reach);
  }

  /**
   * Writes into `weights` [taps] those at `past` samples, -1/2 to 1/2, beyond the nearest sample; their sum is 1. At a sample itself, of
   * points no further apart than samples, that sample is all. With `slopes` [taps] their derivatives by `past` as well.
   */
  weigh(past: number, weights: Float64Array, slopes?: Float64Array): void {
    const { reach, taps } = this;
    const wave = turned(this.#sinc, past);
    const bell = turned(this.#window, past);
    let [sum, rise] = [0, 0];
    for (let t = 0; t < taps; t++) {
      const d = t - reach - past;
      weights[t] = 0;
      if (slopes !== undefined) slopes[t] = 0;
      if (Math.abs(d) >= this.#width) continue;
      const along = Math.PI * this.#cutoff * d;
      const sinc = d === 0 ? 1 : sineAt(this.#sinc, wave, t) / along;
      const window = 0.5 + 0.5 * cosineAt(this.#window, bell, t);
      weights[t] = sinc * window;
      sum += weights[t]!;
      if (slopes === undefined) continue;
      // Near 0 the difference below would cancel; the series does not.
      const fall =
        Math.abs(along) < 1e-3
          ? (-Math.PI * this.#cutoff * along) / 3
          : (cosineAt(this.#sinc, wave, t) - sinc) / d;
      const bend = ((-0.5 * Math.PI) / this.#width) * sineAt(this.#window, bell, t);
      slopes[t] = -(fall * window + sinc * bend);
      rise += slopes[t]!;
    }
    for (let t = 0; t < taps; t++) weights[t]! /= sum;
    if (slopes !== undefined)
      for (let t = 0; t < taps; t++) slopes[t] = (slopes[t]! - weights[t]! * rise) / sum;
  }
}

/** Sine and cosine of 2 pi k times a frequency, for k from -reach to reach. */
interface Waves {
  readonly turns: number;
  readonly sine: Float64Array;
  readonly cosine: Float64Array;
}

function wavesOf(turns: number, reach: number): Waves {
  const at = (wave: (x: number) => number) =>
    Float64Array.from({ length: 2 * reach + 1 }, (_, t) => wave((t - reach) * turns));
  return { turns, sine: at(sin2pi), cosine: at(cos2pi) };
}

interface Turned {
  readonly sine: number;
  readonly cosine: number;
}

function turned({ turns }: Waves, past: number): Turned {
  return { sine: sin2pi(turns * past), cosine: cos2pi(turns * past) };
}

/** Of the distance t - reach - past, by the addition theorem. */
const sineAt = ({ sine, cosine }: Waves, past: Turned, t: number) =>
  sine[t]! * past.cosine - cosine[t]! * past.sine;
const cosineAt = ({ sine, cosine }: Waves, past: Turned, t: number) =>
  cosine[t]! * past.cosine + sine[t]! * past.sine;
