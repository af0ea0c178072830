/** Where the channels of a modulation are. Order: level by level, cell by cell, channel by channel. */
import { type FieldSpec, gridCells, pointCount, totalChannels } from './spec.ts';

export interface ChannelLayout {
  /** Channels of all levels. */
  readonly channels: number;
  /** Floats of a modulation. */
  readonly length: number;
  readonly levels: readonly {
    readonly at: number;
    readonly cells: number;
    readonly channels: number;
    /** Its first channel among all. */
    readonly first: number;
  }[];
}

export function channelLayout(spec: FieldSpec, shape: readonly number[]): ChannelLayout {
  let at = 0;
  let first = 0;
  const levels = spec.levels.map((level) => {
    const cells = pointCount(gridCells(level, shape));
    const here = { at, cells, channels: level.channels, first };
    at += cells * level.channels;
    first += level.channels;
    return here;
  });
  return { channels: totalChannels(spec), length: at, levels };
}

/** Root of the mean square of every channel [channels] over `modulations` [count, length]; modulations start at zero. */
export function channelRms(layout: ChannelLayout, modulations: Float32Array): Float64Array {
  const sums = sumSquares(layout, modulations);
  const count = modulations.length / layout.length;
  for (const { cells, channels, first } of layout.levels) {
    for (let c = first; c < first + channels; c++) sums[c] = Math.sqrt(sums[c]! / (cells * count));
  }
  return sums;
}

/** Mean over signals and cells of the squares of every channel, [channels]. */
export function channelMeanSquares(layout: ChannelLayout, values: Float32Array): Float64Array {
  return channelRms(layout, values).map((rms) => rms * rms);
}

function sumSquares(layout: ChannelLayout, values: Float32Array): Float64Array {
  const sums = new Float64Array(layout.channels);
  for (let start = 0; start < values.length; start += layout.length) {
    for (const { at, cells, channels, first } of layout.levels) {
      let i = start + at;
      for (let cell = 0; cell < cells; cell++) {
        for (let c = first; c < first + channels; c++, i++) sums[c]! += values[i]! * values[i]!;
      }
    }
  }
  return sums;
}

/** The channel of every float of a modulation, [m]. */
export function channelOfSymbol(layout: ChannelLayout): Uint32Array {
  const out = new Uint32Array(layout.length);
  for (const { at, cells, channels, first } of layout.levels) {
    for (let i = 0; i < cells * channels; i++) out[at + i] = first + (i % channels);
  }
  return out;
}

/** Views of the `rows` rows of an array, such as the slopes of every channel. */
export function rowsOf(array: Float32Array, rows: number): Float32Array[] {
  const length = array.length / rows;
  return Array.from({ length: rows }, (_, i) => array.subarray(i * length, (i + 1) * length));
}
