/**
 * Jobs a second of 1, 2 and 4 workers, each a process that does one job at a time. The work is simulated: 50 ms in which nothing is computed, so
 * that what is measured is the queue and not the cores. Jobs are asked for while the workers are stopped; the time is that of the database, from the
 * first begin to the last end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { enqueue } from '../../server/jobs/queue/test-work.ts';
import { Database, JobQueue } from '../../src/postgres/index.ts';
import { makeCluster } from '../../test/postgres.ts';
import { setting } from './setting.ts';

const counts = [1, 2, 4];
const workMs = 50;

/** `perWorker`: jobs for each worker in each round. */
export async function measureQueue(perWorker: number, rounds = 3): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-queue-'));
  const cluster = await makeCluster({ durable: true });
  const url = await cluster.database();
  const database = await Database.open(url);
  const queue = await JobQueue.open(database);
  const workers: ChildProcess[] = [];
  try {
    const program = bundled();
    for (let i = 0; i < Math.max(...counts); i++)
      workers.push(await start(program, url, join(directory, String(i))));
    // the first jobs load what the others have
    await measure(database, queue, workers, 2 * workers.length);
    const begun = cpuOf(workers);
    console.log(
      `queue: ${perWorker} jobs a worker, ${workMs} ms of simulated work each, ${rounds} rounds in turn; ${setting()}`,
    );
    const found = new Map<number, number[]>(counts.map((count) => [count, []]));
    for (let round = 0; round < rounds; round++)
      for (const count of counts)
        found.get(count)!.push(await measure(database, queue, workers.slice(0, count), count * perWorker));
    const alone = median(found.get(1)!);
    for (const [count, rates] of found)
      console.log(
        `${count} workers: ${rates.map((rate) => rate.toFixed(1)).join(' ')} jobs/s, ${(median(rates) / alone).toFixed(2)} of one worker's (${(median(rates) / alone / count).toFixed(2)} N); ${setting()}`,
      );
    const all = rounds * perWorker * counts.reduce((sum, count) => sum + count, 0);
    console.log(`CPU of the workers: ${((1000 * (cpuOf(workers) - begun)) / all).toFixed(1)} ms a job`);
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await queue.close();
    await database.close();
    cluster.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  database: Database,
  queue: JobQueue,
  workers: readonly ChildProcess[],
  jobs: number,
): Promise<number> {
  for (let i = 0; i < jobs; i += 8)
    await Promise.all(Array.from({ length: Math.min(8, jobs - i) }, () => enqueue(queue)));
  for (const worker of workers) worker.kill('SIGCONT');
  for (;;) {
    const { queued = 0, running = 0 } = await queue.counts();
    if (queued + running === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  for (const worker of workers) worker.kill('SIGSTOP');
  return database.query(async (client) => {
    const { rows } = await client.query(
      'SELECT extract(epoch FROM max(ended_at) - min(started_at))::float8 AS seconds FROM functa.jobs',
    );
    await client.query('TRUNCATE functa.jobs CASCADE');
    return jobs / rows[0].seconds;
  });
}

/** One file of plain JavaScript, as what is installed is: its path. */
function bundled(): string {
  const outfile = fileURLToPath(
    new URL('../../node_modules/.cache/functa/queue-worker.mjs', import.meta.url),
  );
  const entry = fileURLToPath(new URL('queue-worker.ts', import.meta.url));
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [entry], outfile, logLevel: 'error' });
  return outfile;
}

/** Stopped as soon as it takes jobs. */
async function start(program: string, url: string, home: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, url, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  child.kill('SIGSTOP');
  return child;
}

function cpuOf(workers: readonly ChildProcess[]): number {
  return workers.reduce((sum, { pid }) => sum + cpuSeconds(pid!), 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Fields 14 and 15 of stat (proc(5)): ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
