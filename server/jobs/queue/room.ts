/** What a server has of jobs in a shared database: it takes them in and tells of them, and follows the models that they make. */
import { Database, JobQueue, jobChannel, SharedFiles } from '../../../src/postgres/index.ts';
import type { Catalogue } from '../../catalogue.ts';
import type { Home } from '../../home.ts';
import type { JobLimits } from '../limits.ts';
import { followModels } from './follow-models.ts';
import { SharedJobs } from './jobs.ts';
import { SharedModels } from './models.ts';
import { SharedUploads } from './uploads.ts';

export interface SharedRoom {
  readonly jobs: SharedJobs;
  readonly uploads: SharedUploads;
  readonly models: SharedModels;
}

export interface SharedRoomOptions {
  /** Address of the database. */
  readonly store: string;
  /** The directory of the home. */
  readonly root: string;
  readonly home: Home;
  readonly catalogue: Catalogue;
  readonly limits: JobLimits;
  readonly now: () => Date;
  /** How long a worker that says nothing has its job. */
  readonly leaseMs?: number | undefined;
}

/** Connections at once: questions are short, and answered one after the other. */
const connections = 4;
/** Notices may be missed; what was is found by looking so often. */
const lookMs = 5000;

/** Throws what opening a database throws, EnvironmentError `package-absent`. */
export async function openShared(options: SharedRoomOptions): Promise<SharedRoom> {
  const { store, root, home, catalogue, limits, now, leaseMs } = options;
  const database = await Database.open(store, { connections, shownAs: 'the shared store' });
  let queue: JobQueue;
  try {
    queue = await JobQueue.open(database, { leaseMs });
  } catch (error) {
    await database.close();
    throw error;
  }
  const files = new SharedFiles(database);
  const models = new SharedModels({ database, files, limits, now });
  const jobs = new SharedJobs({
    ...{ queue, files, root, limits, now },
    shareModels: (inputs) => models.share(inputs, root),
  });
  const followed = followModels(models, home, catalogue);
  const look = () => {
    jobs.heard();
    followed.look();
  };
  const stop = database.listen(
    jobChannel,
    (payload) => {
      if (payload === 'models') followed.look();
      else jobs.heard(payload);
    },
    look,
  );
  const timer = setInterval(look, lookMs);
  // where no worker is left, the jobs of one that died are free for the next
  const takingBack = setInterval(() => void queue.takeBack().catch(() => undefined), queue.leaseMs / 2);
  await followed.first;
  const close = jobs.close.bind(jobs);
  jobs.close = async () => {
    clearInterval(timer);
    clearInterval(takingBack);
    await stop();
    await followed.close();
    await close();
    await database.close();
  };
  return { jobs, uploads: new SharedUploads({ database, files, limits, now }), models };
}
