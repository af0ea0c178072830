/** For tests and measurements: jobs of a queue without a server, whose work is a function of this process. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFunctaset } from '../../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../../src/functaset/testing.ts';
import type { Added, JobQueue, NewQueuedJob, QueuedJob } from '../../../src/postgres/index.ts';
import { newId } from '../ids.ts';
import type { JobEventBody } from '../log.ts';
import { type Outcome, writeOutcome } from '../outcome.ts';
import type { StartJob } from '../process.ts';
import { type JobPlaces, type JobRecord, placesOf, readRecord } from '../record.ts';

export interface Work {
  readonly record: JobRecord;
  readonly places: JobPlaces;
  readonly say: (event: JobEventBody) => void;
  /** Aborted when the job is to end. */
  readonly signal: AbortSignal;
}

/** `undefined`: it dies. What it throws is its fault. */
export type DoWork = (work: Work) => Promise<Outcome | undefined>;

/** In the place of a process. */
export function startOf(work: DoWork): StartJob {
  return ({ jobs, id }, { event, ended }) => {
    const places = placesOf(jobs, id);
    const controller = new AbortController();
    const run = async () => {
      await mkdir(places.work, { recursive: true });
      const record = readRecord(places)!;
      const outcome = await work({ record, places, say: event, signal: controller.signal });
      if (outcome === undefined || controller.signal.aborted) return { kind: 'died' } as const;
      await writeOutcome(places, outcome);
      return { kind: 'done' } as const;
    };
    const over = run()
      .catch((error: Error) => ({ kind: 'fault', error }) as const)
      .then((how) => ended(how));
    const stop = async () => {
      controller.abort();
      await over;
    };
    return { stop, kill: stop };
  };
}

/** A file of a few bytes, after so many milliseconds. */
export function fileAfter(ms: number): DoWork {
  return async ({ places, record, say, signal }) => {
    say({ type: 'start', total: 1, done: 0, unit: 'signals' });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, signal.aborted ? 0 : ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await writeFile(join(places.work, 'file'), `made by ${record.id}`);
    return { file: { file: 'file', mediaType: 'text/plain' }, figures: { fileBytes: 8 + record.id.length } };
  };
}

/** A store of functions called after the job: put twice they would be seen. */
export function functionsAfter(ms: number, count: number): DoWork {
  const wait = fileAfter(ms);
  return async (work) => {
    await wait(work);
    const { places, record } = work;
    const store = await openFunctaset(join(places.work, 'store'), { network: testNetwork() });
    await store.putMany(
      Array.from({ length: count }, (_, i) => testFunction(i, { id: `${record.id}-${i}` })),
      { replace: true },
    );
    await store.close();
    return { functaset: { directory: 'store' }, figures: { functions: count } };
  };
}

/** An encode of nothing. */
export function enqueue(queue: JobQueue, more: Partial<NewQueuedJob> = {}): Promise<Added> {
  const asked = { spec: { kind: 'encode', model: 'none', data: { upload: 'none' } }, inputs: {} };
  return queue.add({ id: newId(new Date()), namespace: 'default', asked, most: 1_000_000, ...more });
}

/** A job that adds to a functaset of the test network in the namespace `default`. */
export function enqueueAdd(queue: JobQueue, name: string, networkId: string): Promise<Added> {
  const target = { name, path: `functasets/default/${name}`, networkId };
  const spec = { kind: 'add', functaset: name, data: { dataset: 'none' } };
  return enqueue(queue, { asked: { spec, inputs: { target } } });
}

export function added(result: Added): QueuedJob {
  if (result.kind !== 'added') throw new Error(`expected a new job, not ${result.kind}`);
  return result.job;
}

/** Resolves when a job is over. */
export async function over(queue: JobQueue, id: string): Promise<QueuedJob> {
  for (;;) {
    const job = await queue.get(id);
    if (job !== undefined && job.endedAt !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
