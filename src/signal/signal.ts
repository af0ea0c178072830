import { BadInputError } from '../core/errors.ts';
import type { About } from '../field/about.ts';
import type { Axis, NamedOutput } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';

/** Samples of a function on a regular grid: what every reader gives and every writer takes. */
export interface Signal {
  /** Names the signal within its data set, and stays the same from run to run. */
  readonly id: string;
  readonly label?: string | number;
  /** Samples along each axis, array order, last axis fastest: [height, width] for an image. */
  readonly shape: readonly number[];
  /** Values at a point: 3 for RGB. */
  readonly channels: number;
  /** [points, channels], row-major. NaN is a missing value; 8-bit images are v / 255, in [0, 1]. */
  readonly values: Float32Array;
  /**
   * [points, channels]: the same as whole numbers, value = byte / 255, for as long as they are held so (`signalKeeping`); a quarter of
   * the memory. Absent once `values` were read.
   */
  readonly bytes?: Uint8Array | undefined;
  /** [points, channels]: the same of 16 bits, value = word / 32768, as of a sound; half of the memory. */
  readonly words?: Int16Array | undefined;
  /** [points]: how much each counts, 0 or more, about 1 on average; absent: as the axes say. */
  readonly weights?: Float32Array | undefined;
  /** What its coordinates are, where that is known of it; absent: as the model's card says. */
  readonly axes?: readonly Axis[] | undefined;
  /** [channels]: what its channels are called, where that is known of it; absent: as the model's card says. */
  readonly outputs?: readonly NamedOutput[] | undefined;
  /** What the file it was read from says of it beside values and places. */
  readonly about?: About | undefined;
  /** What the file it was read from holds and the values do not, one line each. Absent: nothing. */
  readonly notes?: readonly string[];
}

/** Throws BadInputError unless the axes and channels are whole, positive, and match the number of values. */
export function checkSignal(signal: Signal): void {
  const { id, shape, channels } = signal;
  const { length } = heldOf(signal);
  if (shape.length === 0 || shape.some((n) => !Number.isSafeInteger(n) || n < 1)) {
    throw new BadInputError(
      'empty-signal',
      `${id}: shape [${shape}] has no points; every axis needs at least one sample`,
    );
  }
  if (!Number.isSafeInteger(channels) || channels < 1) {
    throw new BadInputError('bad-channels', `${id}: ${channels} channels; at least one is needed`);
  }
  const { weights } = signal;
  if (weights !== undefined && weights.length !== pointCount(shape)) {
    throw new BadInputError(
      'bad-shape',
      `${id}: ${weights.length} weights, and shape [${shape}] has ${pointCount(shape)} points; give one for each`,
    );
  }
  const want = pointCount(shape) * channels;
  if (length !== want) {
    throw new BadInputError(
      'bad-shape',
      `${id}: ${length} values, and shape [${shape}] x ${channels} channels needs ${want}`,
    );
  }
}

/**
 * Throws BadInputError `infinite-value` that names the first infinite value; NaN passes, it marks a missing one.
 * `where` names the source in the message, `from` the first of the values in it.
 */
export function checkFinite(values: ArrayLike<number>, where: string, from = 0): void {
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v === Number.POSITIVE_INFINITY || v === Number.NEGATIVE_INFINITY) {
      throw new BadInputError(
        'infinite-value',
        `${where}: value ${from + i} is ${v}; replace it, or make it NaN if it is missing`,
      );
    }
  }
}

/** How many values are missing (NaN). */
export function countMissing(values: Float32Array): number {
  let missing = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) missing++;
  return missing;
}

/** A signal of 8-bit samples: value = byte / 255. `bytes`: [points, channels]. */
export function signalFromBytes(bytes: Uint8Array, meta: Omit<Signal, 'values'>): Signal {
  const values = new Float32Array(bytes.length);
  wholeToUnit(bytes, values);
  const signal: Signal = { ...meta, values };
  checkSignal(signal);
  return signal;
}

/** Samples as whole numbers: of bytes 255 make 1, of words 32768. */
export type WholeSamples = Uint8Array | Int16Array;

/**
 * The same signal from whole samples that it keeps, be they bytes or words: its values are made when they are first read, and what they are
 * made from is let go then.
 */
export function signalKeeping(whole: WholeSamples, meta: Omit<Signal, 'values' | 'bytes' | 'words'>): Signal {
  let values: Float32Array | undefined;
  let kept: WholeSamples | undefined = whole;
  // In this order: a copy that reads all has the values, which may be changed, alone.
  const signal: Signal = {
    ...meta,
    get values() {
      if (values === undefined) {
        values = new Float32Array(kept!.length);
        wholeToUnit(kept!, values);
        kept = undefined;
      }
      return values;
    },
    get bytes() {
      return kept instanceof Uint8Array ? kept : undefined;
    },
    get words() {
      return kept instanceof Int16Array ? kept : undefined;
    },
  };
  checkSignal(signal);
  return signal;
}

/** The samples of a signal as they are held; values are not made for this. */
export function heldOf(signal: Pick<Signal, 'values' | 'bytes' | 'words'>): Float32Array | WholeSamples {
  return signal.bytes ?? signal.words ?? signal.values;
}

/** How many of what `heldOf` gives make 1. */
export function perUnitOf(held: Float32Array | WholeSamples): 1 | 255 | 32768 {
  if (held instanceof Uint8Array) return 255;
  return held instanceof Int16Array ? 32768 : 1;
}

/** out[at + i] = the value of whole[i], correctly rounded to float32. */
export function wholeToUnit(whole: WholeSamples, out: Float32Array, at = 0): void {
  const perUnit = perUnitOf(whole);
  for (let i = 0; i < whole.length; i++) out[at + i] = whole[i]! / perUnit;
}

/** Nearest 8-bit sample of each value: clamped to [0, 1], halves up, NaN to 0. Fresh array, [points, channels]. */
export function signalToBytes(signal: Signal): Uint8Array {
  const { values } = signal;
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    bytes[i] = v >= 1 ? 255 : v > 0 ? Math.floor(v * 255 + 0.5) : 0;
  }
  return bytes;
}
