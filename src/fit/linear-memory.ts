/** What stands where in the memory of kernel/linear.c, and the kernels that wait for the next fields. */
import { growTo, MemoryPlan } from '../core/wasm-memory.ts';
import { linearWasm } from './kernel/linear-wasm.ts';
import type { FieldReach, Reach } from './reach.ts';

/** Change of the cost, in units of the error, when symbol `i` goes from one to another. */
export type PriceOf = (i: number, from: number, to: number) => number;

interface LinearExports {
  /** Moves the symbols of a line of cells; whether any moved. */
  sweep(field: number, level: number, plane: number, row: number, damping: number): number;
  /** Computes the curvature of the numbers of a line of cells. */
  bend(field: number, level: number, plane: number, row: number): void;
}

/** Where the numbers of a field stand. */
export interface FieldPlace {
  /** Its struct, and in it the time of the last change. */
  readonly at: number;
  readonly now: number;
  /** [channels]: of [points, outputs]; 0 for channels that stay as they are. */
  readonly slopes: readonly number[];
  readonly residual: number;
  readonly error: number;
  readonly sides: number;
  readonly bounded: number;
  readonly curvature: number;
  readonly slopeOf: number;
  readonly summedAt: number;
  readonly changedAt: number;
  readonly tried: number;
  readonly best: number;
}

/** Samples along an axis, as a power of two, that share a time of their last change. */
export const blockBits = 2;

/** Floats beyond an array that a vector may reach. */
const spare = 4;
/** Memories that are kept for the next fields, and how large they may be. */
const mostIdle = 4;
const largestIdle = 2 ** 25;

/** Blocks of samples along the last axis, and of all rows of them. */
export function blocksOf({ rows, columns }: FieldReach): { readonly columns: number; readonly all: number } {
  const across = (columns >> blockBits) + 1;
  return { columns: across, all: across * ((rows >> blockBits) + 1) };
}

/** The fields of `count` signals whose channels other than `channels` stay as they are; `steps` [m]. */
export function placeFields(
  reach: FieldReach,
  channels: readonly number[],
  steps: Float64Array,
  count: number,
): { readonly plan: MemoryPlan; readonly places: readonly FieldPlace[] } {
  const plan = new MemoryPlan();
  const levels = placeLevels(plan, reach);
  const stepsAt = plan.place(steps);
  const values = 4 * (reach.points * reach.outputs + spare);
  const m = reach.length;
  const blocks = blocksOf(reach);
  const places = Array.from({ length: count }, () => {
    const slopes = Array.from({ length: reach.channels }, (_, c) =>
      channels.includes(c) ? plan.take(values) : 0,
    );
    const arrays = {
      residual: plan.take(values),
      error: plan.take(values),
      sides: plan.take(values / 4),
      bounded: plan.take(blocks.all),
      curvature: plan.take(4 * m),
      slopeOf: plan.take(8 * m),
      summedAt: plan.take(4 * m),
      changedAt: plan.take(4 * blocks.all),
      tried: plan.take(4 * m),
      best: plan.take(4 * m),
    };
    const at = plan.place(
      Int32Array.of(
        ...[reach.outputs, reach.rows, reach.columns, blocks.columns, levels],
        plan.place(Int32Array.from(slopes)),
        ...Object.values(arrays),
        ...[stepsAt, 0],
      ),
    );
    return { at, now: at + 4 * (fieldNumbers - 1), slopes, ...arrays };
  });
  return { plan, places };
}

/** Numbers of a `Field`. */
const fieldNumbers = 18;

/** Address of the levels. */
function placeLevels(plan: MemoryPlan, { levels, outputs }: FieldReach): number {
  /** Runs of weights by what is in them: most cells have the same. */
  const known = new Map<string, number>();
  const placed = (numbers: Float64Array | Float32Array) => {
    const key = `${numbers.BYTES_PER_ELEMENT} ${numbers}`;
    const at = known.get(key) ?? plan.place(numbers);
    known.set(key, at);
    return at;
  };
  const structOf = ({ from, weights, rest }: Reach, isLast: boolean): number[] => {
    const run = (power: number) => {
      const all = new Float32Array(Math.ceil((weights.length * outputs) / spare) * spare);
      for (let i = 0; i < weights.length * outputs; i++) all[i] = weights[Math.floor(i / outputs)]! ** power;
      return placed(all);
    };
    const runs = isLast ? [run(1), run(2)] : [0, 0];
    const next = rest === undefined ? 0 : plan.place(Int32Array.from(structOf(rest, isLast)));
    return [from, weights.length, placed(weights), ...runs, next];
  };
  const structs = levels.flatMap(({ at, channels, first, axes }) => [
    ...[at, channels, first],
    ...axes.map((cells) => cells.length),
    ...axes.map((cells, axis) =>
      plan.place(Int32Array.from(cells.flatMap((cell) => structOf(cell, axis === axes.length - 1)))),
    ),
  ]);
  return plan.place(Int32Array.from(structs));
}

const idle: LinearKernel[] = [];
let compiled: WebAssembly.Module | undefined;

/** A kernel with what was placed. Throws EnvironmentError `wasm-memory`. */
export function linearKernel(plan: MemoryPlan): LinearKernel {
  const kernel = idle.pop() ?? new LinearKernel();
  growTo(kernel.memory, plan.end);
  plan.writeTo(kernel.memory);
  return kernel;
}

export class LinearKernel {
  readonly memory: WebAssembly.Memory;
  readonly exports: LinearExports;
  /** Asked while a sweep runs. */
  price: PriceOf = () => 0;

  constructor() {
    compiled ??= new WebAssembly.Module(Uint8Array.from(atob(linearWasm), (c) => c.charCodeAt(0)));
    this.memory = new MemoryPlan().memory();
    const price: PriceOf = (i, from, to) => this.price(i, from, to);
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: this.memory, price } });
    this.exports = exports as unknown as LinearExports;
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }

  /** Writes numbers that vectors go over, and what these may reach beyond. */
  writeRun(at: number, numbers: Float32Array): void {
    const run = this.floats(at, numbers.length + spare);
    run.set(numbers);
    run.fill(0, numbers.length);
  }

  doubles(at: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, length);
  }

  ints(at: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, length);
  }

  /** Ends the use of what stands in it. */
  leave(): void {
    this.price = () => 0;
    if (idle.length < mostIdle && this.memory.buffer.byteLength <= largestIdle) idle.push(this);
  }
}
