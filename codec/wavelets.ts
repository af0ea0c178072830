/**
 * A signal as sums of wavelets, coarse ones first: the transform of JPEG 2000 for pictures that may lose (Cohen, Daubechies and Feauveau,
 * 1992, 9/7 taps; by lifting, Daubechies and Sweldens, 1998), along up to three axes, scaled so that an error of a coefficient is about as
 * large in the signal. Doubles by + and * in a fixed order, kept as float32: the same on every engine. FORMAT.md, "By wavelets".
 *
 * Indices of hot loops are below the counts computed from the sizes.
 */
import { look } from '../src/core/look.ts';

/** Values [slices, rows, columns, channels]. */
export interface WaveletGrid {
  /** Of slices, rows and columns. */
  readonly sizes: readonly number[];
  readonly channels: number;
  /** Whether columns go round: the last is a neighbour of the first. */
  readonly isRing: boolean;
}

/** Coefficients of one scale and direction, a box of those of a signal. */
export interface Band {
  /** Slice, row and column of its first one. */
  readonly start: readonly number[];
  readonly sizes: readonly number[];
  /** Axes along which it holds details, as bits: 1 of slices, 2 of rows, 4 of columns. 0: what is left when all scales are taken out. */
  readonly details: number;
  /** How often the signal was halved. */
  readonly scale: number;
}

const lifts = [-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971];
const lowGain = 1.149604398860241;
const highGain = 0.869864451624781;

/** Sizes at each scale, those of the signal first: each half of the one before, rounded up, down to 1. */
function scalesOf(sizes: readonly number[]): (readonly number[])[] {
  const scales = [sizes];
  for (let own = sizes; own.some((n) => n > 1); scales.push(own)) own = own.map((n) => (n + 1) >> 1);
  return scales;
}

/** All of them in the order in which they are coded. */
export function bandsOf(sizes: readonly number[]): Band[] {
  const scales = scalesOf(sizes);
  const bands: Band[] = [
    { start: sizes.map(() => 0), sizes: scales.at(-1)!, details: 0, scale: scales.length - 1 },
  ];
  for (let scale = scales.length - 2; scale >= 0; scale--) {
    const [whole, half] = [scales[scale]!, scales[scale + 1]!];
    for (let details = 1; details < 1 << sizes.length; details++) {
      const isHigh = (axis: number) => ((details >> axis) & 1) === 1;
      const own = whole.map((n, axis) => (isHigh(axis) ? n - half[axis]! : half[axis]!));
      if (own.every((n) => n > 0))
        bands.push({ start: half.map((n, axis) => (isHigh(axis) ? n : 0)), sizes: own, details, scale });
    }
  }
  return bands;
}

/** Values become coefficients, in place. */
export function analyse(values: Float32Array, grid: WaveletGrid): void {
  const scales = scalesOf(grid.sizes);
  for (const sizes of scales.slice(0, -1))
    for (let axis = 0; axis < sizes.length; axis++) alongLines(values, grid, sizes, axis, apart);
}

/** Coefficients become values, in place. */
export function synthesise(values: Float32Array, grid: WaveletGrid): void {
  const scales = scalesOf(grid.sizes);
  for (const sizes of scales.slice(0, -1).reverse())
    for (let axis = sizes.length - 1; axis >= 0; axis--) alongLines(values, grid, sizes, axis, together);
}

type OfLine = (line: Float64Array, n: number, isRing: boolean, room: Float64Array) => void;

/** Each line of one axis within the first `sizes` of a grid. */
function alongLines(
  values: Float32Array,
  grid: WaveletGrid,
  sizes: readonly number[],
  axis: number,
  change: OfLine,
): void {
  const n = sizes[axis]!;
  if (n === 1) return;
  const strides = stridesOf(grid);
  const isRing = grid.isRing && axis === grid.sizes.length - 1 && n % 2 === 0;
  const [line, room] = [new Float64Array(n), new Float64Array(n)];
  const others = sizes.map((own, other) => (other === axis ? 1 : own));
  const [slices, rows, columns] = others as [number, number, number];
  const stride = strides[axis]!;
  for (let z = 0; z < slices; z++) {
    for (let y = 0; y < rows; y++) {
      look();
      for (let x = 0; x < columns; x++) {
        const from = z * strides[0]! + y * strides[1]! + x * strides[2]!;
        for (let c = 0; c < grid.channels; c++) {
          for (let i = 0, at = from + c; i < n; i++, at += stride) line[i] = values[at]!;
          change(line, n, isRing, room);
          for (let i = 0, at = from + c; i < n; i++, at += stride) values[at] = line[i]!;
        }
      }
    }
  }
}

/** How far one slice, row and column is from the next. */
export function stridesOf({ sizes, channels }: WaveletGrid): readonly [number, number, number] {
  return [sizes[1]! * sizes[2]! * channels, sizes[2]! * channels, channels];
}

/** Coarse ones first, details after. */
function apart(line: Float64Array, n: number, isRing: boolean, room: Float64Array): void {
  for (let s = 0; s < lifts.length; s++) lift(line, n, isRing, s % 2 === 0 ? 1 : 0, lifts[s]!);
  const half = (n + 1) >> 1;
  room.set(line);
  for (let i = 0; i < half; i++) line[i] = room[2 * i]! * lowGain;
  for (let i = half; i < n; i++) line[i] = room[2 * (i - half) + 1]! * highGain;
}

function together(line: Float64Array, n: number, isRing: boolean, room: Float64Array): void {
  const half = (n + 1) >> 1;
  room.set(line);
  for (let i = 0; i < half; i++) line[2 * i] = room[i]! / lowGain;
  for (let i = half; i < n; i++) line[2 * (i - half) + 1] = room[i]! / highGain;
  for (let s = lifts.length - 1; s >= 0; s--) lift(line, n, isRing, s % 2 === 0 ? 1 : 0, -lifts[s]!);
}

/** Adds to every second number, from `first` on, a share of those beside it; beyond an end of a line it is mirrored. */
function lift(line: Float64Array, n: number, isRing: boolean, first: number, share: number): void {
  for (let i = first; i < n; i += 2) {
    const before = i > 0 ? i - 1 : isRing ? n - 1 : 1;
    const after = i + 1 < n ? i + 1 : isRing ? 0 : n - 2;
    line[i] = line[i]! + share * (line[before]! + line[after]!);
  }
}
