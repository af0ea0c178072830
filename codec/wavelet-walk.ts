/**
 * Coefficients of wavelets as bits, coarse bands first. How large one is likely to be is foretold by least squares from the sizes of those
 * around it, of the band twice as coarse and of other directions, and says under which contexts it is coded (after Wu, "High-order context
 * modeling and embedded conditional entropy coding of wavelet coefficients", 1997). FORMAT.md, "By wavelets".
 *
 * Indices of hot loops are below the counts computed from the sizes.
 */
import type { BitCoder } from '../prior/bits.ts';
import { look } from '../src/core/look.ts';
import { LeastSquares } from './least-squares.ts';
import { activityOf } from './sample-walk.ts';
import { type Band, bandsOf, stridesOf, type WaveletGrid } from './wavelets.ts';

/**
 * Slices, rows and columns away, and what a size there counts in a sum, a digit each that is larger by 2: those of the same band that are
 * coded before, and those of a band that is coded as a whole before.
 */
const before = placesOf('2214 2124 1224 2113 2133 2203 2023 1213 1123 1233 1323 0223');
const around = placesOf('2226 2233 2323 3223 2213 2123 1223');

function placesOf(digits: string): number[][] {
  return digits.split(' ').map((place) => Array.from(place, (digit) => Number(digit) - 2));
}

/** Sizes are told apart up to it, in a byte. */
const largest = 255;
/** Sizes below it are coded one by one. */
const counted = 15;
/** Bits of what is beyond, at most. */
const longest = 24;
const activities = 64;
const directions = 8;

/** First contexts of each kind of bit. */
const byExpected = 0;
const byPlace = byExpected + 2 * activities * 16;
const bySum = byPlace + directions * 64 * 16;
const inQuiet = bySum + directions * activities * 16;
const bySign = inQuiet + directions * 16;
const byLength = bySign + directions;
const byRest = byLength + longest;
export const waveletContexts = byRest + longest;
export const waveletMixers = directions * 16;

/** What the coefficient at a place is coded as; `expected`: how large it is likely to be, in steps. */
export type Choice = (at: number, expected: number) => number;

/** Visits every level [slices, rows, columns, channels], those of a band together; as `walkSamples`. `choose` says them as they are coded. */
export function walkWavelets(grid: WaveletGrid, levels: Int32Array, coder: BitCoder, choose?: Choice): void {
  const sizes = new Uint8Array(levels.length);
  const learnt = new Map<number, LeastSquares>();
  const bands = bandsOf(grid.sizes);
  for (const band of bands) {
    for (let channel = 0; channel < grid.channels; channel++) {
      const taps = tapsOf(grid, band, bands, channel);
      const key = 2 * band.details + Math.min(channel, 1);
      const squares = learnt.get(key) ?? new LeastSquares(taps.length);
      learnt.set(key, squares);
      walkBand({ grid, band, channel, taps, squares }, levels, sizes, coder, choose);
      if (coder.isOver) return;
    }
  }
}

/** Where a size is taken from that another is foretold by. */
interface Tap {
  /** Absent where there is none: then sizes are 0. */
  readonly of: Band | undefined;
  /** As in `before`. */
  readonly place: readonly number[];
  /** Channels before. */
  readonly back: number;
}

function tapsOf({ sizes }: WaveletGrid, band: Band, bands: readonly Band[], channel: number): Tap[] {
  const { details, scale } = band;
  const centre = around.slice(0, 1);
  const from = (of: Band | undefined, places: number[][], back = 0) =>
    places
      .filter((place) => sizes.every((n, axis) => n > 1 || place[axis] === 0))
      .map((place): Tap => ({ of, place, back }));
  const find = (direction: number, at: number) =>
    bands.find((own) => own.details === direction && own.scale === at);
  const taps = from(band, before);
  if (details > 0) taps.push(...from(find(details, scale + 1), around));
  // Other directions of the same scale, the last one with what is around.
  for (let other = details - 1, places = around; other > 0; other--) {
    if (!sizes.every((n, axis) => n > 1 || ((other >> axis) & 1) === 0)) continue;
    taps.push(...from(find(other, scale), places));
    places = centre;
  }
  if (channel > 0) taps.push(...from(band, centre, 1));
  return taps;
}

interface BandWalk {
  readonly grid: WaveletGrid;
  readonly band: Band;
  readonly channel: number;
  readonly taps: readonly Tap[];
  readonly squares: LeastSquares;
}

