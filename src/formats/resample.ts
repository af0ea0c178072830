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

/**
 * `values` [samples, channels] at another rate. A sample stands in the middle of its time, as everywhere: the first one of 8 kHz between the
 * first two of 16 kHz. Beyond both ends the signal goes on as its last sample. What the lower rate cannot hold is left out.
 */
export function resample(values: Float32Array, channels: number, rates: Rates): Float32Array {
  const samples = values.length / channels;
  const stretch = rates.from / rates.to;
  const cutoff = passed * Math.min(1, 1 / stretch);
  const reach = Math.ceil(crossings / cutoff);
  const filters = Array.from({ length: phases + 1 }, () => undefined as Float64Array | undefined);
  const out = new Float32Array(resampledLength(samples, rates) * channels);
  for (let j = 0; j * channels < out.length; j++) {
    const at = (j + 0.5) * stretch - 0.5;
    const before = Math.floor(at);
    const phase = Math.round((at - before) * phases);
    filters[phase] ??= filterOf(phase / phases, reach, cutoff);
    const filter = filters[phase]!;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0; k < filter.length; k++) {
        const i = Math.min(samples - 1, Math.max(0, before - reach + 1 + k));
        sum += filter[k]! * values[i * channels + c]!;
      }
      out[j * channels + c] = sum;
    }
  }
  return out;
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
