/**
 * Samples of numbers as bits: each is foretold from samples before it with weights that are learnt on the way (least-squares.ts), and what
 * it is off is coded as in sample-walk.ts. A map is smooth in a way of its own, which three guesses of the same form for all do not know.
 * FORMAT.md, "Foretold by least squares".
 *
 * Indices of hot loops are below the counts computed from the shape.
 */

import type { BitCoder } from '../prior/bits.ts';
import { look } from '../src/core/look.ts';
import type { Samples } from '../src/field/samples.ts';
import { LeastSquares } from './least-squares.ts';
import { activityOf, checkLevel, codeError, magnitude, type SampleGrid, signOf } from './sample-walk.ts';

export interface NumberGrid extends SampleGrid {
  /** Rows of a slice of all axes but the first, where there are three; else all. */
  readonly sliceRows: number;
}

/** Levels of neighbours are learnt from in units of so many. */
const unit = 16;
/** Neighbours, three digits each: slices back, 1 + rows up, 3 + columns to the right. */
const neighbours = '023 022 024 011 033 034 032 025 021 010 043 035 031 026 020 113 112 114 123 103';
const places = neighbours.split(' ').map((digits) => {
  const [back, up, right] = Array.from(digits, Number) as [number, number, number];
  return [back, 1 - up, right - 3] as const;
});
/** Of the channel before: how it goes on from the left, and from above. */
const besides = 2;

/** As `walkSamples`. */
export function walkNumbers(grid: NumberGrid, levels: Samples, coder: BitCoder): void {
  const { rows, columns, channels, sliceRows, low, high } = grid;
  const stride = columns * channels;
  const slice = sliceRows * stride;
  const taps = places.filter(
    ([back, down, right]) =>
      back * sliceRows < rows && Math.abs(down) < sliceRows && Math.abs(right) < columns,
  );
  const [backs, downs, rights] = [0, 1, 2].map((axis) => Int32Array.from(taps, (tap) => tap[axis]!)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const reaches = Int32Array.from(
    taps,
    ([back, down, right]) => down * stride + right * channels - back * slice,
  );
  const x = Array.from({ length: channels }, (_, c) => new Float64Array(taps.length + (c > 0 ? besides : 0)));
  const learnt = x.map(({ length }) => new LeastSquares(length));
  let off = new Int32Array(stride);
  let offAbove = new Int32Array(stride);
  const first = low < 0 ? 0 : (low + high + 1) >> 1;
  for (let row = 0, i = 0; row < rows; row++) {
    const y = row % sliceRows;
    for (let column = 0, j = 0; column < columns; column++) {
      if ((column & 255) === 0) look();
      for (let c = 0; c < channels; c++, i++, j++) {
        const from = column > 0 ? i - channels : y > 0 ? i - stride : i - slice;
        const base = from >= 0 ? levels[from]! : c > 0 ? levels[i - 1]! : first;
        const own = x[c]!;
        let texture = 0;
        for (let t = 0; t < taps.length; t++) {
          const down = y + downs[t]!;
          const right = column + rights[t]!;
          const isThere =
            down >= 0 && down < sliceRows && right >= 0 && right < columns && backs[t]! * sliceRows <= row;
          own[t] = isThere ? (levels[i + reaches[t]!]! - base) / unit : 0;
          if (t < 4 && own[t] === 0) texture |= 1 << t;
        }
        if (c > 0) {
          const here = levels[i - 1]!;
          own[taps.length] = from > 0 ? (here - levels[from - 1]!) / unit : 0;
          own[taps.length + 1] = y > 0 ? (here - levels[i - 1 - stride]!) / unit : 0;
        }
        const guess = base + unit * learnt[c]!.guess(own);
        const foretold = guess > low ? (guess < high ? Math.floor(guess + 0.5) : high) : low;
        // In which quarter of its step the guess lies.
        const quarter = Math.max(0, Math.min(3, Math.floor(4 * (guess - foretold + 0.5)))) | 0;
        const left = column > 0 ? off[j - channels]! : 0;
        const above = y > 0 ? offAbove[j]! : 0;
        let around = magnitude(left) + magnitude(above);
        if (y > 0 && column + 1 < columns) around += magnitude(offAbove[j + channels]!) >> 1;
        if (y > 0 && column > 0) around += magnitude(offAbove[j - channels]!) >> 1;
        const error = codeError(coder, levels[i]! - foretold, low - foretold, high - foretold, {
          activity: activityOf(around),
          before: quarter,
          sides: 3 * signOf(left) + signOf(above),
          texture: texture | (foretold === base ? 16 : 0),
          channel: quarter,
        });
        const level = foretold + error;
        checkLevel(level, i, grid);
        levels[i] = level;
        off[j] = error;
        learnt[c]!.learn(own, (level - guess) / unit);
      }
    }
    [off, offAbove] = [offAbove, off];
    if (coder.isOver) return;
  }
}
