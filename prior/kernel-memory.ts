/** What stands where in the memory of the prior's kernels (kernel/*.c), and the network of a level in it. */
import { EnvironmentError } from '../src/core/errors.ts';
import type { HiddenLayer, LevelTensors } from './autoregressive-tensors.ts';
import { networkWasm } from './kernel/network-wasm.ts';

/** Addresses below are the stack's: stack-size of scripts/build-wasm.mjs. */
const stackBytes = 4096;
const pageBytes = 65_536;
const maxLayers = 4;
/** Numbers of `Network` in kernel/network.h. */
export const networkNumbers = 58;

type Numbers = Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array;

/** The kernels; undefined where there is no WebAssembly, or none with SIMD, or a page forbids it. */
export function compiledKernels(): WebAssembly.Module | undefined {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(Uint8Array.from(atob(networkWasm), (c) => c.charCodeAt(0)));
    } catch {
      compiled = 'refused';
    }
  }
  return compiled === 'refused' ? undefined : compiled;
}

let compiled: WebAssembly.Module | 'refused' | undefined;

/** Throws EnvironmentError `wasm-memory` where there is no room for it. */
export function memoryOf(bytes: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  } catch (error) {
    throw noRoom(bytes, error);
  }
}

/** Makes a memory at least so large; views of it are void after that. Throws EnvironmentError `wasm-memory`. */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const lacking = bytes - memory.buffer.byteLength;
  if (lacking <= 0) return;
  try {
    memory.grow(Math.ceil(lacking / pageBytes));
  } catch (error) {
    throw noRoom(bytes, error);
  }
}

function noRoom(bytes: number, cause: unknown): EnvironmentError {
  return new EnvironmentError(
    'wasm-memory',
    `no room for the ${bytes} bytes of a prior's network; use a prior with a smaller one, or free memory`,
    { cause },
  );
}

export class MemoryPlan {
  readonly #placed: { readonly at: number; readonly data: Numbers }[] = [];
  end: number;

  constructor(start = stackBytes) {
    this.end = start;
  }

  /** Address of so many bytes, for vectors of 16. */
  take(bytes: number): number {
    const at = this.end;
    this.end += paddedTo(bytes, 16);
    return at;
  }

  /** Address of these numbers. */
  place(data: Numbers): number {
    const at = this.take(data.byteLength);
    this.#placed.push({ at, data });
    return at;
  }

  /** A memory with all that was placed. Throws EnvironmentError `wasm-memory`. */
  memory(): WebAssembly.Memory {
    const memory = memoryOf(this.end);
    const bytes = new Uint8Array(memory.buffer);
    for (const { at, data } of this.#placed) {
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    }
    return memory;
  }
}

/** A network in a plan: the numbers of its struct, and addresses of what goes in and comes out. */
export interface PlannedNetwork {
  readonly struct: readonly number[];
  readonly values: number;
  readonly means: number;
  readonly scales: number;
}

export function planNetwork(plan: MemoryPlan, tensors: LevelTensors): PlannedNetwork {
  const { inputs, auxiliary, channels, hidden, mean, scale } = tensors;
  const widest = Math.max(inputs, ...hidden.map(({ units }) => units));
  const evenInputs = paddedTo(inputs, 2);
  const values = plan.take(4 * inputs);
  // What writes them may write a few numbers more.
  const inputsOf = [0, 1, 2].map(() => plan.take(2 * (evenInputs + 8)));
  const active = plan.take(4 * (widest / 2 + 4));
  const units = [0, 1].map(() => plan.take(2 * paddedTo(widest, 4)));
  let rows = inputs;
  const layers = hidden.map((layer) => {
    const product = planProduct(plan, layer.weights, layer.bias, rows, layer.shift);
    rows = paddedTo(layer.units, 4);
    return product;
  });
  const heads = [mean, scale].map((head) => planProduct(plan, head.linear, head.bias, inputs, 0));
  const outputs = [mean, scale].map((head) =>
    planProduct(plan, head.output, new Int32Array(channels), lastUnits(hidden), head.outputShift),
  );
  const none = [0, 0, 0, 0, 0, 0];
  const struct = [
    ...[inputs, auxiliary, hidden.length, values, ...inputsOf, active, ...units],
    ...Array.from({ length: maxLayers }, (_, j) => layers[j] ?? none).flat(),
    ...heads.flat(),
    ...outputs.flat(),
  ];
  return { struct, values, means: heads[0]![2]!, scales: heads[1]![2]! };
}

/** The numbers of a `Product`: weights, bias, sums, pairs, quads, shift. */
function planProduct(
  plan: MemoryPlan,
  weights: Int16Array,
  bias: Int32Array,
  rows: number,
  shift: number,
): number[] {
  const columns = paddedTo(bias.length, 4);
  const padded = new Int32Array(columns);
  padded.set(bias);
  const at = [plan.place(pack(weights, bias.length, columns, rows)), plan.place(padded)];
  return [...at, plan.take(padded.byteLength), Math.ceil(rows / 2), columns / 4, shift];
}

function lastUnits(hidden: readonly HiddenLayer[]): number {
  return hidden.at(-1)?.units ?? 0;
}

/** [rows, columns] to [pairs of rows, padded columns, 2]; what there is no weight for is 0. */
function pack(weights: Int16Array, columns: number, padded: number, rows: number): Int16Array {
  const packed = new Int16Array(2 * Math.ceil(rows / 2) * padded);
  for (let i = 0; i < weights.length; i++) {
    const row = Math.floor(i / columns);
    packed[2 * ((row >> 1) * padded + (i % columns)) + (row & 1)] = weights[i]!;
  }
  return packed;
}

export function paddedTo(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}
