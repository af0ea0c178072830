/** The wasm engine in the thread it is called from: for browsers, and for workers of one's own. No Node in it. */
import { BadInputError } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import { kernelEngine } from '../kernel-engine.ts';
import { createMemory, type KernelExports, layOut, runInline } from './memory.ts';

/** `bytes`: functa.wasm, however the caller came by it. Calls keep the thread busy until they are done. Throws BadInputError `bad-wasm`. */
export async function openWasmInline(bytes: Uint8Array): Promise<Engine> {
  const memory = createMemory(true);
  const instance = await instantiate(bytes, memory);
  const kernel = instance.exports as KernelExports;
  return kernelEngine({
    name: 'wasm',
    threads: 1,
    async run(request) {
      const laid = layOut(kernel, memory, kernel.__heap_base.value as number, request, 1);
      runInline(kernel, laid, request);
      laid.collect();
    },
    async close() {},
  });
}

async function instantiate(bytes: Uint8Array, memory: WebAssembly.Memory): Promise<WebAssembly.Instance> {
  try {
    return new WebAssembly.Instance(await WebAssembly.compile(bytes), { env: { memory } });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BadInputError('bad-wasm', `these bytes are not functa/functa.wasm of this version: ${why}`, {
      cause,
    });
  }
}
