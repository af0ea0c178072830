/** Everything that jobs of a server need, opened together. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { NotFoundError } from '../../src/core/errors.ts';
import { defaultLimits, type Limits } from '../../src/core/limits.ts';
import type { Catalogue } from '../catalogue.ts';
import { type Home, homeOf } from '../home.ts';
import type { Pool } from '../work/pool.ts';
import type { Writer } from '../writer/writer.ts';
import type { JobBook } from './book.ts';
import { defaultJobLimits, type JobLimits } from './limits.ts';
import { Jobs } from './manager.ts';
import { startJob } from './process.ts';
import { publish } from './publish.ts';
import { openShared, type SharedRoom } from './queue/room.ts';
import type { StreamOptions } from './stream.ts';
import { type UploadStore, Uploads } from './uploads.ts';

export interface JobRoom {
  readonly jobs: JobBook;
  readonly uploads: UploadStore;
  /** Bytes that come over HTTP and are looked at here, as a file of this disk. */
  readonly files: Pick<Uploads, 'whole'>;
  /** What there is of it in a database that several servers share. */
  readonly shared: SharedRoom | undefined;
  readonly limits: JobLimits;
  /** Directories that jobs may read, by name. */
  readonly allowed: Readonly<Record<string, string>>;
  readonly every: StreamOptions['every'];
  /** Aborted by `endStreams`. */
  readonly ended: AbortSignal;
  /** Ends all streams of events: they would last as long as their jobs. */
  endStreams(): void;
}

export interface RoomOptions {
  readonly home: Home;
  /** The directory of the home itself. */
  readonly root: string;
  readonly catalogue: Catalogue;
  readonly pool: Pool;
  readonly writer: Writer;
  readonly engine: string | undefined;
  readonly limits: Partial<JobLimits> | undefined;
  /** What the operator restricts of what one signal may ask for. */
  readonly workLimits: Partial<Limits> | undefined;
  readonly allowed: Readonly<Record<string, string>>;
  /** Address of a database that several servers share. */
  readonly store: string | undefined;
  /** Default: the clock of this machine. */
  readonly now?: (() => Date) | undefined;
}

/**
 * Throws NotFoundError `unknown-directory` for an allowed directory that is none, what reading the home throws, and what opening a database
 * throws, EnvironmentError `package-absent` where its queue does not load.
 */
export async function openRoom(options: RoomOptions): Promise<JobRoom> {
  const { home, root, catalogue, store, now = () => new Date() } = options;
  const limits = { ...defaultJobLimits, ...options.limits };
  const allowed = checkedDirectories(options.allowed);
  const files = new Uploads({ directory: home.uploads, limits, now });
  const controller = new AbortController();
  const { signal: ended } = controller;
  const common = { files, limits, allowed, every, ended, endStreams: () => controller.abort() };
  if (store !== undefined) {
    const shared = await openShared({ store, root: resolve(root), home, catalogue, limits, now });
    return { ...common, jobs: shared.jobs, uploads: shared.uploads, shared };
  }
  const jobs = await openJobs(options, { limits, allowed, files, now });
  return { ...common, jobs, uploads: files, shared: undefined };
}

/** Jobs of this server alone. */
function openJobs(
  { home, root, catalogue, pool, writer, engine, workLimits }: RoomOptions,
  {
    limits,
    allowed,
    files,
    now,
  }: Pick<JobRoom, 'limits' | 'allowed'> & { readonly files: Uploads; readonly now: () => Date },
): Promise<Jobs> {
  return Jobs.open({
    directory: home.jobs,
    limits,
    // off the path of those that serve, a job may ask for what a program may
    workLimits: { ...defaultLimits, ...workLimits },
    engine,
    secret: [resolve(root), ...Object.values(allowed)],
    start: startJob,
    takeUpload: (...args) => files.take(...args),
    publish: (...args) => publish({ home, catalogue, pool, writer }, ...args),
    now,
  });
}

/** Directories by name, as whole paths. Throws NotFoundError `unknown-directory`. */
export function checkedDirectories(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, path]) => [name, checked(resolve(path))]));
}

/** Throws ConflictError `no-home` where the server keeps nothing. */
export function jobsOf(context: {
  readonly home: Home | undefined;
  readonly room: JobRoom | undefined;
}): JobRoom {
  homeOf(context);
  return context.room!;
}

function checked(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new NotFoundError(
    'unknown-directory',
    `there is no directory ${path} to allow; give one that is there`,
  );
}

function every(ms: number, beat: () => void): () => void {
  const timer = setInterval(beat, ms).unref();
  return () => clearInterval(timer);
}
