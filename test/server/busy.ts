/**
 * How long the code of a server keeps its event loop busy without a turn. The time that passes is no measure on a
 * machine that others load too: what is counted is processor time of this thread (Linux: `schedstat`), and of it no
 * more than what passed inside callbacks that the server's own asynchronous calls led to, so that the client and the
 * assertions of a test, which run on the same loop, are not counted. A turn ends when a timer of 5 ms fires.
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { closeSync, openSync, readSync } from 'node:fs';
import { expect } from 'vitest';

export interface Turn {
  /** Processor time of the server in one turn of the event loop, in milliseconds. */
  readonly ms: number;
  /** Type of the longest callback in it, as async_hooks name it. */
  readonly longest: string;
  /** The test that ran. */
  readonly during: string;
}

export interface BusyMonitor {
  /** Runs `work` so that what it begins counts as the server's. */
  watch<T>(work: () => T): T;
  /** The longest turns so far, longest first. */
  worst(): readonly Turn[];
  /** The same for a start, whose own turns are no request's and do not count. */
  watchStart<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
}

const turnMs = 5;
const kept = 5;

export function monitorBusy(): BusyMonitor {
  const own = new AsyncLocalStorage<true>();
  const clock = threadClock();
  const begun: number[] = [];
  const worst: Turn[] = [];
  let inside = 0;
  let starts = 0;
  let longest = { ms: 0, type: '' };
  let cpu = clock.read();
  const types = new Map<number, string>();
  const hook = createHook({
    init: (id, type) => {
      types.set(id, type);
    },
    before: () => {
      begun.push(own.getStore() === undefined ? Number.NaN : performance.now());
    },
    after: (id) => {
      const ms = performance.now() - (begun.pop() ?? Number.NaN);
      if (!(ms > 0)) return;
      inside += ms;
      if (ms > longest.ms) longest = { ms, type: types.get(id) ?? '' };
    },
    destroy: (id) => {
      types.delete(id);
    },
  }).enable();
  const timer = setInterval(() => {
    // reading the clock takes longer than most turns
    if (inside > turnMs && starts === 0) {
      const now = clock.read();
      const during = expect.getState().currentTestName ?? 'before or after tests';
      worst.push({ ms: Math.min(inside, now - cpu), longest: longest.type, during });
      worst.sort((a, b) => b.ms - a.ms).splice(kept);
    }
    cpu = clock.read();
    inside = 0;
    longest = { ms: 0, type: '' };
  }, turnMs).unref();
  return {
    watch: (work) => own.run(true, work),
    worst: () => worst,
    async watchStart(work) {
      starts++;
      try {
        return await own.run(true, work);
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 2 * turnMs));
        starts--;
      }
    },
    stop() {
      hook.disable();
      clearInterval(timer);
      clock.close();
    },
  };
}

/** Milliseconds that this thread has run on a processor; where the system does not tell, milliseconds that passed. */
function threadClock(): { read(): number; close(): void } {
  try {
    const file = openSync('/proc/thread-self/schedstat', 'r');
    const bytes = Buffer.alloc(64);
    return {
      read: () => Number.parseInt(bytes.toString('latin1', 0, readSync(file, bytes, 0, 64, 0)), 10) / 1e6,
      close: () => closeSync(file),
    };
  } catch {
    return { read: () => performance.now(), close: () => undefined };
  }
}
