/**
 * A sound between its samples: the windowed sinc through them (band-kernel.ts). A network is learnt at samples, where a tone and its images
 * above half the rate are the same; what it gives in between has the images. Beyond both ends samples go on as the outermost. ADR 60.
 *
 * Indices of hot loops are below the lengths of arrays.
 */
import type { ModelCard } from '../field/card.ts';
import type { Tap } from '../field/coordinates.ts';
import { forward, type Network64, siteAt } from '../field/field64.ts';
import { BandKernel } from './band-kernel.ts';
import type { GridPoints } from './between.ts';

/** Whether signals of a card have a band: one axis of samples that are so far apart, and no circle. */
export function isBanded({ axes }: Pick<ModelCard, 'axes'>): boolean {
  const [axis] = axes;
  return axes.length === 1 && axis?.step !== undefined && !axis.wraps;
}

/** Of points no further apart than samples. */
const fine = new BandKernel(1);

/** Samples that points are drawn from at once, about. */
const samplesTogether = 2 ** 15;

/** What is asked at a point: the value, or its derivative by the coordinate. */
export type BandAsked = 'value' | 'slope';

/** Samples around `x` in signal units of a signal of `size`, and how much of each; a sample alone where it stands. */
export function bandTaps(x: number, size: number): Tap[] {
  return tapsOf(x, size, 'value');
}

/** Derivatives of these weights by `x`. */
export function bandSlopes(x: number, size: number): Tap[] {
  return tapsOf(x, size, 'slope');
}

function tapsOf(x: number, size: number, asked: BandAsked): Tap[] {
  const weights = new Float64Array(fine.taps);
  const first = weigh(x, asked, weights);
  const taps: Tap[] = [];
  for (let t = 0; t < weights.length; t++)
    if (weights[t] !== 0) taps.push({ cell: within(first + t, size), weight: weights[t]! });
  return taps;
}

/** Writes the weights of the samples around `x`; the number of the first of them, which may be none of the signal. */
function weigh(x: number, asked: BandAsked, weights: Float64Array): number {
  const { nearest, past } = placeOf(x);
  if (asked === 'value') fine.weigh(past, weights);
  else fine.weigh(past, new Float64Array(fine.taps), weights);
  return nearest - fine.reach;
}

/** Beyond both ends samples are as the outermost. */
function within(sample: number, size: number): number {
  return sample < 0 ? 0 : sample < size ? sample : size - 1;
}

/** The sample nearest to `x`, and how far `x` is past it; sample i stands at i + 1/2. */
function placeOf(x: number): { readonly nearest: number; readonly past: number } {
  const p = x - 0.5;
  const nearest = Math.floor(p + 0.5);
  return { nearest, past: p - nearest };
}

/** Samples that are computed for points of a signal of `size`, and multiply-adds of the filter for a channel. */
export function bandWork(
  size: number,
  grid: GridPoints,
): { readonly samples: number; readonly filter: number } {
  const { taps, reach } = new BandKernel(grid.step[0]!);
  const count = grid.count[0]!;
  const at = placesOf(grid);
  const last = within(at(count - 1).nearest + reach, size);
  return { samples: last - within(at(0).nearest - reach, size) + 1, filter: count * taps };
}

/** Samples that are computed for so many points of a list, at most; of each lot of `together` points once. */
export function samplesOfPoints(points: number, together: number, size: number): number {
  return Math.min(points * fine.taps, Math.ceil(points / together) * size);
}

/** Of point i its nearest sample; points of a region are those of the whole to the bit. */
function placesOf({ start, step }: GridPoints): (i: number) => ReturnType<typeof placeOf> {
  // Points of all output grids stand at (j + 1/2) step.
  const first = start[0]! / step[0]! - 0.5;
  const whole = Math.round(first);
  const from = Math.abs(first - whole) < 1e-6 ? whole : first;
  return (i) => placeOf((from + i + 0.5) * step[0]!);
}

/** Values [count, channels] of `count` samples from `from` on. */
export type BandSamples = (from: number, count: number) => Promise<Float32Array>;

/** Draws blocks of the points of one signal, from the first on; each sample is computed once. */
export class BandInterpolator {
  readonly #size: number;
  readonly #channels: number;
  readonly #samples: BandSamples;
  #kernel: { readonly step: number; readonly kernel: BandKernel } | undefined;
  /** Samples [from, from + length) that are there. */
  #held = { from: 0, values: new Float32Array(0) };

  constructor(size: number, channels: number, samples: BandSamples) {
    this.#size = size;
    this.#channels = channels;
    this.#samples = samples;
  }

