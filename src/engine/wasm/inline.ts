/** The kernel's evaluation in the thread it is called from: for browsers, and for workers of one's own. No Node in it. */
import { EnvironmentError } from '../../core/errors.ts';
import {
  allFinite,
  checkModulationLength,
  checkModulations,
  checkNetwork,
  checkPoints,
  checkShape,
} from '../check.ts';
import type { Evaluator } from '../engine.ts';
import { evaluateRequest } from '../request.ts';
import { inflated } from './inflate.ts';
import { createMemory, type KernelExports, layOut } from './memory.ts';
import { readerWasm } from './reader-wasm.ts';

/** Calls keep the thread busy until they are done. Throws EnvironmentError `wasm-refused`. */
export async function openEvaluator(): Promise<Evaluator> {
  const memory = createMemory(false);
  const { exports } = await instantiate(memory);
  const kernel = exports as unknown as KernelExports;
  return {
    async evaluate(net, shape, modulation, points) {
      checkNetwork(net);
      checkShape(net.spec, shape);
      checkModulationLength('modulation', net.spec, shape, 1, modulation);
      checkPoints(net.spec, points, 1);
      const request = evaluateRequest(net, { shape, count: 1, modulations: modulation }, points);
      const laid = layOut(kernel, memory, kernel.__heap_base.value as number, request, 1);
      const units = kernel.passUnits(laid.job);
      for (let unit = 0; unit < units; unit++) kernel.passUnit(laid.job, unit, laid.scratch[0]!);
      laid.collect();
      if (!allFinite(request.values)) checkModulations('modulation', net.spec, shape, 1, modulation);
      return request.values;
    },
  };
}

async function instantiate(memory: WebAssembly.Memory): Promise<WebAssembly.Instance> {
  try {
    return new WebAssembly.Instance(await WebAssembly.compile(await inflated(readerWasm)), {
      env: { memory },
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EnvironmentError('wasm-refused', `WebAssembly with SIMD is not to be had here: ${why}`, {
      cause,
    });
  }
}
