/** Evaluation by the kernel of pages, in the thread it is called from: for browsers, and for workers of one's own. No Node in it. */
import { EnvironmentError } from '../../core/errors.ts';
import {
  allFinite,
  checkModulationLength,
  checkModulations,
  checkNetwork,
  checkPoints,
  checkShape,
} from '../check.ts';
import type { Evaluator, Points } from '../engine.ts';
import { describe, placesOf } from '../request.ts';
import { createMemory, grow } from '../wasm/memory.ts';
import { inflated } from './inflate.ts';
import { readerWasm } from './reader-wasm.ts';

/** What reader.cc exports. */
interface ReaderKernel {
  readonly __heap_base: WebAssembly.Global;
  plan(request: number): number;
  run(weights: number, modulation: number, list: number, values: number, block: number): void;
}

/** Numbers of a request of reader.cc, and where those behind the field's description begin: whether there is a list, points, a grid. */
const numbers = 100;
const asked = 89;

/**
 * Calls keep the thread busy until they are done. There is one evaluator in a thread: a page opens hundreds of functions, and has addresses for
 * about as many memories. Throws EnvironmentError `wasm-refused`.
 */
export function openEvaluator(): Promise<Evaluator> {
  if (opened === undefined) {
    opened = makeEvaluator();
    // what was refused is tried again
    opened.catch(() => {
      opened = undefined;
    });
  }
  return opened;
}

let opened: Promise<Evaluator> | undefined;

async function makeEvaluator(): Promise<Evaluator> {
  const memory = createMemory(false);
  const kernel = (await instantiate(memory)).exports as unknown as ReaderKernel;
  return {
    async evaluate(net, shape, modulation, points) {
      checkNetwork(net);
      checkShape(net.spec, shape);
      checkModulationLength('modulation', net.spec, shape, 1, modulation);
      const n = checkPoints(net.spec, points, 1);
      let top = kernel.__heap_base.value as number;
      const take = (bytes: number) => {
        const at = Math.ceil(top / 16) * 16;
        top = at + bytes;
        grow(memory, top);
        return at;
      };
      const copied = (array: Float32Array | Float64Array) => {
        const at = take(array.byteLength);
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        new Uint8Array(memory.buffer, at).set(bytes);
        return at;
      };
      const request = new Float64Array(numbers);
      request.set(describe(net, shape));
      request.set(whereOf(points, n), asked);
      const at = copied(request);
      const [weights, phi] = [copied(net.weights), copied(modulation)];
      const list = points.kind === 'list' ? copied(points.coordinates) : 0;
      const size = n * net.spec.outputs;
      const values = take(4 * size);
      kernel.run(weights, phi, list, values, take(4 * kernel.plan(at)));
      const found = new Float32Array(memory.buffer, values, size).slice();
      if (!allFinite(found)) checkModulations('modulation', net.spec, shape, 1, modulation);
      return found;
    },
  };
}

/** Whether there is a list, how many points, and start, step and count of the grid: of one point, where there is a list. */
function whereOf(points: Points, n: number): number[] {
  const { grid = [0, 0, 0, 0, 0, 0, 1, 1, 1] } = placesOf(points);
  return [Number(points.kind === 'list'), n, ...grid];
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
