/** One thread of the wasm engine: its own instance of the kernel over the shared memory, its own stack. */
import { parentPort, workerData } from 'node:worker_threads';
import { control, type EngineWorkerSetup } from './control.ts';
import { type KernelExports, lanes } from './memory.ts';

const { module, memory, thread, threads, controlAt, stackTop } = workerData as EngineWorkerSetup;
const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as KernelExports;
kernel.__stack_pointer.value = stackTop;
const words = new Int32Array(memory.buffer, controlAt, control.words);

/** Every thread takes units until none is left, then waits for the others: the phases of a job follow in order. */
let phase = 0;
function share(units: number, work: (unit: number) => void): void {
  phase++;
  // Each phase counts its units in one of two words, and clears the other for the next.
  const counter = control.next + (phase & 1);
  for (let unit = Atomics.add(words, counter, 1); unit < units; unit = Atomics.add(words, counter, 1))
    work(unit);
  if (Atomics.add(words, control.arrived, 1) + 1 === threads) {
    Atomics.store(words, control.next + ((phase + 1) & 1), 0);
    Atomics.store(words, control.arrived, 0);
    Atomics.store(words, control.phase, phase);
    Atomics.notify(words, control.phase);
  } else {
    for (
      let done = Atomics.load(words, control.phase);
      done !== phase;
      done = Atomics.load(words, control.phase)
    ) {
      Atomics.wait(words, control.phase, done);
    }
  }
}

function runJob(): void {
  const job = words[control.job]!;
  const scratch = words[control.scratch]! + thread * words[control.scratchBytes]!;
  if (words[control.large] === 0) {
    share(Math.min(lanes, words[control.count]!), (lane) => kernel.runLane(job, lane, scratch));
    if (thread === 0) kernel.finish(job);
    return;
  }
  const maps = kernel.mapUnits(job);
  const passes = kernel.passUnits(job);
  for (let step = 0; step < words[control.steps]!; step++) {
    share(maps, (unit) => kernel.mapUnit(job, unit, step, scratch));
    share(passes, (unit) => kernel.passUnit(job, unit, scratch));
    if (words[control.pulls] !== 0) share(maps, (unit) => kernel.pullUnit(job, unit, step, scratch));
  }
}

parentPort!.postMessage('ready');
for (let seen = 0; ; ) {
  Atomics.wait(words, control.generation, seen);
  const generation = Atomics.load(words, control.generation);
  if (generation === seen) continue;
  seen = generation;
  if (words[control.quit] !== 0) break;
  runJob();
  if (Atomics.add(words, control.finished, 1) + 1 === threads) parentPort!.postMessage('done');
}
process.exit(0);
