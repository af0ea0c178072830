/** The wasm engine in the thread it is called from: for browsers, and for workers of one's own. No Node in it. */
import type { Engine } from '../engine.ts';
import { kernelEngine } from '../kernel-engine.ts';
import { createMemory, type KernelExports, layOut, runInline } from './memory.ts';

/** `bytes`: functa.wasm, however the caller came by it. Calls keep the thread busy until they are done. */
export async function openWasmInline(bytes: Uint8Array): Promise<Engine> {
  const memory = createMemory(true);
  const instance = new WebAssembly.Instance(await WebAssembly.compile(bytes), { env: { memory } });
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
