/** A job as it is kept: one sealed JSON file in a directory of its own, replaced whole when something changes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConflictError } from '../../src/core/errors.ts';
import { sealJson, unsealJson } from '../../src/core/sealed.ts';
import { writeWhole } from '../../src/disk/whole.ts';
import type { FunctasetRef, ModelRef } from '../work/shelf.ts';
import type { JobSpec } from './specs.ts';

export const jobStates = ['queued', 'running', 'paused', 'done', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** What a job made, by name; where it stands is told by links. */
export interface JobResult {
  readonly functaset?: string;
  readonly model?: string;
  /** SHA-256 of the model's file. */
  readonly modelId?: string;
  /** Bytes of the file that `/result` gives; absent: there is none. */
  readonly fileBytes?: number;
  readonly mediaType?: string;
  /** Named figures with their unit in the name. */
  readonly figures: Readonly<Record<string, number>>;
}

/** What the words of a request stood for when it came. */
export interface JobInputs {
  readonly model?: ModelRef | undefined;
  readonly functaset?: (FunctasetRef & { readonly networkId: string; readonly model: ModelRef }) | undefined;
  /** The functaset that functions are added to. */
  readonly target?: (FunctasetRef & { readonly networkId: string }) | undefined;
  /** Of a directory that the operator allows. */
  readonly directory?: string | undefined;
}

export interface JobRecord {
  readonly id: string;
  readonly namespace: string;
  readonly spec: JobSpec;
  readonly inputs: JobInputs;
  readonly state: JobState;
  /** ISO 8601. */
  readonly madeAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly result?: JobResult;
  readonly fault?: { readonly code: string; readonly detail: string };
  /** What the request was known by, and the digest of what it said: asked again, it is the same job. */
  readonly idempotency?: { readonly key: string; readonly digest: string };
}

const format = 'functa-job/1';

/** Files of a job, below the directory of jobs. */
export function placesOf(jobs: string, id: string) {
  const directory = join(jobs, id);
  return {
    directory,
    record: join(directory, 'job.json'),
    log: join(directory, 'events.jsonl'),
    /** The upload that the job took. */
    upload: join(directory, 'upload'),
    /** What goes away when the job is over. */
    work: join(directory, 'work'),
    /** Written whole by the process of the job when its work is done. */
    outcome: join(directory, 'work', 'outcome.json'),
    /** Which process works on it. */
    process: join(directory, 'process'),
    /** What `/result` gives. */
    result: join(directory, 'result'),
  };
}

export type JobPlaces = ReturnType<typeof placesOf>;

/** Throws EnvironmentError `disk-full` or `cannot-write`; the record that was there then stays. */
export async function writeRecord(places: JobPlaces, record: JobRecord): Promise<void> {
  await writeWhole(places.record, sealJson(format, record), { replace: true });
}

/** Undefined where the job was never acknowledged. Throws BadStreamError `seal-absent` or `seal-broken`. */
export function readRecord(places: JobPlaces): JobRecord | undefined {
  if (!existsSync(places.record)) return undefined;
  const about = { what: 'the record of a job', remedy: 'remove its directory' };
  return unsealJson(format, new Uint8Array(readFileSync(places.record)), about) as JobRecord;
}

/** Of each state none. */
export function noJobs(): Record<JobState, number> {
  return Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
}

export function isOver(state: JobState): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

export function jobOver({ id, state }: Pick<JobRecord, 'id' | 'state'>): ConflictError {
  return new ConflictError('job-over', `job ${id} is ${state}; ask for it anew`);
}
