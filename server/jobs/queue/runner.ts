/**
 * Does the jobs of a shared database on this machine, each in a process of its own as a server does its own (../process.ts). What it has
 * in its home may be lost: another worker goes on from the last checkpoint in the database, or begins again where the work makes none.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, FunctaError, LimitError } from '../../../src/core/errors.ts';
import type { Limits } from '../../../src/core/limits.ts';
import { writeWhole } from '../../../src/disk/whole.ts';
import {
  isDuplicate,
  type JobQueue,
  openPostgresFunctaset,
  Replica,
  type SharedFiles,
  type Turn,
  workChannel,
} from '../../../src/postgres/index.ts';
import { directoryOf } from '../inputs.ts';
import type { JobLimits } from '../limits.ts';
import type { JobEventBody } from '../log.ts';
import { type Outcome, readOutcome } from '../outcome.ts';
import { endForgotten, type JobProcessEvents, type StartJob } from '../process.ts';
import { isOver, type JobInputs, type JobPlaces, placesOf, writeRecord } from '../record.ts';
import { withoutPaths } from '../tell.ts';
import { Checkpoints } from './checkpoints.ts';
import { commit } from './commit.ts';
import { Hold } from './hold.ts';
import type { SharedModels, WorkerModels } from './models.ts';
import { eventOf, ownerOf, placeIn, recordOf } from './record.ts';

export interface RunnerOptions {
  readonly queue: JobQueue;
  readonly files: SharedFiles;
  /** Those of the database, and those that are here. */
  readonly shared: SharedModels;
  readonly models: WorkerModels;
  /** The home. */
  readonly root: string;
  readonly limits: JobLimits;
  /** What the work itself may ask for. */
  readonly workLimits: Limits;
  readonly engine: string | undefined;
  /** Directories that jobs may read, by name. */
  readonly allowed: Readonly<Record<string, string>>;
  readonly start: StartJob;
  readonly now: () => Date;
  /** Milliseconds after which the queue is looked at, whether or not anybody said that there is something. Default 2000. */
  readonly lookMs?: number | undefined;
  /** Of faults that the next try may mend. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

type How = Parameters<JobProcessEvents['ended']>[0] | { readonly kind: 'lost' | 'closing' | 'late' };

/** Milliseconds for a job to put its state away when the worker closes. */
const patienceMs = 2000;
/** Before what failed for want of the database is tried again. */
const pauseMs = 500;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #directory: string;
  /** By the ids of jobs: what is told when something happens to one. */
  readonly #holds = new Map<string, Hold>();
  /** By the ids of jobs: resolves when the turn at one is over, and its directory is nobody's. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  readonly #idle = new Set<() => void>();
  /** What brings functasets here, one after the other. */
  #bringing: Promise<unknown> = Promise.resolve();
  #running: Promise<unknown> = Promise.resolve();
  #stop: () => Promise<void> = async () => undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#directory = join(options.root, 'queue');
  }

  /** How many jobs are at work here. */
  get running(): number {
    return this.#holds.size;
  }

  /** Begins to take jobs. Throws what the disk and the database say. */
  async start(): Promise<void> {
    const { queue, limits } = this.#options;
    await mkdir(this.#directory, { recursive: true });
    await this.#tidy();
    this.#stop = queue.database.listen(
      workChannel,
      (payload) => {
        if (payload === '+') this.#wake();
        else if (payload.startsWith('!')) void this.#holds.get(payload.slice(1))?.check();
      },
      () => this.#wake(),
    );
    const takeBack = () => void queue.takeBack().catch((error) => this.#options.onFault?.(error));
    this.#timer = setInterval(takeBack, queue.leaseMs / 2);
    this.#running = Promise.all(Array.from({ length: limits.running }, () => this.#work()));
  }

  /** Gives back what is at work: others begin it again, or this one goes on with it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    clearInterval(this.#timer);
    await this.#stop();
    await this.#running;
  }

  async #work(): Promise<void> {
    const { queue, lookMs = 2000, onFault } = this.#options;
    while (!this.#closing.signal.aborted) {
      try {
        const turn = await queue.claim();
        if (turn === undefined) await this.#pause(lookMs);
        else await this.#alone(turn);
      } catch (error) {
        onFault?.(error);
        await this.#pause(pauseMs);
      }
    }
  }

  /** One turn at a job at a time: one that was lost here, and comes back here, has the same directory. */
  async #alone(turn: Turn): Promise<void> {
    const { id } = turn.job;
    const before = this.#turns.get(id);
    const over = this.#take(turn, before);
    const settled = over.catch(() => undefined);
    this.#turns.set(id, settled);
    try {
      await over;
    } finally {
      if (this.#turns.get(id) === settled) this.#turns.delete(id);
    }
  }

  async #take(turn: Turn, before: Promise<void> | undefined): Promise<void> {
    const { queue } = this.#options;
    const { id } = turn.job;
    // it learns now that it was lost
    void this.#holds.get(id)?.check();
    const places = placesOf(this.#directory, id);
    let end: (how: How) => void = () => undefined;
    const ended = new Promise<How>((resolve) => {
      end = resolve;
    });
    const hold = new Hold(queue, turn, { onLost: () => end({ kind: 'lost' }) });
    const close = () => end({ kind: 'closing' });
    this.#closing.signal.addEventListener('abort', close, { once: true });
    try {
      await before;
      this.#holds.set(id, hold);
      if (this.#closing.signal.aborted) close();
      const how = await this.#do(turn, places, hold, ended, end);
      await this.#settle(turn, places, hold, how);
    } catch (error) {
      // what cannot be given back now is taken back when the lease is over
      await queue.release(turn, mayPass(error) ? 'stopped' : 'died').catch(() => undefined);
      throw error;
    } finally {
      await hold.stop();
      if (this.#holds.get(id) === hold) this.#holds.delete(id);
      this.#closing.signal.removeEventListener('abort', close);
    }
  }

  /** From the record to how the work ended. */
  async #do(
    turn: Turn,
    places: JobPlaces,
    hold: Hold,
    ended: Promise<How>,
    end: (how: How) => void,
  ): Promise<How> {
    const { start, engine, workLimits, limits, allowed, root } = this.#options;
    const { queue, files, now, onFault } = this.#options;
    const checkpoints = new Checkpoints(turn, places, {
      database: queue.database,
      files,
      limits,
      now,
      onFault,
    });
    try {
      await this.#prepare(turn, places);
      await checkpoints.bring();
    } catch (error) {
      if (!mayPass(error)) return { kind: 'fault', error: error as Error };
      throw error;
    }
    if (hold.lost) return { kind: 'lost' };
    const secret = [root, ...Object.values(allowed)];
    const { id } = turn.job;
    const setup = { jobs: this.#directory, id, engine, limits: workLimits, jobLimits: limits, secret };
    const event = (said: JobEventBody) => {
      hold.say(said);
      if (said.type === 'checkpoint') checkpoints.keep();
    };
    const process = start(setup, { event, ended: end });
    const late = setTimeout(() => end({ kind: 'late' }), limits.wallMs);
    const how = await ended;
    clearTimeout(late);
    if (how.kind === 'closing') await process.stop(patienceMs);
    if (how.kind === 'lost' || how.kind === 'late') await process.kill();
    await checkpoints.settled();
    return how;
  }

  async #settle(turn: Turn, places: JobPlaces, hold: Hold, how: How): Promise<void> {
    const { queue, limits } = this.#options;
    switch (how.kind) {
      case 'lost': {
        // one that is paused may come back here
        const job = await queue.get(turn.job.id).catch(() => undefined);
        return job?.state === 'paused' ? undefined : this.#forget(places);
      }
      case 'closing':
        await hold.stop();
        return queue.release(turn, 'stopped');
      case 'late':
        return this.#fail(
          turn,
          places,
          hold,
          new LimitError('job-ms', limits.wallMs, limits.wallMs, 'ask for less in one job'),
        );
      case 'fault':
        return this.#fail(turn, places, hold, how.error);
      case 'done':
      case 'died': {
        const outcome = how.kind === 'done' ? await readOutcome(places) : undefined;
        if (outcome !== undefined) return this.#keep(turn, places, hold, outcome);
        await hold.stop();
        return queue.release(turn, 'died');
      }
      default:
        how satisfies never;
    }
  }

  /** Commits what was made; while the database is away, again and again. */
  async #keep(turn: Turn, places: JobPlaces, hold: Hold, outcome: Outcome): Promise<void> {
    const { queue, files, shared, limits, now } = this.#options;
    const context = { database: queue.database, files, models: shared, limits, now };
    const record = recordOf(turn.job);
    while (!hold.lost && !this.#closing.signal.aborted) {
      await hold.said();
      try {
        await queue.finish(turn, (transaction) => commit(context, transaction, record, places, outcome));
        return await this.#forget(places);
      } catch (error) {
        if (codeOf(error) === 'job-taken') return this.#forget(places);
        if (!mayPass(error)) return this.#fail(turn, places, hold, error as Error);
        this.#options.onFault?.(error);
        await this.#pause(pauseMs);
      }
    }
    if (hold.lost) await this.#forget(places);
    else await queue.release(turn, 'stopped');
  }

  async #fail(turn: Turn, places: JobPlaces, hold: Hold, error: Error): Promise<void> {
    const { queue, allowed, root } = this.#options;
    const tagged = error instanceof FunctaError && !(error instanceof AbortedError);
    const told = tagged ? error.message : 'an unexpected fault of the worker';
    const fault = {
      code: tagged ? error.code : 'bug',
      detail: withoutPaths(told, [root, ...Object.values(allowed)]),
    };
    await hold.stop();
    try {
      const event = eventOf({ type: 'end', state: 'failed', fault });
      await queue.finish(turn, async () => ({ state: 'failed', fault, event }));
    } catch (failed) {
      if (codeOf(failed) !== 'job-taken') throw failed;
    }
    await this.#forget(places);
  }

  /** Its directory with what it reads; what an earlier turn left there is gone on with. */
  async #prepare(turn: Turn, places: JobPlaces): Promise<void> {
    const { files } = this.#options;
    const { upload } = turn.job;
    const record = recordOf(turn.job);
    await endForgotten(places);
    await mkdir(places.directory, { recursive: true });
    if (upload !== null && !existsSync(places.upload))
      await writeWhole(places.upload, files.read(upload), { replace: true });
    const inputs = await this.#inputsHere(record);
    await writeRecord(places, { ...record, inputs });
  }

  async #inputsHere({ spec, inputs }: ReturnType<typeof recordOf>): Promise<JobInputs> {
    const { models, root, allowed } = this.#options;
    const { model, functaset, target } = inputs;
    return {
      model: model && (await models.bring(model)),
      functaset: functaset && {
        ...functaset,
        path: await this.#bring(functaset.path),
        model: await models.bring(functaset.model),
      },
      target: target && { ...target, path: placeIn(root, target.path) },
      directory: 'directory' in spec.data ? directoryOf(allowed, spec.data) : undefined,
    };
  }

  /** A functaset of the database as it is now, on this disk. Throws NotFoundError `functaset-missing`, what the database and the disk say. */
  #bring(path: string): Promise<string> {
    const bring = async () => {
      const source = await openPostgresFunctaset(this.#options.queue.database, ownerOf(path));
      const place = placeIn(this.#options.root, path);
      const replica = await Replica.open(source, place);
      try {
        await replica.catchUp();
      } finally {
        await replica.close();
      }
      return place;
    };
    const next = this.#bringing.catch(() => undefined).then(bring);
    this.#bringing = next;
    return next;
  }

  /** Directories of jobs that ended elsewhere while this worker was not there. */
  async #tidy(): Promise<void> {
    for (const id of await readdir(this.#directory)) {
      const places = placesOf(this.#directory, id);
      await endForgotten(places);
      const job = await this.#options.queue.get(id);
      if (job === undefined || isOver(job.state)) await this.#forget(places);
    }
  }

  async #forget(places: JobPlaces): Promise<void> {
    await rm(places.directory, { recursive: true, force: true });
  }

  #wake(): void {
    for (const wake of this.#idle) wake();
  }

  /** Until there may be something to do. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#idle.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, this.#closing.signal.aborted ? 0 : ms);
      this.#idle.add(wake);
    });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof FunctaError ? error.code : undefined;
}

/** The way to the database, or somebody in the way there; all else the job met itself, and would meet again. */
function mayPass(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return passing.has(codeOf(error)) || (cause instanceof Error && isDuplicate(cause));
}

const passing: ReadonlySet<string | undefined> = new Set([
  'store-unreachable',
  'store-lost',
  'store-read-only',
]);
