/**
 * Modulations as maps for a network: all levels on one grid of cells. Levels of fewer cells are interpolated at the middle of
 * each cell, as the field itself would; those of more cells become channels, a block of them in each cell.
 */
import { levelStencil } from '../field/coordinates.ts';
import { channelOfEach, modulationLayout } from '../field/layout.ts';
import {
  type FieldSpec,
  type GridLevel,
  gridCells,
  pointCount,
  totalChannels,
  unravel,
} from '../field/spec.ts';

export interface ModulationMaps {
  readonly cells: readonly number[];
  readonly channels: number;
  /** Writes a modulation [m] to `target` [cells, channels]. */
  fill(modulation: ArrayLike<number>, target: Float32Array): void;
}

/** Mean and deviation of every channel [totalChannels] over modulations. */
export interface ChannelStandard {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/** More cells than these cost more than they tell. */
const mostCells = 64;

/** Levels on the finest grid of at most `mostCells`, standardised by channel. */
export function gridMaps(
  spec: FieldSpec,
  shape: readonly number[],
  standard: ChannelStandard,
): ModulationMaps {
  const cells = chosenGrid(spec, shape);
  const count = pointCount(cells);
  const columns = spec.levels.map((level) => levelColumns(spec, level, shape, cells));
  const channels = columns.reduce((sum, column) => sum + column.places * column.channels, 0);
  // Target [cell, place, channel] of a level is the sum of its taps: tap lists one after the other.
  const starts = new Uint32Array(count * channels + 1);
  const sources: number[] = [];
  const weights: number[] = [];
  let at = 0;
  for (let cell = 0; cell < count; cell++) {
    let before = 0;
    for (const { places, channels: own, taps, length } of columns) {
      for (let place = 0; place < places; place++) {
        for (let c = 0; c < own; c++) {
          for (const tap of taps(cell, place)) {
            sources.push(before + tap.cell * own + c);
            weights.push(tap.weight);
          }
          starts[++at] = sources.length;
        }
      }
      before += length;
    }
  }
  const from = Uint32Array.from(sources);
  const by = Float32Array.from(weights);
  const { mean, inverse } = perNumber(spec, shape, standard);
  return {
    cells,
    channels,
    fill(modulation, target) {
      for (let i = 0; i < target.length; i++) {
        let sum = 0;
        for (let k = starts[i]!; k < starts[i + 1]!; k++) {
          const source = from[k]!;
          sum += by[k]! * (modulation[source]! - mean[source]!) * inverse[source]!;
        }
        target[i] = sum;
      }
    },
  };
}

/** All numbers of a modulation as the channels of one cell, standardised by channel. */
export function flatMaps(
  spec: FieldSpec,
  shape: readonly number[],
  standard: ChannelStandard,
): ModulationMaps {
  const { mean, inverse } = perNumber(spec, shape, standard);
  return {
    cells: [1],
    channels: mean.length,
    fill(modulation, target) {
      for (let i = 0; i < target.length; i++) target[i] = (modulation[i]! - mean[i]!) * inverse[i]!;
    },
  };
}

/** Of modulations [count, m] of one shape. A channel that never changes gets deviation 1. */
export function standardOf(
  spec: FieldSpec,
  shape: readonly number[],
  modulations: Float32Array,
): ChannelStandard {
  const channelOf = channelOfEach(modulationLayout(spec, shape));
  const m = channelOf.length;
  const count = totalChannels(spec);
  const [numbers, sums, squares] = [0, 1, 2].map(() => new Float64Array(count)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < modulations.length; i++) {
    const c = channelOf[i % m]!;
    const x = modulations[i]!;
    numbers[c]!++;
    sums[c]! += x;
    squares[c]! += x * x;
  }
  const mean = Float32Array.from(sums, (sum, c) => sum / numbers[c]!);
  const deviation = Float32Array.from(squares, (square, c) => {
    const variance = square / numbers[c]! - (sums[c]! / numbers[c]!) ** 2;
    return variance > 1e-12 ? Math.sqrt(variance) : 1;
  });
  return { mean, deviation };
}

/** The finest grid of at most `mostCells`; the coarsest where all have more. */
function chosenGrid(spec: FieldSpec, shape: readonly number[]): number[] {
  const grids = spec.levels.map((level) => gridCells(level, shape));
  grids.sort((a, b) => pointCount(b) - pointCount(a));
  return grids.find((grid) => pointCount(grid) <= mostCells) ?? grids.at(-1)!;
}

interface Tap {
  readonly cell: number;
  readonly weight: number;
}

/** What of a level stands in each cell of the common grid. */
interface LevelColumns {
  readonly channels: number;
  /** Cells of the level in a cell of the grid. */
  readonly places: number;
  /** Numbers of the level in a modulation. */
  readonly length: number;
  taps(cell: number, place: number): readonly Tap[];
}

function levelColumns(
  spec: FieldSpec,
  level: GridLevel,
  shape: readonly number[],
  cells: readonly number[],
): LevelColumns {
  const own = gridCells(level, shape);
  const side = own.map((n, axis) => Math.ceil(n / cells[axis]!));
  const { channels } = level;
  const base = { channels, places: pointCount(side), length: pointCount(own) * channels };
  if (side.every((n) => n === 1)) {
    return {
      ...base,
      taps: (cell) => {
        const middle = unravel(cells, cell).map((i, axis) => ((i + 0.5) * shape[axis]!) / cells[axis]!);
        return levelStencil(spec, level, shape, middle);
      },
    };
  }
  return {
    ...base,
    taps: (cell, place) => {
      const offsets = unravel(side, place);
      const indices = unravel(cells, cell).map((i, axis) => i * side[axis]! + offsets[axis]!);
      if (indices.some((i, axis) => i >= own[axis]!)) return [];
      return [{ cell: indices.reduce((sum, i, axis) => sum * own[axis]! + i, 0), weight: 1 }];
    },
  };
}

function perNumber(spec: FieldSpec, shape: readonly number[], { mean, deviation }: ChannelStandard) {
  const channels = channelOfEach(modulationLayout(spec, shape));
  return {
    mean: Float32Array.from(channels, (c) => mean[c]!),
    inverse: Float32Array.from(channels, (c) => 1 / deviation[c]!),
  };
}
