/**
 * The processes that the crash test of a queue kills. `worker ADDRESS HOME LEASE`: does jobs, each of which makes a few functions. `asker ADDRESS
 * NAME`: asks for jobs that add them to the functaset NAME until it is killed, and prints the id of each once it is acknowledged.
 */
import { writeSync } from 'node:fs';
import { added, enqueueAdd, functionsAfter, startOf } from '../../server/jobs/queue/test-work.ts';
import { startWorker } from '../../server/worker.ts';
import { testNetwork } from '../../src/functaset/testing.ts';
import { Database, JobQueue } from '../../src/postgres/index.ts';

/** Functions of one job. */
export const perJob = 70;

async function work(store: string, home: string, leaseMs: number): Promise<void> {
  const start = startOf(functionsAfter(20, perJob));
  const worker = await startWorker({ store, home, leaseMs, jobs: { running: 2 }, start });
  await worker.closed;
}

async function ask(store: string, name: string): Promise<void> {
  const database = await Database.open(store);
  const queue = await JobQueue.open(database);
  for (;;) {
    // a database that is away takes nothing in, and is asked again
    const asked = await enqueueAdd(queue, name, testNetwork().networkId).catch(() => undefined);
    if (asked !== undefined) writeSync(1, `${added(asked).id}\n`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

const [what, store = '', given = '', lease] = process.argv.slice(2);
if (what === 'worker') await work(store, given, Number(lease));
if (what === 'asker') await ask(store, given);
