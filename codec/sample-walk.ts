/**
 * Samples as bits: each is foretold from samples before it, and what it is off is coded by adaptive bits; see FORMAT.md, "Samples". One
 * walk writes and reads, as with symbols. All integers.
 *
 * Foretelling is a mean of three guesses weighed by how near each was at the samples around (as in TMW and JPEG XL's modular mode); the
 * first is the median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro, 2000), whose correction of biases it has, too.
 *
 * Indices of hot loops are below the counts computed from the shape.
 */

import type { BitCoder } from '../prior/bits.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { look } from '../src/core/look.ts';
import type { Samples } from '../src/field/samples.ts';

/** How samples lie: [rows, columns, channels], the last axis of a signal being the columns. */
export interface SampleGrid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  /** Least and greatest level. */
  readonly low: number;
  readonly high: number;
}

/** Columns between two looks at whether to stop, as a mask: a millisecond or less. */
const lookMask = 1023;

const guesses = 3;
const activities = 24;
/** What the channel before was off in the same place: there is none, 0, 1, more. */
const befores = 4;
const lengths = 18;

/** First contexts of each kind of bit. */
const zeroByActivity = 0;
const zeroByTexture = zeroByActivity + activities * befores;
const signBySides = zeroByTexture + 32 * befores;
const signByChannel = signBySides + 9;
const lengthByActivity = signByChannel + 9;
const lengthByChannel = lengthByActivity + activities * lengths;
const lowBits = lengthByChannel + befores * lengths;
export const sampleContexts = lowBits + lengths * lengths * 2;

const biasContexts = activities * 8;

/** [256]: weights of guesses by how far they were off, floor(2^16 / (e + 1)^2) + 1. */
const weightOf = Int32Array.from({ length: 256 }, (_, e) => Math.floor(65536 / ((e + 1) * (e + 1))) + 1);

/** 0, 2, 3, 4, 4, 5, 5, ...: two steps an octave of 1 + n. */
export function activityOf(n: number): number {
  const octave = 31 - Math.clz32(n + 1);
  const step = octave === 0 ? 0 : 2 * octave + (((n + 1) >> (octave - 1)) & 1);
  return step < activities ? step : activities - 1;
}

/**
 * Visits every level in order, with the value in `levels` [rows, columns, channels], and writes back what the coder returns; ends early,
 * at the end of a row, once the coder is over.
 */
