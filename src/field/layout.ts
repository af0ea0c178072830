/**
 * Where the numbers of a modulation stand: level by level, cell by cell (row-major), channel by channel. There is this one layout: networks,
 * searches, priors and coders walk it, and symbols stand as the numbers do that they stand for.
 */
import { type FieldSpec, gridCells, pointCount } from './spec.ts';

/** What says how large a level is. */
export interface LevelGrid {
  /** Cells along each axis. */
  readonly cells: readonly number[];
  readonly channels: number;
  /** Size of a cell along each axis in signal units; `null`: one cell for the whole signal. */
  readonly cell: readonly number[] | null;
}

/** One level of a modulation: [cells..., channels], row-major. */
export interface LayoutLevel extends LevelGrid {
  /** Cells in all. */
  readonly count: number;
  /** Its first number. */
  readonly at: number;
  /** Its first channel among those of all levels. */
  readonly first: number;
}

export interface ModulationLayout {
  readonly levels: readonly LayoutLevel[];
  /** Channels of all levels. */
  readonly channels: number;
  /** Numbers of a modulation. */
  readonly length: number;
}

/** The modulations of signals of this shape. */
export function modulationLayout(spec: FieldSpec, shape: readonly number[]): ModulationLayout {
  return layoutOfGrids(
    spec.levels.map((level) => ({
      cells: gridCells(level, shape),
      channels: level.channels,
      cell: level.cell,
    })),
  );
}

export function layoutOfGrids(grids: readonly LevelGrid[]): ModulationLayout {
  let [at, first] = [0, 0];
  const levels = grids.map(({ cells, channels, cell }) => {
    const here = { cells, channels, cell, count: pointCount(cells), at, first };
    at += here.count * channels;
    first += channels;
    return here;
  });
  return { levels, channels: first, length: at };
}

/**
 * Visits the levels of `numbers` [count, length] in order: those from `from` to before `to` are of one level, and its channels take turns. The
 * one walk over a modulation; what is done at each number is a loop of the caller's, as in `channelOfEach`.
 */
export function forEachLevel(
  { levels, length }: ModulationLayout,
  numbers: { readonly length: number },
  visit: (from: number, to: number, level: LayoutLevel) => void,
): void {
  for (let start = 0; start < numbers.length; start += length)
    for (const level of levels) {
      const from = start + level.at;
      visit(from, from + level.count * level.channels, level);
    }
}

/** The channel of every number, [m]. */
export function channelOfEach(layout: ModulationLayout): Uint32Array {
  const out = new Uint32Array(layout.length);
  forEachLevel(layout, out, (from, to, { channels, first }) => {
    for (let i = from, c = 0; i < to; i++) {
      out[i] = first + c;
      if (++c === channels) c = 0;
    }
  });
  return out;
}

/** What `channels` [channels] says of the channel of every number, [m]. */
export function ofEachNumber(layout: ModulationLayout, channels: ArrayLike<number>): Float64Array {
  const out = new Float64Array(layout.length);
  forEachLevel(layout, out, (from, to, level) => {
    for (let i = from, c = 0; i < to; i++) {
      out[i] = channels[level.first + c]!;
      if (++c === level.channels) c = 0;
    }
  });
  return out;
}

/** What files say of the levels. */
export function gridsOf({ levels }: ModulationLayout): LevelGrid[] {
  return levels.map(({ cells, channels, cell }) => ({ cells, channels, cell }));
}
