/** The network of one level on one cell in WebAssembly with SIMD, where that is at hand: kernel/network.c laid out and run. */
import { EnvironmentError } from '../src/core/errors.ts';
import type { HiddenLayer, LevelTensors } from './autoregressive-tensors.ts';
import { type CellNetwork, referenceNetwork } from './cell-network.ts';
import { networkWasm } from './kernel/network-wasm.ts';

interface Kernel {
  run(network: number): void;
}

/** Addresses below are the stack's: stack-size of scripts/build-wasm.mjs. */
const stackBytes = 4096;
const pageBytes = 65_536;
/** Bytes of `Network` in kernel/network.c, rounded up. */
const structBytes = 256;
const maxLayers = 4;

/** The fastest network at hand: they all give the same numbers. */
export function fastestNetwork(tensors: LevelTensors): CellNetwork {
  return wasmNetwork(tensors) ?? referenceNetwork(tensors);
}

/** Undefined where there is no WebAssembly, or none with SIMD, or a page forbids it. Throws EnvironmentError `wasm-memory`. */
export function wasmNetwork(tensors: LevelTensors): CellNetwork | undefined {
  const module = compiledModule();
  if (module === undefined) return undefined;
  const { inputs, auxiliary, channels, hidden, mean, scale } = tensors;
  const widest = Math.max(inputs, ...hidden.map(({ units }) => units));
  const plan = new Plan(stackBytes + structBytes);
  const evenInputs = paddedTo(inputs, 2);
  const values = plan.take(4 * inputs);
  const inputsOf = [0, 1, 2].map(() => plan.take(2 * evenInputs));
  const active = plan.take(4 * (widest / 2 + 4));
  const units = [0, 1].map(() => plan.take(2 * paddedTo(widest, 4)));
  let rows = inputs;
  const layers = hidden.map((layer) => {
    const product = plan.product(layer.weights, layer.bias, rows, layer.shift);
    rows = paddedTo(layer.units, 4);
    return product;
  });
  const heads = [mean, scale].map((head) => plan.product(head.linear, head.bias, inputs, 0));
  const outputs = [mean, scale].map((head) =>
    plan.product(head.output, new Int32Array(channels), lastUnits(hidden), head.outputShift),
  );

  const memory = memoryOf(plan.end);
  for (const { weights, bias, at } of plan.products) {
    new Int16Array(memory.buffer, at.weights, weights.length).set(weights);
    new Int32Array(memory.buffer, at.bias, bias.length).set(bias);
  }
  const none = [0, 0, 0, 0, 0, 0];
  const struct = [
    ...[inputs, auxiliary, hidden.length, values, ...inputsOf, active, ...units],
    ...Array.from({ length: maxLayers }, (_, j) => layers[j] ?? none).flat(),
    ...heads.flat(),
    ...outputs.flat(),
  ];
  new Int32Array(memory.buffer, stackBytes, struct.length).set(struct);
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel;
  return {
    values: new Int32Array(memory.buffer, values, inputs),
    means: new Int32Array(memory.buffer, heads[0]![2]!, channels),
    scales: new Int32Array(memory.buffer, heads[1]![2]!, channels),
    run: () => kernel.run(stackBytes),
  };
}

/** Throws EnvironmentError `wasm-memory` where there is no room for it. */
export function memoryOf(bytes: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  } catch (error) {
    throw new EnvironmentError(
      'wasm-memory',
      `no room for the ${bytes} bytes of a prior's network; use a prior with a smaller one, or free memory`,
      { cause: error },
    );
  }
}

function lastUnits(hidden: readonly HiddenLayer[]): number {
  return hidden.at(-1)?.units ?? 0;
}

let compiled: WebAssembly.Module | 'refused' | undefined;

function compiledModule(): WebAssembly.Module | undefined {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(Uint8Array.from(atob(networkWasm), (c) => c.charCodeAt(0)));
    } catch {
      compiled = 'refused';
    }
  }
  return compiled === 'refused' ? undefined : compiled;
}

interface Placed {
  readonly weights: Int16Array;
  readonly bias: Int32Array;
  readonly at: { readonly weights: number; readonly bias: number };
}

/** What stands where in memory. */
class Plan {
  readonly products: Placed[] = [];
  end: number;

  constructor(start: number) {
    this.end = start;
  }

  /** Address of so many bytes, for vectors of 16. */
  take(bytes: number): number {
    const at = this.end;
    this.end += paddedTo(bytes, 16);
    return at;
  }

  /** The numbers of a `Product`: weights, bias, sums, pairs, quads, shift. */
  product(weights: Int16Array, bias: Int32Array, rows: number, shift: number): number[] {
    const columns = paddedTo(bias.length, 4);
    const packed = pack(weights, bias.length, columns, rows);
    const padded = new Int32Array(columns);
    padded.set(bias);
    const at = { weights: this.take(packed.byteLength), bias: this.take(padded.byteLength) };
    this.products.push({ weights: packed, bias: padded, at });
    return [at.weights, at.bias, this.take(padded.byteLength), Math.ceil(rows / 2), columns / 4, shift];
  }
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

function paddedTo(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}