export function walkSamples(grid: SampleGrid, levels: Samples, coder: BitCoder): void {
  const { rows, columns, channels, low, high } = grid;
  const stride = columns * channels;
  // What was foretold wrongly in this row and the one before: by each guess, and in the end.
  let guessed = new Int32Array(stride * guesses);
  let guessedAbove = new Int32Array(stride * guesses);
  let off = new Int32Array(stride);
  let offAbove = new Int32Array(stride);
  const biasSums = new Int32Array(biasContexts);
  const biasCounts = new Int32Array(biasContexts);
  const first = low < 0 ? 0 : (low + high + 1) >> 1;
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0, j = 0; x < columns; x++) {
      if ((x & lookMask) === 0) look();
      for (let c = 0; c < channels; c++, i++, j++) {
        const left = x > 0;
        const w = left ? levels[i - channels]! : y > 0 ? levels[i - stride]! : c > 0 ? levels[i - 1]! : first;
        const n = y > 0 ? levels[i - stride]! : w;
        const nw = y > 0 && left ? levels[i - stride - channels]! : n;
        const ne = y > 0 && x + 1 < columns ? levels[i - stride + channels]! : n;
        const ww = x > 1 ? levels[i - 2 * channels]! : w;
        const g0 = median(w, n, nw);
        let g1 = y > 0 ? (2 * (w + n) + ne - nw + 2) >> 2 : 2 * w - ww;
        let g2 = y > 0 ? w + ((ne - n) >> 1) : w;
        if (c > 0 && (left || y > 0)) {
          const pw = left ? levels[i - channels - 1]! : levels[i - stride - 1]!;
          const pn = y > 0 ? levels[i - stride - 1]! : pw;
          const pnw = y > 0 && left ? levels[i - stride - channels - 1]! : pn;
          const here = levels[i - 1]!;
          g2 = here + median(w - pw, n - pn, nw - pnw);
          if (y > 0) g1 = here + ((w - pw + n - pn) >> 1);
        }
        let e0 = 0;
        let e1 = 0;
        let e2 = 0;
        let around = 0;
        const k = j * guesses;
        if (left) {
          const l = k - channels * guesses;
          e0 += guessed[l]!;
          e1 += guessed[l + 1]!;
          e2 += guessed[l + 2]!;
          around += magnitude(off[j - channels]!);
        }
        if (y > 0) {
          e0 += guessedAbove[k]!;
          e1 += guessedAbove[k + 1]!;
          e2 += guessedAbove[k + 2]!;
          around += magnitude(offAbove[j]!);
          if (x + 1 < columns) {
            const r = k + channels * guesses;
            e0 += guessedAbove[r]!;
            e1 += guessedAbove[r + 1]!;
            e2 += guessedAbove[r + 2]!;
            around += magnitude(offAbove[j + channels]!) >> 1;
          }
          if (left) around += magnitude(offAbove[j - channels]!) >> 1;
        }
        const w0 = weightOf[Math.min(e0, 255)]!;
        const w1 = weightOf[Math.min(e1, 255)]!;
        const w2 = weightOf[Math.min(e2, 255)]!;
        const weight = w0 + w1 + w2;
        const mean = Math.floor((w0 * g0 + w1 * g1 + w2 * g2 + (weight >> 1)) / weight);
        const activity = activityOf(around);
        const bias = activity * 8 + (w < mean ? 1 : 0) + (n < mean ? 2 : 0) + (ne < nw ? 4 : 0);
        const counted = biasCounts[bias]!;
        const correction = counted === 0 ? 0 : Math.floor((2 * biasSums[bias]! + counted) / (2 * counted));
        const corrected = mean + correction;
        const foretold = Math.min(high, Math.max(low, corrected));

        const previous = c > 0 ? off[j - 1]! : 0;
        const before = c === 0 ? 0 : previous === 0 ? 1 : previous === 1 || previous === -1 ? 2 : 3;
        const sides = 3 * signOf(left ? off[j - channels]! : 0) + signOf(y > 0 ? offAbove[j]! : 0);
        const texture =
          (w === n ? 1 : 0) |
          (n === nw ? 2 : 0) |
          (n === ne ? 4 : 0) |
          (w === ww ? 8 : 0) |
          (foretold === w ? 16 : 0);
        const error = codeError(coder, levels[i]! - foretold, low - foretold, high - foretold, {
          activity,
          before,
          sides,
          texture,
          channel: signOf(previous) * 3 + (c > 1 ? signOf(off[j - 2]!) : 0),
        });
        const level = foretold + error;
        checkLevel(level, i, grid);
        levels[i] = level;
        off[j] = error;
        guessed[k] = magnitude(level - g0);
        guessed[k + 1] = magnitude(level - g1);
        guessed[k + 2] = magnitude(level - g2);
        biasSums[bias] = biasSums[bias]! + level - mean;
        biasCounts[bias] = counted + 1;
        if (counted === 63) {
          biasSums[bias] = biasSums[bias]! >> 1;
          biasCounts[bias] = 32;
        }
      }
    }
    [guessed, guessedAbove] = [guessedAbove, guessed];
    [off, offAbove] = [offAbove, off];
    if (coder.isOver) return;
  }
}

export interface ErrorContext {
  readonly activity: number;
  readonly before: number;
  readonly sides: number;
  readonly texture: number;
  readonly channel: number;
}

/** Zero or not, the sign where both are possible, the length of the magnitude one by one, the bits below its highest. */
export function codeError(
  coder: BitCoder,
  error: number,
  least: number,
  most: number,
  at: ErrorContext,
): number {
  const byActivity = zeroByActivity + at.activity * befores + at.before;
  const byTexture = zeroByTexture + at.texture * befores + at.before;
  if (coder.bit(byActivity, byTexture, error === 0 ? 0 : 1) === 0) return 0;
  let negative = error < 0 ? 1 : 0;
  if (least === 0) negative = 0;
  else if (most === 0) negative = 1;
  else negative = coder.bit(signBySides + at.sides, signByChannel + at.channel, negative);
  const size = error < 0 ? -error : error;
  const wanted = 31 - Math.clz32(size);
  let length = 0;
  const lengthA = lengthByActivity + at.activity * lengths;
  const lengthB = lengthByChannel + at.before * lengths;
  while (length < lengths - 1 && coder.bit(lengthA + length, lengthB + length, length < wanted ? 1 : 0) === 1)
    length++;
  let found = 1;
  for (let b = length - 1; b >= 0; b--) {
    // The highest one is known by the bit above it alone; those below are nearly even.
    const context = lowBits + 2 * (length * lengths + b) + (b + 1 < length ? found & 1 : 0);
    found = 2 * found + coder.bit(context, context, (size >> b) & 1);
  }
  return negative === 1 ? -found : found;
}

/** Of sample `i`. Throws BadStreamError `sample-range`. */
export function checkLevel(level: number, i: number, { low, high }: SampleGrid): void {
  if (level < low || level > high)
    throw new BadStreamError('sample-range', 0, `sample ${i} is ${level}, beyond ${low}..${high}`);
}

function median(w: number, n: number, nw: number): number {
  const least = Math.min(w, n);
  const most = Math.max(w, n);
  return nw >= most ? least : nw <= least ? most : w + n - nw;
}

export function magnitude(x: number): number {
  return x < 0 ? -x : x;
}

/** 0, 1 or 2. */
export function signOf(x: number): number {
  return x === 0 ? 0 : x < 0 ? 1 : 2;
}
