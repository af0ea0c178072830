/** The network of one level on one cell in WebAssembly with SIMD, where that is at hand: kernel/network.c laid out and run. */

import { MemoryPlan } from '../src/core/wasm-memory.ts';
import type { LevelTensors } from './autoregressive-tensors.ts';
import { type CellNetwork, referenceNetwork } from './cell-network.ts';
import { compiledKernels, networkNumbers, planNetwork } from './kernel-memory.ts';

interface Kernel {
  run(network: number): void;
}

/** The fastest network at hand: they all give the same numbers. */
export function fastestNetwork(tensors: LevelTensors): CellNetwork {
  return wasmNetwork(tensors) ?? referenceNetwork(tensors);
}

/** Undefined where there are no kernels. Throws EnvironmentError `wasm-memory`. */
export function wasmNetwork(tensors: LevelTensors): CellNetwork | undefined {
  const module = compiledKernels();
  if (module === undefined) return undefined;
  const { inputs, channels } = tensors;
  const plan = new MemoryPlan();
  const at = plan.take(4 * networkNumbers);
  const { struct, values, means, scales } = planNetwork(plan, tensors);
  const memory = plan.memory();
  new Int32Array(memory.buffer, at, networkNumbers).set(struct);
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernel;
  return {
    values: new Int32Array(memory.buffer, values, inputs),
    means: new Int32Array(memory.buffer, means, channels),
    scales: new Int32Array(memory.buffer, scales, channels),
    run: () => kernel.run(at),
  };
}