  /** Values [points, channels]. */
  async block(grid: GridPoints): Promise<Float32Array> {
    const step = grid.step[0]!;
    const count = grid.count[0]!;
    if (this.#kernel?.step !== step) this.#kernel = { step, kernel: new BandKernel(step) };
    const { kernel } = this.#kernel;
    const at = placesOf(grid);
    const values = new Float32Array(count * this.#channels);
    const together = Math.min(samplesTogether, Math.max(1, Math.floor(samplesTogether / step)));
    for (let first = 0; first < count; first += together) {
      const end = Math.min(count, first + together);
      await this.#hold(at(first).nearest - kernel.reach, at(end - 1).nearest + kernel.reach);
      this.#draw(kernel, at, first, values.subarray(first * this.#channels, end * this.#channels));
    }
    return values;
  }

  #draw(kernel: BandKernel, at: ReturnType<typeof placesOf>, first: number, into: Float32Array): void {
    const { reach, taps } = kernel;
    const channels = this.#channels;
    const { from, values } = this.#held;
    const weights = new Float64Array(taps);
    for (let i = 0; i * channels < into.length; i++) {
      const { nearest, past } = at(first + i);
      kernel.weigh(past, weights);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let t = 0; t < taps; t++) {
          const cell = within(nearest - reach + t, this.#size);
          sum += weights[t]! * values[(cell - from) * channels + c]!;
        }
        into[i * channels + c] = sum;
      }
    }
  }

  /** Has the samples from `low` to `high` as far as there are any, and forgets those before. */
  async #hold(low: number, high: number): Promise<void> {
    const channels = this.#channels;
    const first = within(low, this.#size);
    const end = within(high, this.#size) + 1;
    const { from, values } = this.#held;
    const known = from + values.length / channels;
    const keeps = first >= from && first < known;
    const kept = keeps
      ? values.subarray((first - from) * channels, (end - from) * channels)
      : values.subarray(0, 0);
    const next = first + kept.length / channels;
    const found = next < end ? await this.#samples(next, end - next) : undefined;
    const held = new Float32Array((end - first) * channels);
    held.set(kept);
    if (found !== undefined) held.set(found, kept.length);
    this.#held = { from: first, values: held };
  }
}

/** Field values [outputs] of a modulation of one axis at a coordinate, each computed once. */
export function fieldAt(
  net: Network64,
  shape: readonly number[],
  modulation: Float64Array,
): (x: number) => Float64Array {
  const known = new Map<number, Float64Array>();
  return (x) => {
    const values = known.get(x) ?? forward(net, siteAt(net.spec, shape, [x]), modulation).f;
    known.set(x, values);
    return values;
  };
}

/** Points of a list, and the samples that they are drawn from. */
export class BandPoints {
  /** Positions of the samples, [samples]; each once, in order. */
  readonly coordinates: Float32Array;
  /** [points, taps]: which of these samples, and how much of each. */
  readonly #cells: Int32Array;
  readonly #weights: Float64Array;

  constructor(points: ArrayLike<number>, size: number, asked: BandAsked) {
    const { taps } = fine;
    this.#cells = new Int32Array(points.length * taps);
    this.#weights = new Float64Array(points.length * taps);
    const used = new Set<number>();
    for (let p = 0; p < points.length; p++) {
      const first = weigh(points[p]!, asked, this.#weights.subarray(p * taps, (p + 1) * taps));
      for (let t = 0, i = p * taps; t < taps; t++, i++) {
        this.#cells[i] = within(first + t, size);
        if (this.#weights[i] !== 0) used.add(this.#cells[i]!);
      }
    }
    const cells = Int32Array.from(used).sort();
    const numbers = new Map<number, number>();
    cells.forEach((cell, i) => {
      numbers.set(cell, i);
    });
    for (let i = 0; i < this.#cells.length; i++) this.#cells[i] = numbers.get(this.#cells[i]!) ?? 0;
    this.coordinates = Float32Array.from(cells, (cell) => cell + 0.5);
  }

  /** Sums [points, channels] of the samples that `valuesAt` gives, [channels] each. */
  sumOf(valuesAt: (x: number) => Float64Array, channels: number): Float64Array {
    return this.sum(
      [...this.coordinates].flatMap((x) => [...valuesAt(x)]),
      channels,
    );
  }

  /** Sums [points, channels] of the samples [samples, channels]. */
  sum(samples: ArrayLike<number>, channels: number): Float64Array {
    const { taps } = fine;
    const sums = new Float64Array((this.#cells.length / taps) * channels);
    for (let p = 0; p * channels < sums.length; p++)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = p * taps; i < (p + 1) * taps; i++)
          if (this.#weights[i] !== 0) sum += this.#weights[i]! * samples[this.#cells[i]! * channels + c]!;
        sums[p * channels + c] = sum;
      }
    return sums;
  }
}
