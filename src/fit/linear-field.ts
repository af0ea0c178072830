/**
 * Fields made linear in their modulations, each at one point of modulation space: what is left of a signal's error, and how each number of
 * the modulation changes it, through the samples that the number's cell reaches. Sweeps are WebAssembly (kernel/linear.c), so that all
 * engines choose by the same arithmetic.
 */
import { look } from '../core/look.ts';
import {
  blockBits,
  blocksOf,
  type FieldPlace,
  type LinearKernel,
  linearKernel,
  type PriceOf,
  placeFields,
} from './linear-memory.ts';
import type { FieldReach } from './reach.ts';

export interface SweepOptions {
  /** Share of the curvature that moves away from the best symbols cost more (Levenberg-Marquardt). */
  readonly damping: number;
  readonly price: PriceOf;
}

/** What is left of `residual` [points, outputs] once values are clipped: targets at a bound are met by values beyond it. */
export function clipped(residual: Float32Array, sides: Int8Array): Float32Array {
  const errors = residual.slice();
  for (let i = 0; i < errors.length; i++) if (errors[i]! * sides[i]! < 0) errors[i] = 0;
  return errors;
}

/** The linear fields of signals of one shape, in one memory. */
export class LinearFields {
  readonly #kernel: LinearKernel;
  readonly #fields: readonly LinearField[];

  /** Of `count` signals whose channels other than `channels` stay as they are; `steps` [m]. Throws EnvironmentError `wasm-memory`. */
  constructor(reach: FieldReach, channels: readonly number[], steps: Float64Array, count: number) {
    const { plan, places } = placeFields(reach, channels, steps, count);
    this.#kernel = linearKernel(plan);
    this.#fields = places.map((place) => new LinearField(this.#kernel, reach, place));
  }

  of(signal: number): LinearField {
    return this.#fields[signal]!;
  }

  /** Its fields are void afterwards. */
  close(): void {
    this.#kernel.leave();
  }
}

export class LinearField {
  readonly #kernel: LinearKernel;
  readonly #reach: FieldReach;
  readonly #place: FieldPlace;
  #sides: Int8Array | undefined;

  constructor(kernel: LinearKernel, reach: FieldReach, place: FieldPlace) {
    this.#kernel = kernel;
    this.#reach = reach;
    this.#place = place;
  }

  /**
   * Takes df/du [channels][points, outputs] at a point, those of the channels that may change, and what it leaves of the targets. Keeps `sides`
   * [points, outputs]: where a target is the highest (1) or the lowest (-1) value that is not clipped.
   */
  linearise(slopes: readonly (Float32Array | undefined)[], residual: Float32Array, sides?: Int8Array): void {
    const kernel = this.#kernel;
    const { at, slopes: places, ...place } = this.#place;
    places.forEach((to, c) => {
      if (to !== 0) kernel.writeRun(to, slopes[c]!);
    });
    this.#sides = sides;
    // An error of its own only where values are clipped.
    kernel
      .ints(at, structSides + 1)
      .set(sides ? [place.error, place.sides] : [place.residual, 0], structError);
    if (sides !== undefined) this.#writeSides(sides);
    kernel.ints(place.now, 1)[0] = 0;
    this.residual = residual;
    this.#eachLine((k, plane, row) => kernel.exports.bend(at, k, plane, row));
  }

  /** [points, outputs]: what the modulation leaves of the targets; a sweep keeps it up to date. A copy. */
  get residual(): Float32Array {
    return this.#kernel.floats(this.#place.residual, this.#values).slice();
  }

  set residual(from: Float32Array) {
    const { residual, error, summedAt, changedAt, now } = this.#place;
    this.#kernel.writeRun(residual, from);
    if (this.#sides !== undefined) this.#kernel.writeRun(error, clipped(from, this.#sides));
    this.#kernel.ints(summedAt, this.#reach.length).fill(-1);
    this.#kernel.ints(changedAt, blocksOf(this.#reach).all).fill(0);
    this.#kernel.ints(now, 1)[0] = 0;
  }

  /**
   * Goes through the modulation once, coarse to fine, and moves each of the symbols `tried` [m] to where the error and its price are least, all others
   * staying. Moves away from `best` [m] are damped. Whether any moved.
   */
  sweep(tried: Int32Array, best: Int32Array, { damping, price }: SweepOptions): boolean {
    const kernel = this.#kernel;
    const { at, tried: triedAt, best: bestAt } = this.#place;
    kernel.ints(triedAt, tried.length).set(tried);
    kernel.ints(bestAt, best.length).set(best);
    kernel.price = price;
    let moved = false;
    this.#eachLine((k, plane, row) => {
      if (kernel.exports.sweep(at, k, plane, row, damping) !== 0) moved = true;
    });
    if (moved) tried.set(kernel.ints(triedAt, tried.length));
    return moved;
  }

  /** [m]: slopes of the error as the last sweep met them. A copy. */
  get slopes(): Float64Array {
    return this.#kernel.doubles(this.#place.slopeOf, this.#reach.length).slice();
  }

  /** [m]: Gauss-Newton diagonal. A copy. */
  get curvature(): Float32Array {
    return this.#kernel.floats(this.#place.curvature, this.#reach.length).slice();
  }

  /** [channels]: curvature of the error, the mean over the cells of each; without end for channels that stay as they are. */
  get diagonal(): Float64Array {
    const curvature = this.#kernel.floats(this.#place.curvature, this.#reach.length);
    const sums = Float64Array.from(this.#place.slopes, (at) => (at === 0 ? Number.POSITIVE_INFINITY : 0));
    for (const { at, channels, first, axes } of this.#reach.levels) {
      const cells = axes.reduce((product, own) => product * own.length, 1);
      for (let i = 0; i < cells * channels; i++)
        if (this.#place.slopes[first + (i % channels)] !== 0)
          sums[first + (i % channels)]! += curvature[at + i]! / cells;
    }
    return sums;
  }

  /** Half the sum of squares of the error. */
  get loss(): number {
    const { error, residual } = this.#place;
    const errors = this.#kernel.floats(this.#sides === undefined ? residual : error, this.#values);
    let sum = 0;
    for (let i = 0; i < errors.length; i++) sum += errors[i]! * errors[i]!;
    return sum / 2;
  }

  get #values(): number {
    return this.#reach.points * this.#reach.outputs;
  }

  /** Lines of cells along the last axis, of levels that have channels which may change. */
  #eachLine(visit: (level: number, plane: number, row: number) => void): void {
    this.#reach.levels.forEach(({ first, channels, axes: [planes, rows] }, k) => {
      if (this.#place.slopes.slice(first, first + channels).every((at) => at === 0)) return;
      for (let plane = 0; plane < planes!.length; plane++)
        for (let row = 0; row < rows!.length; row++) {
          look();
          visit(k, plane, row);
        }
    });
  }

  /** The sides, and which blocks have any. */
  #writeSides(sides: Int8Array): void {
    const { rows, columns, outputs } = this.#reach;
    const blocks = blocksOf(this.#reach);
    const { buffer } = this.#kernel.memory;
    new Int8Array(buffer, this.#place.sides, sides.length).set(sides);
    const bounded = new Uint8Array(buffer, this.#place.bounded, blocks.all).fill(0);
    for (let i = 0; i < sides.length; i++) {
      if (sides[i] === 0) continue;
      const point = Math.floor(i / outputs);
      const y = Math.floor(point / columns) % rows;
      bounded[(y >> blockBits) * blocks.columns + ((point % columns) >> blockBits)] = 1;
    }
  }
}

/** Places of `error` and `sides` in the numbers of a field. */
const structError = 7;
const structSides = 8;
