/** The samples that each number of a modulation reaches. */
import { axisTaps, isCircle } from '../field/coordinates.ts';
import { modulationLayout } from '../field/layout.ts';
import { type FieldSpec, gridCells, pointCount } from '../field/spec.ts';

/** The samples along an axis that a cell reaches, and by how much. */
export interface Reach {
  readonly from: number;
  readonly weights: Float64Array;
  /** The samples at the other end of a circle. */
  readonly rest?: Reach | undefined;
}

export interface LevelReach {
  readonly at: number;
  readonly channels: number;
  readonly first: number;
  /** [3][cells of that axis]; axes that a signal lacks stand first, with one cell and one sample. */
  readonly axes: readonly (readonly Reach[])[];
}

/** Of the weights of samples in order, of `extent` in all. A cell at the seam of a circle reaches samples of both ends. */
function reachOfSamples(samples: ReadonlyMap<number, number>, extent: number, circle: boolean): Reach {
  const run = (own: readonly number[], rest?: Reach): Reach => {
    const from = own[0] ?? extent;
    // A sample between those that are reached may have no weight: at the next knot of a cubic cell.
    const length = own.length === 0 ? 0 : own.at(-1)! + 1 - from;
    return { from, weights: Float64Array.from({ length }, (_, i) => samples.get(from + i) ?? 0), rest };
  };
  const all = [...samples.keys()];
  const seam = circle ? widestGap(all, extent) : 0;
  return seam === 0 ? run(all) : run(all.slice(0, seam), run(all.slice(seam)));
}

/** Index of the first sample beyond the widest gap between neighbours; 0 where that is the one around the end of the circle. */
function widestGap(samples: readonly number[], extent: number): number {
  let widest = (samples[0] ?? 0) + extent - (samples.at(-1) ?? 0);
  let at = 0;
  for (let i = 1; i < samples.length; i++) {
    const gap = samples[i]! - samples[i - 1]!;
    if (gap > widest) [widest, at] = [gap, i];
  }
  return at;
}

/** What depends on the shape alone. */
export interface FieldReach {
  /** Of a modulation. */
  readonly length: number;
  readonly channels: number;
  readonly outputs: number;
  /** Samples in all, and along the last two of three axes. */
  readonly points: number;
  readonly rows: number;
  readonly columns: number;
  readonly levels: readonly LevelReach[];
}

export function fieldReach(spec: FieldSpec, shape: readonly number[]): FieldReach {
  const layout = modulationLayout(spec, shape);
  const missing = 3 - spec.axes;
  const whole: Reach = { from: 0, weights: Float64Array.of(1) };
  const levels = spec.levels.map((level, k) => {
    const cells = gridCells(level, shape);
    const axes = shape.map((extent, axis) => {
      const samples: Map<number, number>[] = Array.from({ length: cells[axis]! }, () => new Map());
      for (let i = 0; i < extent; i++) {
        for (const { cell, weight } of axisTaps(spec, level, shape, axis, i + 0.5)) {
          if (weight !== 0) samples[cell]!.set(i, (samples[cell]!.get(i) ?? 0) + weight);
        }
      }
      return samples.map((own) => reachOfSamples(own, extent, isCircle(spec, shape, axis)));
    });
    const { at, channels, first } = layout.levels[k]!;
    return { at, channels, first, axes: [...Array.from({ length: missing }, () => [whole]), ...axes] };
  });
  const last = [1, 1, 1, ...shape].slice(-2);
  return {
    ...{ length: layout.length, channels: layout.channels, outputs: spec.outputs },
    ...{ points: pointCount(shape), rows: last[0]!, columns: last[1]!, levels },
  };
}
