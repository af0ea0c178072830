/** Statistics of the channels of modulations. */
import { forEachLevel, type ModulationLayout } from './layout.ts';

/** Root of the mean square of every channel [channels] over `modulations` [count, length]; modulations start at zero. */
export function channelRms(layout: ModulationLayout, modulations: Float32Array): Float64Array {
  const sums = sumSquares(layout, modulations);
  const count = modulations.length / layout.length;
  for (const { count: cells, channels, first } of layout.levels) {
    for (let c = first; c < first + channels; c++) sums[c] = Math.sqrt(sums[c]! / (cells * count));
  }
  return sums;
}

/** Mean over signals and cells of the squares of every channel, [channels]. */
export function channelMeanSquares(layout: ModulationLayout, values: Float32Array): Float64Array {
  return channelRms(layout, values).map((rms) => rms * rms);
}

function sumSquares(layout: ModulationLayout, values: Float32Array): Float64Array {
  const sums = new Float64Array(layout.channels);
  forEachLevel(layout, values, (from, to, { channels, first }) => {
    for (let i = from, c = 0; i < to; i++) {
      sums[first + c]! += values[i]! * values[i]!;
      if (++c === channels) c = 0;
    }
  });
  return sums;
}

/** Views of the `rows` rows of an array, such as the slopes of every channel. */
export function rowsOf(array: Float32Array, rows: number): Float32Array[] {
  const length = array.length / rows;
  return Array.from({ length: rows }, (_, i) => array.subarray(i * length, (i + 1) * length));
}