function walkBand(
  { grid, band, channel, taps, squares }: BandWalk,
  levels: Int32Array,
  sizes: Uint8Array,
  coder: BitCoder,
  choose: Choice | undefined,
): void {
  const strides = stridesOf(grid);
  const stride = strides[2];
  const of = (number: (tap: Tap) => number) => Int32Array.from(taps, number);
  // Places of a band that is twice as coarse are half as far, unless the axis is halved no more.
  const halvesOf = (tap: Tap, axis: number) =>
    tap.of !== undefined && tap.of.scale > band.scale && grid.sizes[axis]! > 1 ? 1 : 0;
  const lastOf = (tap: Tap, axis: number) => (tap.of ?? band).sizes[axis]! - 1;
  /** The first place of a row that is read; -1 where there is none. */
  const rowOf = (tap: Tap, row: readonly number[]) => {
    if (tap.of === undefined) return -1;
    let at = tap.of.start[2]! * stride + channel - tap.back;
    for (let axis = 0; axis < 2; axis++) {
      const place = (row[axis]! >> halvesOf(tap, axis)) + tap.place[axis]!;
      const nearest = Math.max(0, Math.min(lastOf(tap, axis), place));
      if (tap.of === band && place !== nearest) return -1;
      at += (tap.of.start[axis]! + nearest) * strides[axis]!;
    }
    return at;
  };
  const [halves, lasts] = [of((tap) => halvesOf(tap, 2)), of((tap) => lastOf(tap, 2))];
  const [aways, counts] = [of(({ place }) => place[2]!), of(({ place }) => place[3]!)];
  const owns = of((tap) => (tap.of === band ? 1 : 0));
  const x = new Float64Array(taps.length);
  const [slices, rows, columns] = band.sizes as [number, number, number];
  const direction = band.details;
  for (let slice = 0; slice < slices; slice++) {
    for (let row = 0; row < rows; row++) {
      look();
      if (coder.isOver) return;
      const from = of((tap) => rowOf(tap, [slice, row]));
      let at = rowOf({ of: band, place: around[0]!, back: 0 }, [slice, row]);
      for (let j = 0; j < columns; j++, at += stride) {
        let near = 0;
        let far = 0;
        for (let t = 0; t < x.length; t++) {
          const last = lasts[t]!;
          let place = (j >> halves[t]!) + aways[t]!;
          let first = from[t]!;
          if (place < 0 || place > last) {
            place = place < 0 ? 0 : last;
            if (owns[t] === 1) first = -1;
          }
          const size = first < 0 ? 0 : sizes[first + place * stride]!;
          x[t] = size;
          if (owns[t] === 1) near += counts[t]! * size;
          else far += counts[t]! * size;
        }
        const isQuiet = near + far === 0;
        const expected = isQuiet ? 0 : squares.guess(x);
        const wanted = choose === undefined ? levels[at]! : choose(at, expected);
        if (isQuiet) levels[at] = codeLevel(coder, wanted, direction, inQuiet + 16 * direction);
        else {
          const a = byExpected + 16 * (Math.min(direction, 1) * activities + stepOf(64 * expected));
          const around = 8 * Math.min(7, activityOf(near)) + Math.min(7, activityOf(far >> 1));
          const b = byPlace + 16 * (64 * direction + around);
          const c = bySum + 16 * (activities * direction + stepOf(11 * near + 3 * far));
          levels[at] = codeLevel(coder, wanted, direction, a, b, c);
        }
        const size = Math.min(largest, Math.abs(levels[at]!));
        if (!isQuiet) squares.learn(x, size - expected);
        sizes[at] = size;
      }
    }
  }
}

/** Of a number above 0, four steps an octave: 1 to `activities` - 1. */
function stepOf(x: number): number {
  const n = x > 0 ? Math.floor(Math.min(x, 32766)) + 1 : 1;
  const octave = 31 - Math.clz32(n);
  return Math.min(activities - 1, 4 * octave + (((n << 2) >> octave) & 3));
}

/** The size one by one, each under three contexts mixed or one, then what is beyond in its own length, and the sign. */
function codeLevel(coder: BitCoder, level: number, direction: number, a: number, b?: number, c = 0): number {
  const wanted = Math.abs(level);
  let size = 0;
  while (size < counted) {
    const more = wanted > size ? 1 : 0;
    const found =
      b === undefined
        ? coder.bit(a + size, a + size, more)
        : coder.mixed(a + size, b + size, c + size, 16 * direction + size, more);
    if (found === 0) break;
    size++;
  }
  if (size === 0) return 0;
  const one = (context: number, bit: number) => coder.bit(context, context, bit);
  if (size === counted) {
    const rest = wanted - counted + 1;
    const bits = 31 - Math.clz32(rest);
    let length = 0;
    while (length < longest - 1 && one(byLength + length, length < bits ? 1 : 0) === 1) length++;
    let found = 1;
    for (let i = length - 1; i >= 0; i--)
      found = 2 * found + one(byRest + (i === length - 1 ? length : 0), (rest >> i) & 1);
    size += found - 1;
  }
  return one(bySign + direction, level < 0 ? 1 : 0) === 1 ? -size : size;
}
