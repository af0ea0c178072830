/** The wasm engine in Node: the same kernel on worker threads over shared memory; the event loop stays free. */
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { ConflictError, EnvironmentError } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import { kernelEngine } from '../kernel-engine.ts';
import type { KernelRequest } from '../request.ts';
import { threadCount } from '../threads.ts';
import { control, type EngineWorkerSetup } from './control.ts';
import { createMemory, type KernelExports, layOut, stepsOf } from './memory.ts';

export interface WasmOptions {
  readonly threads?: number | undefined;
  /** Sees every thread that is started. */
  readonly onWorker?: ((worker: Worker) => void) | undefined;
}

const STACK_BYTES = 1 << 18;

/** functa.wasm, from the package. Throws EnvironmentError `wasm-absent`. */
export async function readWasm(): Promise<Uint8Array<ArrayBuffer>> {
  // Beside this file, and from dist to the sources.
  for (const path of ['functa.wasm', '../../../../src/engine/wasm/functa.wasm']) {
    const found = await readFile(new URL(path, import.meta.url)).catch(() => undefined);
    if (found) return new Uint8Array(found);
  }
  throw new EnvironmentError(
    'wasm-absent',
    'functa.wasm is not in the package; reinstall it, or run: npm run build:wasm',
  );
}

export async function openWasm(options: WasmOptions = {}): Promise<Engine> {
  const threads = threadCount(options.threads);
  const module = await WebAssembly.compile(await readWasm());
  let crew: Crew | undefined = await startCrew(module, threads, options.onWorker);
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function run(request: KernelRequest): Promise<void> {
    if (closed) throw new ConflictError('engine-closed', 'this engine was closed; open another');
    // A crew that lost a thread is replaced whole.
    crew ??= await startCrew(module, threads, options.onWorker);
    try {
      await crew.run(request);
    } catch (error) {
      if (error instanceof EnvironmentError) {
        await crew.stop();
        crew = undefined;
      }
      throw error;
    }
  }

  return kernelEngine({
    name: 'wasm',
    threads,
    run(request) {
      const mine = last.then(() => run(request));
      last = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      await last;
      closed = true;
      await crew?.stop();
    },
  });
}

interface Crew {
  run(request: KernelRequest): Promise<void>;
  stop(): Promise<void>;
}

async function startCrew(
  module: WebAssembly.Module,
  threads: number,
  onWorker: WasmOptions['onWorker'],
): Promise<Crew> {
  const memory = createMemory(true);
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
  const controlAt = Math.ceil((kernel.__heap_base.value as number) / 64) * 64;
  const stacks = controlAt + 64 * Math.ceil((control.words * 4) / 64);
  const heap = stacks + threads * STACK_BYTES;
  const pages = Math.ceil((heap - memory.buffer.byteLength) / 65_536);
  if (pages > 0) memory.grow(pages);
  const words = () => new Int32Array(memory.buffer, controlAt, control.words);

  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  let dead: EnvironmentError | undefined;
  const lost = (cause: unknown) => {
    dead ??= new EnvironmentError(
      'worker-died',
      'a thread of the wasm engine died; the call can be made again',
      { cause },
    );
    settle?.reject(dead);
  };
  const workers = Array.from({ length: threads }, (_, thread) => {
    const workerData: EngineWorkerSetup = {
      module,
      memory,
      thread,
      threads,
      controlAt,
      stackTop: stacks + (thread + 1) * STACK_BYTES,
    };
    const worker = spawnWorker(workerData);
    worker.on('error', lost);
    onWorker?.(worker);
    return worker;
  });
  let stopping = false;
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (message) => (message === 'ready' ? resolve() : settle?.resolve()));
          worker.on('exit', (code) => {
            if (!stopping) lost(new Error(`exit code ${code}`));
            reject(
              dead ??
                new EnvironmentError('worker-died', 'a thread of the wasm engine stopped before it started'),
            );
          });
        }),
    ),
  );
  // Idle threads do not keep the process alive; a call under way does.
  for (const worker of workers) worker.unref();

  return {
    async run(request) {
      if (dead) throw dead;
      const laid = layOut(kernel, memory, heap, request, threads);
      const flag = request.cancelled;
      const w = words();
      const scratchBytes = laid.scratch.length > 1 ? laid.scratch[1]! - laid.scratch[0]! : 0;
      w[control.job] = laid.job;
      w[control.scratch] = laid.scratch[0]!;
      w[control.scratchBytes] = scratchBytes;
      w[control.large] = kernel.isLarge(laid.job);
      w[control.count] = request.count;
      w[control.steps] = stepsOf(request);
      w[control.pulls] = Number(request.values === undefined);
      w[control.finished] = 0;
      const done = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      for (const worker of workers) worker.ref();
      // The caller's flag is not in the kernel's memory: carry it over while the call runs.
      const watch =
        flag &&
        setInterval(
          () => Atomics.store(new Int32Array(memory.buffer, laid.cancelled, 1), 0, Atomics.load(flag, 0)),
          5,
        );
      Atomics.add(w, control.generation, 1);
      Atomics.notify(w, control.generation);
      try {
        await done;
      } finally {
        settle = undefined;
        clearInterval(watch);
        for (const worker of workers) worker.unref();
      }
      laid.collect();
    },
    async stop() {
      stopping = true;
      const w = words();
      w[control.quit] = 1;
      Atomics.add(w, control.generation, 1);
      Atomics.notify(w, control.generation);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** From dist a plain module; from the sources, TypeScript through tsx. */
function spawnWorker(workerData: EngineWorkerSetup): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./worker.js', import.meta.url), { workerData });
  const url = JSON.stringify(new URL('./worker.ts', import.meta.url).href);
  // resolved from here: the worker would look for it from the directory of the process
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  return new Worker(`import(${tsx}).then(({ register }) => (register(), import(${url})))`, {
    eval: true,
    workerData,
  });
}
