/** What stands where in the memory of the prior's kernels (kernel/*.c), and the network of a level in it. */
import { type MemoryPlan, paddedTo } from '../src/core/wasm-memory.ts';
import type { HiddenLayer, LevelTensors } from './autoregressive-tensors.ts';
import { networkWasm } from './kernel/network-wasm.ts';

const maxLayers = 4;
/** Numbers of `Network` in kernel/network.h. */
export const networkNumbers = 58;
/** Of `Walk` in kernel/walk.c, and where in it stands how many intervals there are. */
export const walkNumbers = 29;
export const walkCount = 24;
/** Symbols of a walk between two looks at whether to stop: a few milliseconds. */
export const symbolsPerCall = 1 << 15;

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
  // Behind the sums those of shared inputs, which begin as if all of them were 0.
  const sums = new Int32Array(2 * columns);
  sums.set(padded, columns);
  return [...at, plan.place(sums), Math.ceil(rows / 2), columns / 4, shift];
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
