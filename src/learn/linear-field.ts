/**
 * A field made linear in its modulation at one point of modulation space: what is left of a signal's error, and how each
 * number of the modulation changes it, through the samples that the number's cell reaches.
 *
 * Indices of hot loops are below points * outputs and the lengths of reaches.
 */
import { axisTaps } from '../field/coordinates.ts';
import { type FieldSpec, gridCells } from '../field/spec.ts';
import { channelLayout } from './layout.ts';

/** The samples along an axis that a cell reaches, and by how much. */
interface Reach {
  readonly from: number;
  readonly weights: Float64Array;
}

interface LevelReach {
  readonly at: number;
  readonly channels: number;
  readonly first: number;
  /** [3][cells of that axis]; axes that a signal lacks stand first, with one cell and one sample. */
  readonly axes: readonly (readonly Reach[])[];
}

/** What depends on the shape alone. */
export interface FieldReach {
  /** Of a modulation. */
  readonly length: number;
  readonly outputs: number;
  /** Samples along the last two of three axes. */
  readonly rows: number;
  readonly columns: number;
  readonly levels: readonly LevelReach[];
}

export function fieldReach(spec: FieldSpec, shape: readonly number[]): FieldReach {
  const layout = channelLayout(spec, shape);
  const missing = 3 - spec.axes;
  const whole: Reach = { from: 0, weights: Float64Array.of(1) };
  const levels = spec.levels.map((level, k) => {
    const cells = gridCells(level, shape);
    const axes = shape.map((extent, axis) => {
      const samples: Map<number, number>[] = Array.from({ length: cells[axis]! }, () => new Map());
      for (let i = 0; i < extent; i++) {
        for (const { cell, weight } of axisTaps(level, axis, cells[axis]!, i + 0.5)) {
          if (weight !== 0) samples[cell]!.set(i, (samples[cell]!.get(i) ?? 0) + weight);
        }
      }
      return samples.map((own) => ({
        from: Math.min(...own.keys(), extent),
        weights: Float64Array.from(own.values()),
      }));
    });
    const { at, channels, first } = layout.levels[k]!;
    return { at, channels, first, axes: [...Array.from({ length: missing }, () => [whole]), ...axes] };
  });
  const last = [1, 1, 1, ...shape].slice(-2);
  return { length: layout.length, outputs: spec.outputs, rows: last[0]!, columns: last[1]!, levels };
}

export class LinearField {
  /** [points, outputs]: what the modulation leaves of the targets; a sweep keeps it up to date. */
  readonly residual: Float32Array;
  readonly #reach: FieldReach;
  /** [channels][points, outputs]; absent for channels that stay as they are. */
  readonly #slopes: readonly (Float32Array | undefined)[];
  /** [m]: Gauss-Newton diagonal. */
  readonly #curvature: Float32Array;

  /** Keeps all it is given. */
  constructor(reach: FieldReach, slopes: readonly (Float32Array | undefined)[], residual: Float32Array) {
    this.#reach = reach;
    this.#slopes = slopes;
    this.residual = residual;
    this.#curvature = new Float32Array(reach.length);
    this.#each((i, own, planes, rows, columns) => {
      this.#curvature[i] = this.#sum(own, own, true, planes, rows, columns);
    });
  }

  /**
   * Goes through the modulation once, coarse to fine, and moves each number by what `choose` says of
   * 1/2 |residual|^2 - slope x + 1/2 curvature x^2, the error after moving it by x.
   */
  sweep(choose: (index: number, slope: number, curvature: number) => number): void {
    this.#each((i, slopes, planes, rows, columns) => {
      const slope = this.#sum(slopes, this.residual, false, planes, rows, columns);
      const by = choose(i, slope, this.#curvature[i]!);
      if (by !== 0) this.#move(slopes, by, planes, rows, columns);
    });
  }

  /** [channels]: curvature of the error, the mean over the cells of each; without end for channels that stay as they are. */
  get diagonal(): Float64Array {
    const sums = Float64Array.from(this.#slopes, (own) => (own === undefined ? Number.POSITIVE_INFINITY : 0));
    for (const { at, channels, first, axes } of this.#reach.levels) {
      const cells = axes.reduce((product, own) => product * own.length, 1);
      for (let i = 0; i < cells * channels; i++)
        sums[first + (i % channels)]! += this.#curvature[at + i]! / cells;
    }
    return sums;
  }

  /** Half the sum of squares of the residual. */
  get loss(): number {
    let sum = 0;
    for (let i = 0; i < this.residual.length; i++) sum += this.residual[i]! * this.residual[i]!;
    return sum / 2;
  }

  #each(visit: (i: number, slopes: Float32Array, planes: Reach, rows: Reach, columns: Reach) => void): void {
    for (const { at, channels, first, axes } of this.#reach.levels) {
      const own = this.#slopes.slice(first, first + channels);
      if (own.every((slopes) => slopes === undefined)) continue;
      let i = at;
      for (const planes of axes[0]!) {
        for (const rows of axes[1]!) {
          for (const columns of axes[2]!) {
            for (let c = 0; c < channels; c++, i++)
              if (own[c] !== undefined) visit(i, own[c]!, planes, rows, columns);
          }
        }
      }
    }
  }

  /** Sum over the samples reached of weight * a * b, or with `squared` of weight^2 * a * b. */
  #sum(
    a: Float32Array,
    b: Float32Array,
    squared: boolean,
    planes: Reach,
    rows: Reach,
    columns: Reach,
  ): number {
    const { outputs } = this.#reach;
    let sum = 0;
    for (let z = 0; z < planes.weights.length; z++) {
      for (let y = 0; y < rows.weights.length; y++) {
        let i = this.#start(planes, z, rows, y, columns);
        let row = 0;
        for (let x = 0; x < columns.weights.length; x++) {
          let product = 0;
          for (let o = 0; o < outputs; o++, i++) product += a[i]! * b[i]!;
          const weight = columns.weights[x]!;
          row += (squared ? weight * weight : weight) * product;
        }
        const weight = planes.weights[z]! * rows.weights[y]!;
        sum += (squared ? weight * weight : weight) * row;
      }
    }
    return sum;
  }

  #move(slopes: Float32Array, by: number, planes: Reach, rows: Reach, columns: Reach): void {
    const { outputs } = this.#reach;
    const residual = this.residual;
    for (let z = 0; z < planes.weights.length; z++) {
      for (let y = 0; y < rows.weights.length; y++) {
        let i = this.#start(planes, z, rows, y, columns);
        const weight = by * planes.weights[z]! * rows.weights[y]!;
        for (let x = 0; x < columns.weights.length; x++) {
          const share = weight * columns.weights[x]!;
          for (let o = 0; o < outputs; o++, i++) residual[i]! -= share * slopes[i]!;
        }
      }
    }
  }

  #start(planes: Reach, z: number, rows: Reach, y: number, columns: Reach): number {
    const line = (planes.from + z) * this.#reach.rows + rows.from + y;
    return (line * this.#reach.columns + columns.from) * this.#reach.outputs;
  }
}
