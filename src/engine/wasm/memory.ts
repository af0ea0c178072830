/**
 * A request laid out in the memory of the wasm kernel: arrays are copied in, run over, and results copied back.
 * Portable: no Node in it.
 */
import { BugError, LimitError } from '../../core/errors.ts';
import type { KernelRequest } from '../request.ts';

/** What functa.wasm exports; addresses and counts are numbers. */
export interface KernelExports {
  readonly __heap_base: WebAssembly.Global;
  readonly __stack_pointer: WebAssembly.Global;
  jobBytes(): number;
  /** `arrays.length` where the request fits, else -1 or the array at fault. */
  fill(job: number, numbers: number): number;
  jobFloats(job: number): number;
  scratchFloats(job: number): number;
  prepare(job: number, block: number): void;
  isLarge(job: number): number;
  mapUnits(job: number): number;
  passUnits(job: number): number;
  runLane(job: number, lane: number, scratch: number): void;
  mapUnit(job: number, unit: number, step: number, scratch: number): void;
  passUnit(job: number, unit: number, scratch: number): void;
  pullUnit(job: number, unit: number, step: number, scratch: number): void;
  finish(job: number): void;
}

/** Lanes a batch is dealt to: LANES of kernel/field.h. */
export const lanes = 8;
const PAGE = 65_536;
const MAX_PAGES = 65_536;

type ArrayField = Exclude<
  {
    [K in keyof KernelRequest]-?: NonNullable<KernelRequest[K]> extends ArrayBufferView ? K : never;
  }[keyof KernelRequest],
  never
>;

/** The order of `fill` in kernel/wasm.cc, and of neon/driver.cc. */
export const numbers = [
  'task',
  'count',
  'points',
  'modulation',
  'steps',
  'secondOrder',
  'distortionWeight',
  'evaluatePoints',
] as const;
export const arrays: readonly ArrayField[] = [
  'description',
  'weights',
  'rates',
  'targets',
  'pointWeights',
  'start',
  'trajectory',
  'offset',
  'extraGradient',
  'losses',
  'gradient',
  'weightGradient',
  'rateGradient',
  'coordinates',
  'values',
  'cancelled',
  'grid',
  'slopes',
  'positions',
  'values64',
  'slopes64',
];
/** Of these, what a task writes. */
export const outputs = [
  'trajectory',
  'losses',
  'gradient',
  'weightGradient',
  'rateGradient',
  'values',
  'slopes',
  'values64',
  'slopes64',
] as const;

export interface LaidOutJob {
  readonly job: number;
  /** First float of each thread's scratch memory. */
  readonly scratch: readonly number[];
  /** Address of the flag that stops the work. */
  readonly cancelled: number;
  /** Copies what the task wrote into the request's arrays. */
  collect(): void;
}

export function createMemory(shared: boolean): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 64, maximum: MAX_PAGES, shared });
}

/**
 * Writes `request` behind `start` in memory, and prepares it for `threads` threads. Throws LimitError `limit-memory`
 * where four gigabytes are not enough.
 */
export function layOut(
  kernel: KernelExports,
  memory: WebAssembly.Memory,
  start: number,
  request: KernelRequest,
  threads: number,
): LaidOutJob {
  let top = start;
  const take = (bytes: number): number => {
    const at = top;
    top = at + Math.ceil(bytes / 64) * 64;
    grow(memory, top);
    return at;
  };
  const job = take(kernel.jobBytes());
  const table = take((numbers.length + 2 * arrays.length) * 8);
  const places = new Map<ArrayField, number>();
  for (const name of arrays) {
    const array = name === 'cancelled' ? (request.cancelled ?? new Int32Array(1)) : request[name];
    if (array === undefined) continue;
    const at = take(Math.max(1, array.byteLength));
    places.set(name, at);
    new Uint8Array(memory.buffer, at, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
  }
  const view = new Float64Array(memory.buffer, table, numbers.length + 2 * arrays.length);
  numbers.forEach((name, i) => {
    view[i] = request[name] ?? 0;
  });
  arrays.forEach((name, i) => {
    view[numbers.length + 2 * i] = places.get(name) ?? 0;
    view[numbers.length + 2 * i + 1] = name === 'cancelled' ? 1 : (request[name]?.length ?? 0);
  });
  const fault = kernel.fill(job, table);
  if (fault !== arrays.length) throw new BugError(`wasm engine: '${arrays[fault] ?? 'sizes'}' does not fit`);
  const block = take(kernel.jobFloats(job) * 4);
  const scratchBytes = kernel.scratchFloats(job) * 4;
  const scratch = Array.from({ length: threads }, () => take(scratchBytes));
  kernel.prepare(job, block);
  return {
    job,
    scratch,
    cancelled: places.get('cancelled')!,
    collect() {
      for (const name of outputs) {
        const array = request[name];
        const at = places.get(name);
        if (array === undefined || at === undefined) continue;
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        bytes.set(new Uint8Array(memory.buffer, at, array.byteLength));
      }
    },
  };
}

/** Rounds of map, pass and pull in a job of one large signal. */
export function stepsOf(request: KernelRequest): number {
  return request.trajectory ? (request.steps ?? 0) : 1;
}

/** Makes room for so many bytes. Throws LimitError `limit-memory`. */
export function grow(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
  if (missing <= 0) return;
  const pages = memory.buffer.byteLength / PAGE + missing;
  if (pages > MAX_PAGES) {
    throw new LimitError('memory', MAX_PAGES * PAGE, bytes, 'work on regions, or on smaller batches');
  }
  memory.grow(missing);
}
