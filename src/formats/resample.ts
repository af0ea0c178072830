/** Samples of one axis at another rate, by a windowed sinc (J. O. Smith, Digital Audio Resampling, Kaiser window). */

/** Zero crossings of the sinc on each side. */
const crossings = 24;
/** Of the window: 80 dB below the band at its stops. */
const beta = 8;
/** Share of the lower band that is kept whole; the rest is where the filter falls. */
const passed = 0.92;
/** Fractions of a sample for which the filter is computed; places between take the nearest. */
const phases = 1024;

/** Samples at the new rate: as long in time, one at least. */
export function resampledLength(samples: number, { from, to }: Rates): number {
  return Math.max(1, Math.round((samples * to) / from));
}

export interface Rates {
  /** Samples a second. */
  readonly from: number;
  readonly to: number;
}

/** `values` [samples, channels] at another rate, as `Resampler` gives it. */
export function resample(values: Float32Array, channels: number, rates: Rates): Float32Array {
  return new Resampler({ samples: values.length / channels, channels }, rates).next(values);
}

/**
 * A sound at another rate, from its samples as they come: what is held is what the filter reaches. A sample stands in the middle of its time,
 * as everywhere: the first one of 8 kHz between the first two of 16 kHz. Beyond both ends the signal goes on as its last sample. What the
 * lower rate cannot hold is left out.
 */
export class Resampler {
  readonly #samples: number;
  readonly #channels: number;
  readonly #stretch: number;
  readonly #cutoff: number;
  readonly #reach: number;
  readonly #length: number;
  readonly #filters = new Map<number, Float64Array>();
  /** [samples, channels]: from sample `#from` on, those that are still read. */
  #held = new Float32Array(0);
  #from = 0;
  /** Of the output: the next. */
  #next = 0;

  /** `samples`: of each channel, that come in all. */
  constructor({ samples, channels }: { readonly samples: number; readonly channels: number }, rates: Rates) {
    this.#samples = samples;
    this.#channels = channels;
    this.#stretch = rates.from / rates.to;
    this.#cutoff = passed * Math.min(1, 1 / this.#stretch);
    this.#reach = Math.ceil(crossings / this.#cutoff);
    this.#length = resampledLength(samples, rates);
  }

  /** What can be said once `values` [samples, channels] have come, too: all that is left, after the last of them. A fresh array. */
  next(values: Float32Array): Float32Array {
    const channels = this.#channels;
    const held = this.#held.length === 0 ? values : joined(this.#held, values);
    const known = this.#from + held.length / channels;
    const last = this.#lastOf(known);
    const out = new Float32Array((last - this.#next) * channels);
    for (let j = this.#next, k = 0; j < last; j++, k += channels) this.#sample(j, held, out, k);
    this.#next = last;
    const first = Math.max(this.#from, Math.min(known, this.#before(last) - this.#reach + 1));
    this.#held = held.slice((first - this.#from) * channels);
    this.#from = first;
    return out;
  }

  /** The end of the outputs that samples before `known` say. */
  #lastOf(known: number): number {
    if (known >= this.#samples) return this.#length;
    let last = this.#next;
    while (last < this.#length && this.#before(last) + this.#reach < known) last++;
    return last;
  }

  #at(j: number): number {
    return (j + 0.5) * this.#stretch - 0.5;
  }

  #before(j: number): number {
    return Math.floor(this.#at(j));
  }

  #sample(j: number, held: Float32Array, out: Float32Array, k: number): void {
    const [channels, from, last] = [this.#channels, this.#from, this.#samples - 1];
    const before = this.#before(j);
    const filter = this.#filter(Math.round((this.#at(j) - before) * phases));
    const start = before - this.#reach + 1;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let n = 0; n < filter.length; n++) {
        const i = Math.min(last, Math.max(0, start + n)) - from;
        sum += filter[n]! * held[i * channels + c]!;
      }
      out[k + c] = sum;
    }
  }

  #filter(phase: number): Float64Array {
    const known = this.#filters.get(phase) ?? filterOf(phase / phases, this.#reach, this.#cutoff);
    this.#filters.set(phase, known);
    return known;
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const all = new Float32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** Weights of the samples from `reach` - 1 before to `reach` after; their sum is 1. */
function filterOf(fraction: number, reach: number, cutoff: number): Float64Array {
  const filter = Float64Array.from({ length: 2 * reach }, (_, k) => {
    const x = k - reach + 1 - fraction;
    const along = x / reach;
    if (Math.abs(along) >= 1) return 0;
    const wave = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
    return wave * bessel(beta * Math.sqrt(1 - along * along));
  });
  const sum = filter.reduce((all, weight) => all + weight, 0);
  return filter.map((weight) => weight / sum);
}

/** The modified Bessel function of order 0, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
