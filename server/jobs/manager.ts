/**
 * All jobs: which there are, which are at work, and what becomes of them. A record on the disk says what is true of a job; it is written
 * before anybody is told. Jobs that were at work when the process ended are at work again after `Jobs.open`.
 */
import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, FunctaError, LimitError, NotFoundError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { ensureDirectory } from '../../src/disk/directory.ts';
import { diskFailure } from '../../src/disk/failure.ts';
import { takeAway } from '../../src/disk/place.ts';
import { sweepScratch } from '../../src/disk/scratch.ts';
import { HttpFault } from '../http-fault.ts';
import { idempotencyMismatch } from '../idempotency.ts';
import { type JobBook, type JobProgress, type NewJob, progressed, type ToldJob } from './book.ts';
import { idPattern, newId } from './ids.ts';
import type { JobLimits } from './limits.ts';
import { type EventLine, EventLog, type JobEventBody, readEvents } from './log.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import { endForgotten, type JobProcess, type JobProcessEvents, type StartJob } from './process.ts';
import {
  isOver,
  type JobPlaces,
  type JobRecord,
  type JobResult,
  jobOver,
  noJobs,
  placesOf,
  readRecord,
  writeRecord,
} from './record.ts';
import { withoutPaths } from './tell.ts';

export interface JobsOptions {
  /** The directory of jobs. */
  readonly directory: string;
  readonly limits: JobLimits;
  /** What the work itself may ask for. */
  readonly workLimits: Limits;
  readonly engine: string | undefined;
  /** Directories whose paths stay out of what is told. */
  readonly secret: readonly string[];
  readonly start: StartJob;
  /** Gives an upload of a namespace a second name. Throws NotFoundError `unknown-upload`. */
  readonly takeUpload: (namespace: string, id: string, to: string) => Promise<void>;
  /** Gives what a job made its name; called again where the process ended in the middle of it. */
  readonly publish: (record: JobRecord, places: JobPlaces, outcome: Outcome) => Promise<JobResult>;
  readonly now: () => Date;
}

interface Kept {
  record: JobRecord;
  readonly places: JobPlaces;
  progress: JobProgress | undefined;
  log: EventLog | undefined;
  process: JobProcess | undefined;
  /** Why the process is to end. */
  ending: 'cancel' | 'close' | 'late' | 'pause' | undefined;
  /** Deaths of its process since it last got on. */
  deaths: number;
  readonly watchers: Set<(line: EventLine) => void>;
  /** What is done with the job, one thing after the other. */
  last: Promise<unknown>;
  /** Pauses and resumes that were asked for, one after the other. */
  asked: Promise<unknown>;
}

/** A process that dies so often without getting on dies of its work. */
const mostDeaths = 3;
/** Milliseconds for a job to put its state away when the server closes. */
const patienceMs = 2000;

export class Jobs implements JobBook {
  readonly #options: JobsOptions;
  /** In order of their ids, which is that of their times. */
  readonly #all = new Map<string, Kept>();
  readonly #damaged: string[] = [];
  #closing = false;

  private constructor(options: JobsOptions) {
    this.#options = options;
  }

