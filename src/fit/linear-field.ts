/**
 * A field made linear in its modulation at one point of modulation space: what is left of a signal's error, and how each
 * number of the modulation changes it, through the samples that the number's cell reaches.
 *
 * Indices of hot loops are below points * outputs and the lengths of reaches.
 */
import { look } from '../core/look.ts';
import { axisTaps, isCircle } from '../field/coordinates.ts';
import { modulationLayout } from '../field/layout.ts';
import { type FieldSpec, gridCells } from '../field/spec.ts';

/** The samples along an axis that a cell reaches, and by how much. */
interface Reach {
  readonly from: number;
  readonly weights: Float64Array;
  /** Of the weights. */
  readonly squares: Float64Array;
  /** The samples at the other end of a circle. */
  readonly rest?: Reach | undefined;
}

interface LevelReach {
  readonly at: number;
  readonly channels: number;
  readonly first: number;
  /** [3][cells of that axis]; axes that a signal lacks stand first, with one cell and one sample. */
  readonly axes: readonly (readonly Reach[])[];
}

function reachOf(from: number, weights: Float64Array, rest?: Reach): Reach {
  return { from, weights, squares: weights.map((weight) => weight * weight), rest };
}

/** Of the weights of samples in order, of `extent` in all. A cell at the seam of a circle reaches samples of both ends. */
function reachOfSamples(samples: ReadonlyMap<number, number>, extent: number, circle: boolean): Reach {
  const run = (own: readonly number[], rest?: Reach) => {
    const from = own[0] ?? extent;
    // A sample between those that are reached may have no weight: at the next knot of a cubic cell.
    const length = own.length === 0 ? 0 : own.at(-1)! + 1 - from;
    return reachOf(
      from,
      Float64Array.from({ length }, (_, i) => samples.get(from + i) ?? 0),
      rest,
    );
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
  readonly outputs: number;
  /** Samples along the last two of three axes. */
  readonly rows: number;
  readonly columns: number;
  readonly levels: readonly LevelReach[];
}

export function fieldReach(spec: FieldSpec, shape: readonly number[]): FieldReach {
  const layout = modulationLayout(spec, shape);
  const missing = 3 - spec.axes;
  const whole = reachOf(0, Float64Array.of(1));
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
  return { length: layout.length, outputs: spec.outputs, rows: last[0]!, columns: last[1]!, levels };
}

/** Products between two looks at whether to stop: a millisecond or less. */
const productsPerLook = 2 ** 18;

/** Samples along an axis, as a power of two, that share a time of their last change. */
const BLOCK_BITS = 2;

/** What is left of `residual` [points, outputs] once values are clipped: targets at a bound are met by values beyond it. */
export function clipped(residual: Float32Array, sides: Int8Array): Float32Array {
  return residual.map((r, i) => (r * sides[i]! < 0 ? 0 : r));
}

export class LinearField {
  /** Of values that are not clipped. */
  readonly #residual: Float32Array;
  /** Of clipped ones; the same array where nothing is. */
  readonly #error: Float32Array;
  readonly #sides: Int8Array | undefined;
  /** Which blocks have targets at a bound. */
  readonly #bounded: Uint8Array;
  readonly #reach: FieldReach;
  /** [channels][points, outputs]; absent for channels that stay as they are. */
  readonly #slopes: readonly (Float32Array | undefined)[];
  /** [m]: Gauss-Newton diagonal. */
  readonly #curvature: Float32Array;
  /** [m]: slopes of the error, and the times that they were summed at: they hold while no block reached has changed since. */
  readonly #slopeOf: Float64Array;
  readonly #summedAt: Int32Array;
  /** [rows of blocks, columns of blocks], over all planes. */
  readonly #changedAt: Int32Array;
  readonly #blockColumns: number;
  #now = 0;

  /** Keeps `reach`, `slopes` and `sides`: [points, outputs], where a target is the highest (1) or the lowest (-1) value that is not clipped. */
  constructor(
    reach: FieldReach,
    slopes: readonly (Float32Array | undefined)[],
    residual: Float32Array,
    sides?: Int8Array,
  ) {
    this.#reach = reach;
    this.#slopes = slopes;
    this.#residual = new Float32Array(residual.length);
    this.#sides = sides;
    this.#error = sides === undefined ? this.#residual : new Float32Array(residual.length);
    this.#slopeOf = new Float64Array(reach.length);
    this.#summedAt = new Int32Array(reach.length);
    this.#blockColumns = (reach.columns >> BLOCK_BITS) + 1;
    this.#changedAt = new Int32Array(this.#blockColumns * ((reach.rows >> BLOCK_BITS) + 1));
    this.#bounded = this.#blocksWith(sides);
    this.residual = residual;
    this.#curvature = new Float32Array(reach.length);
    this.#each((i, own, planes, rows, columns) => {
      this.#curvature[i] = this.#sum(own, own, true, planes, rows, columns);
    });
  }

  /** [points, outputs]: what the modulation leaves of the targets; a sweep keeps it up to date. Set: copied. */
  get residual(): Float32Array {
    return this.#residual;
  }

  set residual(from: Float32Array) {
    this.#residual.set(from);
    if (this.#sides !== undefined) this.#error.set(clipped(from, this.#sides));
    this.#changedAt.fill(++this.#now);
  }

  /**
   * Goes through the modulation once, coarse to fine, and moves each number by what `choose` says of
   * 1/2 |error|^2 - slope x + 1/2 curvature x^2, the error after moving it by x. Where clipping takes a part in it, that is so at x = 0
   * alone, and `exact` gives the change of 1/2 |error|^2.
   */
  sweep(
    choose: (
      index: number,
      slope: number,
      curvature: number,
      exact: ((x: number) => number) | undefined,
    ) => number,
  ): void {
    this.#each((i, slopes, planes, rows, columns) => {
      if (this.#lastChange(rows, columns) > this.#summedAt[i]!) {
        this.#slopeOf[i] = this.#sum(slopes, this.#error, false, planes, rows, columns);
        this.#summedAt[i] = this.#now;
      }
      const exact = this.#isBounded(rows, columns)
        ? (x: number) => this.#changeBy(slopes, x, planes, rows, columns)
        : undefined;
      const by = choose(i, this.#slopeOf[i]!, this.#curvature[i]!, exact);
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

  /** Half the sum of squares of the error. */
  get loss(): number {
    let sum = 0;
    for (let i = 0; i < this.#error.length; i++) sum += this.#error[i]! * this.#error[i]!;
    return sum / 2;
  }

  #each(visit: (i: number, slopes: Float32Array, planes: Reach, rows: Reach, columns: Reach) => void): void {
    for (const { at, channels, first, axes } of this.#reach.levels) {
      const own = this.#slopes.slice(first, first + channels);
      if (own.every((slopes) => slopes === undefined)) continue;
      let i = at;
      const perSample = channels * this.#reach.outputs;
      let left = productsPerLook;
      for (const planes of axes[0]!) {
        for (const rows of axes[1]!) {
          for (const columns of axes[2]!) {
            left -= perSample * (planes.weights.length * rows.weights.length * columns.weights.length + 4);
            if (left < 0) {
              look();
              left = productsPerLook;
            }
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
    const across = squared ? columns.squares : columns.weights;
    const lineSum = outputs === 3 ? sumOfThree : sumOfAny;
    let sum = 0;
    for (let z = 0; z < planes.weights.length; z++) {
      for (let y = 0; y < rows.weights.length; y++) {
        const line = lineSum(a, b, across, this.#start(planes, z, rows, y, columns), outputs);
        const weight = planes.weights[z]! * rows.weights[y]!;
        sum += (squared ? weight * weight : weight) * line;
      }
    }
    if (columns.rest !== undefined) sum += this.#sum(a, b, squared, planes, rows, columns.rest);
    return sum;
  }

  /** Change of half the sum of squares of the error when the number with these slopes moves by `x`. */
  #changeBy(slopes: Float32Array, x: number, planes: Reach, rows: Reach, columns: Reach): number {
    const { outputs } = this.#reach;
    const sides = this.#sides!;
    let sum = 0;
    for (let z = 0; z < planes.weights.length; z++)
      for (let y = 0; y < rows.weights.length; y++) {
        const weight = x * planes.weights[z]! * rows.weights[y]!;
        let i = this.#start(planes, z, rows, y, columns);
        for (const across of columns.weights)
          for (let o = 0; o < outputs; o++, i++) {
            const moved = this.#residual[i]! - weight * across * slopes[i]!;
            const before = this.#error[i]!;
            const after = moved * sides[i]! < 0 ? 0 : moved;
            sum += (after - before) * (after + before);
          }
      }
    if (columns.rest !== undefined) sum += 2 * this.#changeBy(slopes, x, planes, rows, columns.rest);
    return sum / 2;
  }

  #move(slopes: Float32Array, by: number, planes: Reach, rows: Reach, columns: Reach): void {
    const { outputs } = this.#reach;
    const residual = this.#residual;
    const lineMove = outputs === 3 ? moveThree : moveAny;
    this.#change(rows, columns);
    for (let z = 0; z < planes.weights.length; z++) {
      for (let y = 0; y < rows.weights.length; y++) {
        const weight = by * planes.weights[z]! * rows.weights[y]!;
        lineMove(
          residual,
          slopes,
          columns.weights,
          weight,
          this.#start(planes, z, rows, y, columns),
          outputs,
        );
        if (this.#sides !== undefined)
          this.#clip(this.#start(planes, z, rows, y, columns), columns.weights.length);
      }
    }
    if (columns.rest !== undefined) this.#move(slopes, by, planes, rows, columns.rest);
  }

  /** Brings the errors of `samples` samples of a line up to date. */
  #clip(from: number, samples: number): void {
    const sides = this.#sides!;
    for (let i = from; i < from + samples * this.#reach.outputs; i++)
      this.#error[i] = this.#residual[i]! * sides[i]! < 0 ? 0 : this.#residual[i]!;
  }

  /** Blocks that have samples with a side. */
  #blocksWith(sides: Int8Array | undefined): Uint8Array {
    const blocks = new Uint8Array(this.#changedAt.length);
    const { rows, columns, outputs } = this.#reach;
    sides?.forEach((side, i) => {
      if (side === 0) return;
      const point = Math.floor(i / outputs);
      const y = Math.floor(point / columns) % rows;
      blocks[(y >> BLOCK_BITS) * this.#blockColumns + ((point % columns) >> BLOCK_BITS)] = 1;
    });
    return blocks;
  }

  #isBounded(rows: Reach, columns: Reach): boolean {
    if (this.#sides === undefined) return false;
    for (let y = rows.from >> BLOCK_BITS; y <= (rows.from + rows.weights.length - 1) >> BLOCK_BITS; y++) {
      const at = y * this.#blockColumns;
      const end = at + ((columns.from + columns.weights.length - 1) >> BLOCK_BITS);
      for (let i = at + (columns.from >> BLOCK_BITS); i <= end; i++) if (this.#bounded[i] === 1) return true;
    }
    return columns.rest !== undefined && this.#isBounded(rows, columns.rest);
  }

  /** When the residual last changed near what a cell reaches. */
  #lastChange(rows: Reach, columns: Reach): number {
    let last = 0;
    for (let y = rows.from >> BLOCK_BITS; y <= (rows.from + rows.weights.length - 1) >> BLOCK_BITS; y++) {
      const at = y * this.#blockColumns;
      const end = at + ((columns.from + columns.weights.length - 1) >> BLOCK_BITS);
      for (let i = at + (columns.from >> BLOCK_BITS); i <= end; i++)
        if (this.#changedAt[i]! > last) last = this.#changedAt[i]!;
    }
    return columns.rest === undefined ? last : Math.max(last, this.#lastChange(rows, columns.rest));
  }

  #change(rows: Reach, columns: Reach): void {
    this.#now++;
    for (let y = rows.from >> BLOCK_BITS; y <= (rows.from + rows.weights.length - 1) >> BLOCK_BITS; y++) {
      const at = y * this.#blockColumns;
      const end = at + ((columns.from + columns.weights.length - 1) >> BLOCK_BITS);
      this.#changedAt.fill(this.#now, at + (columns.from >> BLOCK_BITS), end + 1);
    }
  }

  #start(planes: Reach, z: number, rows: Reach, y: number, columns: Reach): number {
    const line = (planes.from + z) * this.#reach.rows + rows.from + y;
    return (line * this.#reach.columns + columns.from) * this.#reach.outputs;
  }
}

/** Sum of weight * a * b over the samples of a line, each of `outputs` values, from index `i` on. */
function sumOfAny(
  a: Float32Array,
  b: Float32Array,
  weights: Float64Array,
  i: number,
  outputs: number,
): number {
  let sum = 0;
  for (let x = 0; x < weights.length; x++) {
    let product = 0;
    for (let o = 0; o < outputs; o++, i++) product += a[i]! * b[i]!;
    sum += weights[x]! * product;
  }
  return sum;
}

/** The same of three outputs. */
function sumOfThree(a: Float32Array, b: Float32Array, weights: Float64Array, i: number): number {
  let sum = 0;
  for (let x = 0; x < weights.length; x++, i += 3)
    sum += weights[x]! * (a[i]! * b[i]! + a[i + 1]! * b[i + 1]! + a[i + 2]! * b[i + 2]!);
  return sum;
}

/** residual -= by * weight * slope over the samples of a line. */
function moveAny(
  residual: Float32Array,
  slopes: Float32Array,
  weights: Float64Array,
  by: number,
  i: number,
  outputs: number,
): void {
  for (let x = 0; x < weights.length; x++) {
    const share = by * weights[x]!;
    for (let o = 0; o < outputs; o++, i++) residual[i]! -= share * slopes[i]!;
  }
}

/** The same of three outputs. */
function moveThree(
  residual: Float32Array,
  slopes: Float32Array,
  weights: Float64Array,
  by: number,
  i: number,
): void {
  for (let x = 0; x < weights.length; x++, i += 3) {
    const share = by * weights[x]!;
    residual[i]! -= share * slopes[i]!;
    residual[i + 1]! -= share * slopes[i + 1]!;
    residual[i + 2]! -= share * slopes[i + 2]!;
  }
}
