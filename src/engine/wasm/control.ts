/** Words of shared memory through which the host tells its threads what to do, and they tell each other how far they are. */
export const control = {
  generation: 0,
  quit: 1,
  /** Two words: the next unit of odd and of even phases. */
  next: 2,
  arrived: 4,
  phase: 5,
  finished: 6,
  job: 7,
  scratch: 8,
  scratchBytes: 9,
  large: 10,
  count: 11,
  steps: 12,
  pulls: 13,
  words: 16,
} as const;

export interface EngineWorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
  /** Address of the control words. */
  readonly controlAt: number;
  /** Top of this thread's stack. */
  readonly stackTop: number;
}
