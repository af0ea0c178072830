/** The jobs of a database that several servers share: any of them takes jobs in, tells of them and cancels them; workers do them. */
import { NotFoundError } from '../../../src/core/errors.ts';
import type { JobQueue, QueuedJob, SharedFiles } from '../../../src/postgres/index.ts';
import { HttpFault } from '../../http-fault.ts';
import { idempotencyMismatch } from '../../idempotency.ts';
import type { JobBook, NewJob, ToldJob } from '../book.ts';
import { newId } from '../ids.ts';
import type { JobLimits } from '../limits.ts';
import type { EventLine } from '../log.ts';
import { isOver, type JobInputs, type JobRecord, type JobState, jobOver, noJobs } from '../record.ts';
import { unknownUpload } from '../uploads.ts';
import { eventOf, lineOf, portable, recordOf, toldJob } from './record.ts';

export interface SharedJobsOptions {
  readonly queue: JobQueue;
  readonly files: SharedFiles;
  /** The home: paths of inputs are told below it. */
  readonly root: string;
  readonly limits: JobLimits;
  /** Puts models that a job needs into the database, where they are not there. */
  readonly shareModels: (inputs: JobInputs) => Promise<void>;
  readonly now: () => Date;
}

export class SharedJobs implements JobBook {
  readonly #options: SharedJobsOptions;
  /** By the id of a job: those that wait for what happens to it. */
  readonly #watchers = new Map<string, Set<() => void>>();

  constructor(options: SharedJobsOptions) {
    this.#options = options;
  }

  async counts(): Promise<Record<JobState, number>> {
    return { ...noJobs(), ...(await this.#options.queue.counts()) };
  }

  async list(namespace: string): Promise<ToldJob[]> {
    return (await this.#options.queue.list(namespace)).map(toldJob);
  }

  async get(namespace: string, id: string): Promise<ToldJob> {
    return toldJob(await this.#find(namespace, id));
  }

  async add({ namespace, spec, inputs, idempotency }: NewJob): Promise<JobRecord> {
    const { queue, root, limits, shareModels, now } = this.#options;
    const known = idempotency && (await queue.byKey(namespace, idempotency.key));
    if (known !== undefined) return same(known, idempotency);
    const found = portable(inputs(), root);
    await shareModels(found);
    const added = await queue.add({
      ...{ id: newId(now()), namespace, asked: { spec, inputs: found }, idempotency },
      upload: 'upload' in spec.data ? spec.data.upload : undefined,
      most: limits.waiting,
    });
    switch (added.kind) {
      case 'same':
        return same(added.job, idempotency);
      case 'full':
        throw new HttpFault(
          429,
          'too-many-jobs',
          `${added.waiting} jobs wait or are at work; wait for one, or cancel one`,
          { 'retry-after': '60' },
        );
      case 'no-upload':
        throw unknownUpload((spec.data as { upload: string }).upload);
      default:
        // what is too old is looked for again with the next one
        await queue.forget(namespace, limits).catch(() => undefined);
        return recordOf(added.job);
    }
  }

  async remove(namespace: string, id: string): Promise<JobRecord> {
    const { queue } = this.#options;
    const found = await this.#find(namespace, id);
    if (isOver(found.state)) {
      await queue.remove(id);
      return recordOf(found);
    }
    const cancelled = await queue.cancel(id, eventOf({ type: 'end', state: 'cancelled' }));
    // it was over a moment before
    return recordOf(cancelled ?? (await this.#find(namespace, id)));
  }

  pause(namespace: string, id: string): Promise<ToldJob> {
    return this.#turn(namespace, id, (queue) => queue.pause(id));
  }

  resume(namespace: string, id: string): Promise<ToldJob> {
    return this.#turn(namespace, id, (queue) => queue.resume(id));
  }

  watch(_namespace: string, id: string, after: number, tell: (line: EventLine) => void): () => void {
    let [told, over, asking, again] = [after, false, false, false];
    const look = async () => {
      again = true;
      if (asking) return;
      asking = true;
      try {
        while (again && !over) {
          again = false;
          for (const event of await this.#options.queue.events(id, told)) {
            if (over) return;
            told = event.id;
            again = true;
            tell(lineOf(event));
            over ||= event.type === 'end';
          }
        }
      } finally {
        asking = false;
      }
    };
    // a database that is away is asked again at the next look
    const wake = () => void look().catch(() => undefined);
    const own = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, own.add(wake));
    wake();
    return () => {
      over = true;
      own.delete(wake);
      if (own.size === 0 && this.#watchers.get(id) === own) this.#watchers.delete(id);
    };
  }

  async lastEvent(namespace: string, id: string): Promise<number | undefined> {
    const { state, events } = await this.#find(namespace, id);
    return isOver(state) ? events : undefined;
  }

  async *result(namespace: string, id: string): AsyncGenerator<Uint8Array> {
    const { resultFile } = await this.#find(namespace, id);
    if (resultFile === null) throw new NotFoundError('no-result', `job ${id} made no file`);
    yield* this.#options.files.read(resultFile);
  }

  /** Something happened to a job; without an id, perhaps to all of them. */
  heard(id?: string): void {
    const heard = id === undefined ? [...this.#watchers.values()] : [this.#watchers.get(id) ?? []];
    for (const own of heard) for (const wake of own) wake();
  }

  close(): Promise<void> {
    return this.#options.queue.close();
  }

  async #turn(namespace: string, id: string, turn: (queue: JobQueue) => Promise<void>): Promise<ToldJob> {
    const found = await this.#find(namespace, id);
    if (isOver(found.state)) throw jobOver(found);
    await turn(this.#options.queue);
    return toldJob(await this.#find(namespace, id));
  }

  async #find(namespace: string, id: string): Promise<QueuedJob> {
    const found = id.length > 64 ? undefined : await this.#options.queue.get(id);
    if (found?.namespace === namespace) return found;
    throw new NotFoundError('unknown-job', `there is no job ${id.slice(0, 64)}; list those there are`);
  }
}

function same(job: QueuedJob, asked: JobRecord['idempotency']): JobRecord {
  if (job.idempotencyDigest === asked?.digest) return recordOf(job);
  throw idempotencyMismatch();
}
