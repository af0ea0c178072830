/**
 * Samples as a function of coordinates: what a file of samples is between them. Pictures of 8 bits are on the curves of between.ts,
 * sounds on those of band.ts, everything else on lines along each axis; beyond the outermost samples values are theirs. It passes through every sample. ADR 39.
 *
 * Indices of hot loops are below the lengths of arrays.
 */
import type { Points } from '../engine/engine.ts';
import type { ModelCard } from '../field/card.ts';
import { gridPositions, type Tap } from '../field/coordinates.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { type Samples, samplesAreOf } from '../field/samples.ts';
import { bandSlopes, bandTaps, isBanded } from './band.ts';
import { cubicSlopes, cubicTaps } from './between.ts';

/** A signal by its samples: whole numbers as files hold them, or its values. */
export interface SampledSignal {
  readonly shape: readonly number[];
  /** [points, channels], row-major. */
  readonly samples: Samples | Float32Array;
}

/** Whether signals of a card are on curves between samples: pictures of 8 bits. */
export function isSmooth({ outputs, spec }: ModelCard): boolean {
  return spec.axes === 2 && sampleTypeOf(outputs) === 'uint8';
}

export class SampleField {
  readonly #shape: readonly number[];
  readonly #channels: number;
  readonly #samples: SampledSignal['samples'];
  /** Of each channel: a value is `zero + sample / perUnit`. */
  readonly #units: readonly { readonly zero: number; readonly perUnit: number }[];
  readonly #taps: AxisTaps;
  readonly #slopes: AxisTaps;

  constructor(card: ModelCard, { shape, samples }: SampledSignal) {
    this.#shape = shape;
    this.#channels = card.spec.outputs;
    this.#samples = samples;
    this.#units = samplesAreOf(card, samples);
    [this.#taps, this.#slopes] = isSmooth(card)
      ? [cubicTaps, cubicSlopes]
      : isBanded(card)
        ? [bandTaps, bandSlopes]
        : [linearTaps, linearSlopes];
  }

  /** Signal values [points, channels], neither clamped nor rounded. */
  values(points: Points): Float32Array {
    return this.valuesAt(points.kind === 'list' ? points.coordinates : gridPositions(points));
  }

  /** The same at `coordinates` [points, axes]. */
  valuesAt(coordinates: Float32Array | Float64Array): Float32Array {
    const axes = this.#shape.length;
    const values = new Float32Array((coordinates.length / axes) * this.#channels);
    const sums = new Float64Array(this.#channels);
    const taps = new Array<readonly Tap[]>(axes);
    for (let p = 0; p * axes < coordinates.length; p++) {
      for (let axis = 0; axis < axes; axis++)
        taps[axis] = this.#at(coordinates[p * axes + axis]!, this.#shape[axis]!);
      this.#sum(taps, sums);
      for (let c = 0; c < sums.length; c++) {
        const { zero, perUnit } = this.#units[c]!;
        values[p * this.#channels + c] = zero + sums[c]! / perUnit;
      }
    }
    return values;
  }

  /** Derivatives [channels, axes] of the values at `x` [axes] by the coordinates, a unit a sample: on lines, those of the piece that begins there. */
  slope(x: ArrayLike<number>): Float64Array {
    const axes = this.#shape.length;
    const slope = new Float64Array(this.#channels * axes);
    const sums = new Float64Array(this.#channels);
    for (let along = 0; along < axes; along++) {
      this.#sum(
        this.#shape.map((size, axis) => (axis === along ? this.#slopes : this.#taps)(x[axis]!, size)),
        sums,
      );
      for (let c = 0; c < sums.length; c++) slope[c * axes + along] = sums[c]! / this.#units[c]!.perUnit;
    }
    return slope;
  }

  /** A sample itself needs none around it. */
  #at(x: number, size: number): readonly Tap[] {
    const cell = x - 0.5;
    const isSample = Number.isInteger(cell) && cell >= 0 && cell < size;
    return isSample ? [{ cell, weight: 1 }] : this.#taps(x, size);
  }

  /** Sums of samples under the products of the taps of all axes. */
  #sum(taps: readonly (readonly Tap[])[], sums: Float64Array): void {
    sums.fill(0);
    this.#add(taps, sums, 0, 0, 1);
  }

  #add(taps: readonly (readonly Tap[])[], sums: Float64Array, axis: number, index: number, factor: number) {
    if (axis === taps.length) {
      const at = index * this.#channels;
      for (let c = 0; c < sums.length; c++) sums[c]! += factor * this.#samples[at + c]!;
      return;
    }
    for (const { cell, weight } of taps[axis]!)
      if (weight !== 0) this.#add(taps, sums, axis + 1, index * this.#shape[axis]! + cell, factor * weight);
  }
}

type AxisTaps = (x: number, size: number) => readonly Tap[];

/** The sample before `x`, in signal units, and the share of the one after; sample i stands at i + 1/2. */
export function betweenTwo(x: number, size: number): { readonly before: number; readonly share: number } {
  const at = Math.min(size - 1, Math.max(0, x - 0.5));
  const before = Math.min(Math.floor(at), Math.max(0, size - 2));
  return { before, share: at - before };
}

function linearTaps(x: number, size: number): Tap[] {
  const { before, share } = betweenTwo(x, size);
  if (share === 0) return [{ cell: before, weight: 1 }];
  return [
    { cell: before, weight: 1 - share },
    { cell: before + 1, weight: share },
  ];
}

function linearSlopes(x: number, size: number): Tap[] {
  if (size === 1 || x < 0.5 || x > size - 0.5) return [];
  const { before } = betweenTwo(x, size);
  return [
    { cell: before, weight: -1 },
    { cell: before + 1, weight: 1 },
  ];
}
