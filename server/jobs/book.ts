/** The jobs of a service, wherever they are kept: on the disk of one server, or in a database that several share. */
import type { EventLine } from './log.ts';
import type { JobInputs, JobRecord, JobState } from './record.ts';

export interface NewJob extends Pick<JobRecord, 'namespace' | 'spec'> {
  readonly idempotency?: JobRecord['idempotency'] | undefined;
  /** What its words stand for, asked once it is known to be a new one. */
  readonly inputs: () => JobInputs;
}

/** How far a job has come. */
export interface JobProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  readonly figures: Readonly<Record<string, number | null>>;
}

export interface ToldJob {
  readonly record: JobRecord;
  /** Undefined: it has not said. */
  readonly progress: JobProgress | undefined;
}

export interface JobBook {
  /** How many are in each state. */
  counts(): Promise<Readonly<Record<JobState, number>>>;
  /** Those of a namespace, newest first. */
  list(namespace: string): Promise<ToldJob[]>;
  /** Throws NotFoundError `unknown-job`, as everything that is given an id. */
  get(namespace: string, id: string): Promise<ToldJob>;
  /** Takes a job in; resolves when it is durable. Throws HttpFault 429 `too-many-jobs`, 422 `idempotency-mismatch`, and what `inputs` throws. */
  add(job: NewJob): Promise<JobRecord>;
  /** Stops a job; one that is over is removed with its result. */
  remove(namespace: string, id: string): Promise<JobRecord>;
  /** Stops a job that is not over where it last kept its state, until it is resumed. Throws ConflictError `job-over`. */
  pause(namespace: string, id: string): Promise<ToldJob>;
  /** Gives a job that is paused its turn again. Throws ConflictError `job-over`. */
  resume(namespace: string, id: string): Promise<ToldJob>;
  /** Events after the one of number `after`, then each as it comes, until the last. The function returned ends it. */
  watch(namespace: string, id: string, after: number, tell: (line: EventLine) => void): () => void;
  /** The number of the last event of a job that is over; undefined: there may be more. */
  lastEvent(namespace: string, id: string): Promise<number | undefined>;
  /** The bytes of the file that a job made. */
  result(namespace: string, id: string): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** What a job says next of how far it has come. */
export function progressed(
  before: JobProgress | undefined,
  event: { readonly type: string; readonly [member: string]: unknown },
): JobProgress | undefined {
  if (event.type !== 'start' && event.type !== 'progress') return before;
  const { done, total, unit = before?.unit ?? '', figures = {} } = event as Partial<JobProgress>;
  return { done: done ?? 0, total: total ?? 0, unit, figures };
}
