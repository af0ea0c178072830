/**
 * Stopping work from another thread. A thread that computes reads no messages, so the order to stop is a number in shared
 * memory; here it is read as what all loops look at, `signal.aborted`.
 */

const flags = new WeakMap<AbortSignal, Int32Array>();

/**
 * A controller whose signal is aborted as soon as `flag[0]` is not 0, whoever set it. Listeners of the signal are told when
 * `abort` is called, which the owner of the thread does once it reads its messages.
 */
export function abortedByFlag(flag: Int32Array): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  Object.defineProperty(signal, 'aborted', { get: () => Atomics.load(flag, 0) !== 0 });
  flags.set(signal, flag);
  return controller;
}

/** The flag behind a signal of `abortedByFlag`, for code that cannot look at signals. */
export function flagOf(signal: AbortSignal): Int32Array | undefined {
  return flags.get(signal);
}
