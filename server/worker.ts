/** A worker: does the jobs of a shared database on this machine, until it is told to stop. It listens on no port. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BadInputError } from '../src/core/errors.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { bundledModels } from '../src/models/index.ts';
import { Database, JobQueue, SharedFiles } from '../src/postgres/index.ts';
import { holdHome } from './home.ts';
import { defaultJobLimits } from './jobs/limits.ts';
import { type StartJob, startJob } from './jobs/process.ts';
import { SharedModels, WorkerModels } from './jobs/queue/models.ts';
import { Runner } from './jobs/queue/runner.ts';
import { checkedDirectories } from './jobs/room.ts';
import type { Config } from './operations/config.ts';

export interface WorkerOptions
  extends Pick<Config, 'store' | 'home' | 'modelsDir' | 'allowedDirectories' | 'engine' | 'jobs' | 'limits'> {
  /** Milliseconds for which the job of a worker that says nothing stays its own. Default 30,000. */
  readonly leaseMs?: number | undefined;
  /** Aborting it closes the worker. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what the next try may mend. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  /** Default: a process for each job. */
  readonly start?: StartJob | undefined;
}

export interface RunningWorker {
  /** The database, without its password. */
  readonly store: string;
  /** Jobs that may be at work at once. */
  readonly places: number;
  /** Gives back what is at work. Idempotent. */
  close(): Promise<void>;
  /** Resolves when the worker has closed, for whatever reason. */
  readonly closed: Promise<void>;
}

/**
 * Takes jobs from now on. Throws BadInputError `store-needed`, ConflictError `home-busy`, NotFoundError `unknown-directory`, what opening a
 * database throws, and EnvironmentError `package-absent`; nothing stays open then.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { store, home, onFault, leaseMs } = options;
  if (store === undefined || home === undefined)
    throw new BadInputError(
      'store-needed',
      'a worker takes jobs from a database and works in a directory: give --store postgres://USER@HOST/DATABASE and --home DIRECTORY',
    );
  const root = resolve(home);
  const allowed = checkedDirectories(options.allowedDirectories ?? {});
  const limits = { ...defaultJobLimits, ...options.jobs };
  const now = () => new Date();
  const held = await holdHome(root);
  const closers: (() => Promise<unknown>)[] = [() => held.release()];
  try {
    const database = await Database.open(store, {
      connections: 2 + 2 * limits.running,
      shownAs: 'the shared store',
    });
    closers.push(() => database.close());
    const queue = await JobQueue.open(database, { leaseMs });
    closers.push(() => queue.close());
    const files = new SharedFiles(database);
    const shared = new SharedModels({ database, files, limits, now });
    // brought again when they are needed
    await rm(join(root, 'models'), { recursive: true, force: true });
    const models = new WorkerModels(shared, [options.modelsDir ?? bundledModels()].flat(), root);
    const runner = new Runner({
      ...{ queue, files, shared, models, root, limits, allowed, now, onFault },
      workLimits: { ...defaultLimits, ...options.limits },
      engine: options.engine,
      start: options.start ?? startJob,
    });
    await runner.start();
    closers.push(() => runner.close());
    return running(closers, { store: database.address.name, places: limits.running }, options.signal);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

function running(
  closers: (() => Promise<unknown>)[],
  about: Pick<RunningWorker, 'store' | 'places'>,
  signal: AbortSignal | undefined,
): RunningWorker {
  let resolve: () => void = () => undefined;
  const closed = new Promise<void>((done) => {
    resolve = done;
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeAll(closers).then(resolve);
    return closing;
  };
  if (signal?.aborted) void close();
  signal?.addEventListener('abort', () => void close(), { once: true });
  return { ...about, close, closed };
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop())
    await close().catch(() => undefined);
}
