/** What the server and the process of a job say to each other. */
import type { Limits } from '../../src/core/limits.ts';
import type { PlainError } from '../wire-error.ts';
import type { JobLimits } from './limits.ts';
import type { JobEventBody } from './log.ts';

/** What the process of a job is started with. */
export interface JobSetup {
  /** The directory of all jobs, and which of them it is. */
  readonly jobs: string;
  readonly id: string;
  /** Name of an engine; absent: the fastest here. */
  readonly engine?: string | undefined;
  readonly limits: Limits;
  readonly jobLimits: JobLimits;
  /** Directories whose paths stay out of what is told. */
  readonly secret: readonly string[];
}

export type ToJob = { readonly kind: 'start'; readonly setup: JobSetup } | { readonly kind: 'stop' };

export type FromJob =
  | { readonly kind: 'event'; readonly event: JobEventBody }
  /** The outcome is written. */
  | { readonly kind: 'done' }
  | { readonly kind: 'fault'; readonly error: PlainError };
