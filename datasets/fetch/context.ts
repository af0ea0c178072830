import type { FetchStep } from '../dataset.ts';

/** What a data set's fetch is given. */
export interface FetchContext {
  /** Root of the cache; `packages/` under it is where the user may leave package files. */
  readonly root: string;
  /** A fresh directory that becomes the data set's when the fetch returns. */
  readonly directory: string;
  readonly signal: AbortSignal;
  step(step: FetchStep, detail: string): void;
  progress(step: FetchStep, done: number, total: number | undefined, unit: 'bytes' | 'items'): void;
}
