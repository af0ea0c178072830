/**
 * Native calls that the end of their thread must not cut off. A thread that is ended in the middle of a call of an addon
 * answers "no" to the addon; those built on node-addon-api with C++ exceptions (lmdb, usearch) then throw where nobody can
 * catch, and the whole process aborts. So a thread that may be ended has a latch in shared memory: it holds the latch during
 * such calls, and whoever ends it takes the latch first.
 */
const free = 0;
const held = 1;
const taken = 2;
const retryMs = 2;

let own: Int32Array | undefined;
let depth = 0;

/** A latch of one thread, in shared memory. */
export function newLatch(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Makes `latch` the one of this thread. Call it before any work. */
export function useLatch(latch: Int32Array): void {
  own = latch;
}

/** Runs native calls, a few milliseconds of them, that the end of this thread waits for. */
export function unbroken<T>(work: () => T): T {
  hold();
  try {
    return work();
  } finally {
    release();
  }
}

/** The same until a promise settles. */
export async function unbrokenUntil<T>(work: () => Promise<T>): Promise<T> {
  hold();
  try {
    return await work();
  } finally {
    release();
  }
}

/** Resolves once the thread of `latch` is in no such call and cannot begin another: it can be ended. */
export async function takeLatch(latch: Int32Array): Promise<void> {
  while (Atomics.compareExchange(latch, 0, free, taken) === held) {
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** The thread of `latch` is gone, whatever it held. */
export function releaseLatch(latch: Int32Array): void {
  Atomics.store(latch, 0, free);
}

function hold(): void {
  if (depth++ > 0 || own === undefined) return;
  // Taken: this thread is about to end, and nothing else is to happen in it.
  if (Atomics.compareExchange(own, 0, free, held) === taken) Atomics.wait(own, 0, taken);
}

function release(): void {
  if (--depth === 0 && own !== undefined) Atomics.store(own, 0, free);
}
