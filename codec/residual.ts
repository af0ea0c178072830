/**
 * What a signal is off its field, in whole steps; FORMAT.md, "Residual". Adaptive bits under the sizes of what is around, in the line
 * above and in the slice before. The field took what is smooth: a value is not foretold, only its size is.
 */

import { type BitCoder, BitDecoder, BitEncoder } from '../prior/bits.ts';
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { Around } from './grid-around.ts';
import type { ValueGrid } from './mask.ts';
import { checkSamplesPaid } from './paid.ts';

/** Largest number of steps, either way. */
export const mostSteps = 1 << 22;

export interface Residual {
  /** [channels]: value = field + step * number; finite, above 0. */
  readonly steps: Float64Array;
  /** [points, channels]. */
  readonly numbers: Int32Array;
}

export interface ResidualGrid extends ValueGrid {
  /** Values of a slice of all axes but the first; the slice before gives contexts where there are three axes. */
  readonly slice: number;
}

const activities = 16;
const lengths = 24;
/** Contexts of each kind, one kind after the other: zero, sign, length, and the bits below the highest. */
const at = {
  zero: 0,
  zeroAround: activities,
  sign: 2 * activities + 27,
  length: 2 * activities + 27 + 9,
  lengthAround: 2 * activities + 27 + 9 + activities * lengths,
  low: 2 * activities + 27 + 9 + 2 * activities * lengths,
};
const contexts = at.low + lengths * 3;

/** Steps as eight bytes each, then the bits. */
export function encodeResidual({ steps, numbers }: Residual, grid: ResidualGrid): Uint8Array {
  const encoder = new BitEncoder(contexts);
  walk(encoder, numbers, grid);
  const writer = new ByteWriter();
  for (const step of steps) writer.f64(step);
  return writer.bytes(encoder.finish()).finish();
}

/** `count` numbers of `encodeResidual`. Throws BadStreamError `truncated`, `payload`, `sample-range`; `from`: offset for messages. */
export function decodeResidual(bytes: Uint8Array, count: number, grid: ResidualGrid, from = 0): Residual {
  const reader = new ByteReader(bytes);
  const steps = Float64Array.from({ length: grid.channels }, () => reader.f64());
  if (!steps.every((step) => step > 0 && step < Number.POSITIVE_INFINITY))
    throw new BadStreamError('sample-range', from, 'a residual has steps that are finite and above 0');
  const coded = bytes.subarray(reader.at);
  checkSamplesPaid(count, coded.length, from + reader.at);
  const numbers = new Int32Array(count);
  const decoder = new BitDecoder(contexts, coded, from + reader.at);
  walk(decoder, numbers, grid);
  decoder.end();
  return { steps, numbers };
}

function walk(coder: BitCoder, numbers: Int32Array, { columns, channels, slice }: ResidualGrid): void {
  const around = new Around(numbers, columns, channels);
  for (let i = 0; i < numbers.length; i++) {
    around.at(i);
    const { left, above, leftAbove, rightAbove } = around;
    const before = i >= slice ? numbers[i - slice]! : 0;
    const size =
      2 * (Math.abs(left) + Math.abs(above)) +
      Math.abs(leftAbove) +
      Math.abs(rightAbove) +
      2 * Math.abs(before);
    const activity = activityOf(size);
    const beside =
      Math.min(2, Math.abs(left)) + 3 * Math.min(2, Math.abs(above)) + 9 * Math.min(2, Math.abs(before));
    numbers[i] = number(coder, numbers[i]!, activity, beside, side(left) + 3 * side(above));
  }
}

function number(coder: BitCoder, value: number, activity: number, beside: number, sides: number): number {
  if (coder.bit(at.zero + activity, at.zeroAround + beside, value === 0 ? 0 : 1) === 0) return 0;
  const negative = coder.bit(at.sign + sides, at.sign + sides, value < 0 ? 1 : 0) === 1;
  const size = Math.abs(value);
  const highest = size === 0 ? 0 : 31 - Math.clz32(size);
  let length = 0;
  // size is 2^length and what follows; at most 2^23 - 1
  while (length < lengths - 2) {
    const context = activity * lengths + length;
    const around = Math.min(activities - 1, beside >> 1) * lengths + length;
    if (coder.bit(at.length + context, at.lengthAround + around, length < highest ? 1 : 0) === 0) break;
    length++;
  }
  let found = 1;
  for (let b = length - 1; b >= 0; b--) {
    const context = at.low + length * 3 + Math.min(2, length - 1 - b);
    found = 2 * found + coder.bit(context, context, (size >> b) & 1);
  }
  return negative ? -found : found;
}

/** 0, then two for each octave. */
function activityOf(size: number): number {
  if (size === 0) return 0;
  const bits = 31 - Math.clz32(size);
  const half = bits > 0 ? (size >> (bits - 1)) & 1 : 0;
  return Math.min(activities - 1, 1 + 2 * bits + half);
}

function side(value: number): number {
  return value === 0 ? 0 : value < 0 ? 1 : 2;
}
