/** What the numbers of a field stand for: its outputs and its axes, as the card of a model tells them. */

/** How signals are sampled: whole numbers of 8 or 16 bits over the range of an output, or numbers as they are. */
export type SampleType = 'uint8' | 'int16' | 'float32';

/** One output of a field. */
export interface Output {
  readonly name: string;
  readonly unit?: string | undefined;
  /** Signal value = offset + scale * field value. */
  readonly offset: number;
  readonly scale: number;
  /** Least value of the range that signals have. Samples of whole numbers end there; others may go beyond. */
  readonly low: number;
  /** Length of that range, above 0: what errors are measured against. */
  readonly peak: number;
  readonly sample: SampleType;
}

/** One axis of a signal. */
export interface Axis {
  readonly name: string;
  readonly unit?: string | undefined;
  /** Coordinate of the first sample, in the unit. */
  readonly start?: number | undefined;
  /** From one sample to the next. */
  readonly step?: number | undefined;
  /** Coordinates of all samples of a signal, where they are no regular ones; in place of `start` and `step`. */
  readonly at?: readonly number[] | undefined;
  /** Whether the last sample is a neighbour of the first, as along a circle of latitude. */
  readonly wraps?: boolean | undefined;
  /** How much samples count: by the cosine of the coordinate in degrees, as cells of a sphere along its latitude; absent: alike. */
  readonly weight?: 'cosine' | undefined;
}

/** Signal value = offset + scale * field value. */
export interface ValueRange {
  readonly offset: number;
  readonly scale: number;
}

/** What an output of a signal is called, and its unit. */
export type NamedOutput = Pick<Output, 'name' | 'unit'>;

/** A range of a signal's own, and what the signal calls that output where it says so: value = offset + scale * value of the card. */
export type OwnRange = ValueRange & Partial<NamedOutput>;

/** What the signals of some data are: all of an output but how a field is scaled to it. */
export interface DataKind {
  readonly outputs: readonly Omit<Output, 'offset' | 'scale'>[];
  readonly axes: readonly Axis[];
}

/** What the samples of an output stand for: value = zero + sample / perUnit, samples within low..high. */
export interface SampleScale {
  readonly zero: number;
  readonly perUnit: number;
  readonly low: number;
  readonly high: number;
}

/** The names of axes that have none, in array order: `x`; `y`, `x`; `z`, `y`, `x`; `t`, `z`, `y`, `x`; further ones before these. */
export function axisNames(axes: number): string[] {
  return Array.from({ length: axes }, (_, i) => fromFastest[axes - 1 - i] ?? `axis${i}`);
}

const fromFastest = ['x', 'y', 'z', 't'];

/** How all outputs are sampled; where they differ, as numbers. */
export function sampleTypeOf(outputs: readonly Pick<Output, 'sample'>[]): SampleType {
  const [first] = outputs;
  return first !== undefined && outputs.every(({ sample }) => sample === first.sample)
    ? first.sample
    : 'float32';
}

/**
 * The samples of an output: 256 values from one end of its range to the other; 65,536 from one end up to the other, which is not among
 * them (as in sound, -1 to 1 - 2^-15); for numbers as they are, multiples of scale / 4096 as far as eight scales from the offset.
 */
export function sampleScale({ offset, scale, low, peak }: Output, sample: SampleType): SampleScale {
  switch (sample) {
    case 'uint8':
      return { zero: low, perUnit: 255 / peak, low: 0, high: 255 };
    case 'int16':
      return { zero: low + peak / 2, perUnit: 65536 / peak, low: -32768, high: 32767 };
    case 'float32':
      return { zero: offset, perUnit: 4096 / scale, low: -32768, high: 32767 };
    default:
      return sample satisfies never;
  }
}

/** Offset and scale of all outputs; undefined where they differ. */
export function sharedRange(outputs: readonly Output[]): ValueRange | undefined {
  const [first] = outputs;
  const shared = outputs.every(({ offset, scale }) => offset === first?.offset && scale === first.scale);
  return first !== undefined && shared ? { offset: first.offset, scale: first.scale } : undefined;
}

/** Signal units of a distance of 1 between fields, where outputs share their scale; else 1: distances are in scales of each output. */
export function distanceUnit(outputs: readonly Output[]): number {
  return Math.abs(sharedRange(outputs)?.scale ?? 1);
}

/** Fresh: signal values of field values [points, outputs]. */
export function fromField(outputs: readonly ValueRange[], values: ArrayLike<number>): Float64Array {
  const n = outputs.length;
  return Float64Array.from(values, (v, i) => outputs[i % n]!.offset + outputs[i % n]!.scale * v);
}

/** Fresh: field values of signal values [points, outputs]. */
export function toField(outputs: readonly ValueRange[], values: ArrayLike<number>): Float64Array {
  const n = outputs.length;
  return Float64Array.from(values, (v, i) => (v - outputs[i % n]!.offset) / outputs[i % n]!.scale);
}