  /** Reads what there is and goes on with it. Throws what making the directory throws. */
  static async open(options: JobsOptions): Promise<Jobs> {
    const jobs = new Jobs(options);
    ensureDirectory(options.directory);
    sweepScratch(options.directory);
    const names = (await readdir(options.directory)).filter((name) => idPattern.test(name));
    for (const id of names.sort()) await jobs.#take(id);
    for (const kept of jobs.#all.values()) jobs.#forget(kept.record.namespace);
    jobs.#next();
    return jobs;
  }

  /** Directories whose records cannot be read. */
  get damaged(): readonly string[] {
    return this.#damaged;
  }

  async counts(): Promise<Readonly<Record<JobRecord['state'], number>>> {
    const counts = noJobs();
    for (const { record } of this.#all.values()) counts[record.state]++;
    return counts;
  }

  async list(namespace: string): Promise<ToldJob[]> {
    return this.#own(namespace);
  }

  async get(namespace: string, id: string): Promise<ToldJob> {
    return this.#find(namespace, id);
  }

  result(namespace: string, id: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.#find(namespace, id).places.result);
  }

  /**
   * Takes a job in; resolves when it is on the disk. Throws HttpFault 429 `too-many-jobs`, 422 `idempotency-mismatch`, EnvironmentError
   * `disk-full` or `cannot-write`.
   */
  async add({ namespace, spec, inputs, idempotency }: NewJob): Promise<JobRecord> {
    const { directory, limits, takeUpload, now } = this.#options;
    const same = this.#sameRequest(namespace, idempotency);
    if (same !== undefined) return same;
    const waiting = this.#own(namespace).filter(({ record }) => !isOver(record.state)).length;
    if (waiting >= limits.waiting)
      throw new HttpFault(
        429,
        'too-many-jobs',
        `${waiting} jobs wait or are at work; wait for one, or cancel one`,
        { 'retry-after': '60' },
      );
    const at = now();
    const id = newId(at);
    const record: JobRecord = {
      ...{ id, namespace, spec, inputs: inputs(), state: 'queued', madeAt: at.toISOString() },
      ...(idempotency === undefined ? {} : { idempotency }),
    };
    const places = placesOf(directory, id);
    const kept = keep(record, places);
    // counted from now on, so that many at once stay within the limit
    this.#all.set(id, kept);
    try {
      ensureDirectory(places.directory);
      if ('upload' in spec.data) await takeUpload(namespace, spec.data.upload, places.upload);
      await writeRecord(places, record);
      await this.#say(kept, { type: 'state', state: 'queued' });
    } catch (error) {
      this.#all.delete(id);
      await rm(places.directory, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
    this.#forget(namespace);
    this.#next();
    return record;
  }

  /** Stops a job; one that is over is removed with its result. Throws as `get`, and what writing the record throws. */
  async remove(namespace: string, id: string): Promise<JobRecord> {
    const kept = this.#find(namespace, id);
    if (isOver(kept.record.state)) {
      await takeAway(kept.places.directory);
      this.#all.delete(id);
      return kept.record;
    }
    kept.ending = 'cancel';
    // first the work, so that it costs nothing from now on; then the record
    await kept.process?.kill();
    await this.#inOrder(kept, async () => {
      if (!isOver(kept.record.state)) await this.#end(kept, { state: 'cancelled' });
    });
    return kept.record;
  }

  pause(namespace: string, id: string): Promise<ToldJob> {
    return this.#afterOthers(this.#unfinished(namespace, id), async (kept) => {
      kept.ending ??= 'pause';
      await kept.process?.stop(patienceMs);
      await this.#inOrder(kept, async () => {
        if (kept.ending !== 'pause') return;
        const { state } = kept.record;
        if (state !== 'paused' && !isOver(state)) await this.#turn(kept, 'paused');
        kept.ending = undefined;
      });
    });
  }

  resume(namespace: string, id: string): Promise<ToldJob> {
    return this.#afterOthers(this.#unfinished(namespace, id), (kept) =>
      this.#inOrder(kept, async () => {
        if (kept.record.state === 'paused') await this.#turn(kept, 'queued');
      }),
    );
  }

  watch(namespace: string, id: string, after: number, tell: (line: EventLine) => void): () => void {
    const kept = this.#find(namespace, id);
    let pending: EventLine[] | undefined = [];
    let told = after;
    const pass = (line: EventLine) => {
      if (line.id <= told) return;
      told = line.id;
      tell(line);
    };
    const live = (line: EventLine) => (pending === undefined ? pass(line) : pending.push(line));
    kept.watchers.add(live);
    void (async () => {
      const lines = await eventsOf(kept, after).catch(() => []);
      for (const line of [...lines, ...(pending ?? [])]) pass(line);
      pending = undefined;
    })();
    return () => kept.watchers.delete(live);
  }

  async lastEvent(namespace: string, id: string): Promise<number | undefined> {
    const kept = this.#find(namespace, id);
    if (!isOver(kept.record.state)) return undefined;
    return (await eventsOf(kept, 0)).at(-1)?.id ?? 0;
  }

  /** Lets the work put its state away; what was at work goes on with the next `open`. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...this.#all.values()].map(async (kept) => {
        kept.ending ??= 'close';
        await kept.process?.stop(patienceMs);
        await kept.last;
        await kept.log?.settled();
      }),
    );
  }

  /** Newest first. */
  #own(namespace: string): Kept[] {
    return [...this.#all.values()].filter(({ record }) => record.namespace === namespace).reverse();
  }

  #find(namespace: string, id: string): Kept {
    const found = this.#all.get(id);
    if (found !== undefined && found.record.namespace === namespace) return found;
    throw new NotFoundError('unknown-job', `there is no job ${id.slice(0, 64)}; list those there are`);
  }

  /** Throws ConflictError `job-over`, and what `#find` throws. */
  #unfinished(namespace: string, id: string): Kept {
    const kept = this.#find(namespace, id);
    if (isOver(kept.record.state)) throw jobOver(kept.record);
    return kept;
  }

  #sameRequest(namespace: string, asked: JobRecord['idempotency']): JobRecord | undefined {
    if (asked === undefined) return undefined;
    const found = this.#own(namespace).find(({ record }) => record.idempotency?.key === asked.key)?.record;
    if (found === undefined || found.idempotency?.digest === asked.digest) return found;
    throw idempotencyMismatch();
  }

  async #take(id: string): Promise<void> {
    const places = placesOf(this.#options.directory, id);
    try {
      const record = readRecord(places);
      // made by a process that ended before it could say so
      if (record === undefined) return await rm(places.directory, { recursive: true, force: true });
      const kept = keep(record, places);
      this.#all.set(id, kept);
      if (isOver(record.state)) return await this.#tidy(kept);
      const said = (await readEvents(places.log, 0)).map(({ text }) => JSON.parse(text) as JobEventBody);
      kept.progress = said.reduce(progressed, kept.progress);
    } catch {
      this.#damaged.push(id);
    }
  }

  /** Starts those that wait, as many as may be at work. */
  #next(): void {
    if (this.#closing) return;
    const active = [...this.#all.values()].filter((kept) => kept.process !== undefined).length;
    const waiting = [...this.#all.values()].filter((kept) => kept.process === undefined && mayWork(kept));
    // what was at work before a restart comes first
    waiting.sort((a, b) => Number(b.record.state === 'running') - Number(a.record.state === 'running'));
    for (const kept of waiting.slice(0, Math.max(0, this.#options.limits.running - active))) {
      kept.process = notYet;
      void this.#inOrder(kept, () => this.#begin(kept)).catch((error) => {
        // one that could not be begun has no place among those at work
        if (kept.process === notYet) kept.process = undefined;
        return this.#fail(kept, error);
      });
    }
  }

  async #begin(kept: Kept): Promise<void> {
    const { start, directory, engine, workLimits, limits, secret, now } = this.#options;
    if (!mayWork(kept)) {
      kept.process = undefined;
      return;
    }
    const { id, startedAt = now().toISOString() } = kept.record;
    await endForgotten(kept.places);
    await this.#turn(kept, 'running', { startedAt });
    if (kept.ending !== undefined) {
      kept.process = undefined;
      return;
    }
    const late = setTimeout(() => {
      kept.ending ??= 'late';
      void kept.process?.kill();
    }, limits.wallMs);
    const setup = { jobs: directory, id, engine, limits: workLimits, jobLimits: limits, secret };
    kept.process = start(setup, {
      event: (event) => {
        if (event.type === 'progress' || event.type === 'checkpoint') kept.deaths = 0;
        kept.progress = progressed(kept.progress, event);
        void this.#say(kept, event).catch((error) => this.#fail(kept, error));
      },
      ended: (how) => {
        clearTimeout(late);
        kept.process = undefined;
        void this.#inOrder(kept, () => this.#ended(kept, how))
          .catch((error) => this.#fail(kept, error))
          .finally(() => this.#next());
      },
    });
  }

  async #ended(kept: Kept, how: Parameters<JobProcessEvents['ended']>[0]): Promise<void> {
    if (isOver(kept.record.state) || kept.ending === 'close') return;
    if (kept.ending === 'cancel') return this.#end(kept, { state: 'cancelled' });
    if (kept.ending === 'late') {
      const { wallMs } = this.#options.limits;
      throw new LimitError('job-ms', wallMs, wallMs, 'ask for less in one job');
    }
    const isPaused = kept.ending === 'pause';
    if (how.kind === 'fault') {
      if (isPaused && how.error instanceof AbortedError) return;
      throw how.error;
    }
    const outcome = how.kind === 'done' ? await readOutcome(kept.places) : undefined;
    if (outcome === undefined) return isPaused ? undefined : this.#died(kept);
    const result = await this.#options.publish(kept.record, kept.places, outcome);
    await this.#end(kept, { state: 'done', result });
  }

  /** Goes on from its last checkpoint, unless it dies of what it does. */
  #died(kept: Kept): void {
    if (++kept.deaths < mostDeaths) return;
    const message = `its process ended ${kept.deaths} times in a row without saying why; ask for less, or look at the memory of the machine`;
    throw new FunctaError('environment', 'job-died', message);
  }

  async #fail(kept: Kept, error: unknown): Promise<void> {
    if (isOver(kept.record.state) || this.#closing) return;
    kept.ending ??= 'cancel';
    await kept.process?.kill();
    const found = error instanceof FunctaError ? error : diskFailure(error);
    const tagged = found !== undefined && !(found instanceof AbortedError);
    const code = tagged ? found.code : 'bug';
    const told = tagged ? found.message : 'an unexpected fault of the server';
    const fault = { code, detail: withoutPaths(told, this.#options.secret) };
    try {
      await this.#inOrder(kept, async () => {
        if (!isOver(kept.record.state)) await this.#end(kept, { state: 'failed', fault });
      });
    } catch {
      // nowhere to write it: it is failed for as long as this process lives, and tried again by the next
      if (isOver(kept.record.state)) return;
      kept.record = { ...kept.record, state: 'failed', fault, endedAt: this.#options.now().toISOString() };
      await this.#sayUnwritten(kept, endOf(kept.record)).catch(() => undefined);
    }
    this.#next();
  }

  async #end(kept: Kept, change: Pick<JobRecord, 'state' | 'result' | 'fault'>): Promise<void> {
    // what comes to nothing goes first: the room that it has may be what the record needs
    if (change.state !== 'done') await rm(kept.places.work, { recursive: true, force: true });
    await this.#write(kept, { ...kept.record, ...change, endedAt: this.#options.now().toISOString() });
    await this.#tidy(kept);
    this.#next();
  }

  /** What is left to do for a job whose record says that it is over. */
  async #tidy(kept: Kept): Promise<void> {
    const { places, record } = kept;
    await rm(places.work, { recursive: true, force: true });
    await rm(places.upload, { force: true });
    await rm(places.process, { force: true });
    if ((await eventsOf(kept, 0)).at(-1)?.type === 'end') return;
    await this.#sayUnwritten(kept, endOf(record));
  }

  /** Takes a job that is not over to another state, and says so. */
  async #turn(
    kept: Kept,
    state: 'queued' | 'running' | 'paused',
    change: Pick<JobRecord, 'startedAt'> = {},
  ): Promise<void> {
    await this.#write(kept, { ...kept.record, ...change, state });
    await this.#say(kept, { type: 'state', state });
  }

  async #write(kept: Kept, record: JobRecord): Promise<void> {
    await writeRecord(kept.places, record);
    kept.record = record;
  }

  async #say(kept: Kept, event: JobEventBody): Promise<void> {
    kept.log ??= await EventLog.open(kept.places.log);
    const { line, written } = kept.log.add(event, this.#options.now());
    // what a reader was told is there when it asks again after a restart
    await written;
    for (const tell of kept.watchers) tell(line);
  }

  /** Says the last that there is to say, whether or not the disk takes it: nobody is to wait for more. */
  async #sayUnwritten(kept: Kept, event: JobEventBody): Promise<void> {
    kept.log ??= await EventLog.open(kept.places.log);
    const { written } = kept.log.add(event, this.#options.now());
    await written.catch(() => undefined);
    // with those before it that were held back
    for (const line of await kept.log.after(0)) for (const tell of kept.watchers) tell(line);
  }

  /** Pauses and resumes of a job take effect in the order of their requests; the job as each left it. */
  #afterOthers(kept: Kept, work: (kept: Kept) => Promise<void>): Promise<ToldJob> {
    const next = kept.asked.then(async () => {
      await work(kept);
      const told = { record: kept.record, progress: kept.progress };
      this.#next();
      return told;
    });
    kept.asked = next.catch(() => undefined);
    return next;
  }

  #inOrder<T>(kept: Kept, work: () => Promise<T>): Promise<T> {
    const next = kept.last.then(work);
    kept.last = next.catch(() => undefined);
    return next;
  }

  /** Removes what is too old or too much of what is over. */
  #forget(namespace: string): void {
    const { kept: most, ageMs } = this.#options.limits;
    const own = this.#own(namespace);
    const before = this.#options.now().getTime() - ageMs;
    for (const [i, { record }] of own.entries()) {
      const { id, state, endedAt = '' } = record;
      if (!isOver(state) || (i < most && Date.parse(endedAt) >= before)) continue;
      this.#all.delete(id);
      void rm(join(this.#options.directory, id), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

/** Nothing speaks against its work. */
function mayWork({ ending, record: { state } }: Kept): boolean {
  return ending === undefined && state !== 'paused' && !isOver(state);
}

/** Events after the one of number `after`, also those that only this process knows. */
function eventsOf({ log, places }: Kept, after: number): Promise<EventLine[]> {
  return log === undefined ? readEvents(places.log, after) : log.after(after);
}

function endOf({ state, result, fault }: JobRecord): JobEventBody {
  return { type: 'end', state, result, fault };
}

function keep(record: JobRecord, places: JobPlaces): Kept {
  return {
    record,
    places,
    progress: undefined,
    log: undefined,
    process: undefined,
    ending: undefined,
    deaths: 0,
    watchers: new Set(),
    last: Promise.resolve(),
    asked: Promise.resolve(),
  };
}

/** In the place of a process that is about to start. */
const notYet: JobProcess = { kill: async () => undefined, stop: async () => undefined };
