import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { testNetwork } from '../../src/functaset/testing.ts';
import {
  createPostgresFunctaset,
  Database,
  JobQueue,
  openPostgresFunctaset,
} from '../../src/postgres/index.ts';
import { withPostgres } from '../postgres.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';
import { perJob } from './queue-process.ts';

const program = fileURLToPath(
  new URL(`../../node_modules/.cache/functa/queue-process-${process.pid}.mjs`, import.meta.url),
);

beforeAll(() => {
  const source = fileURLToPath(new URL('queue-process.ts', import.meta.url));
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [source], outfile: program, logLevel: 'error' });
});

afterAll(() => rmSync(program, { force: true }));

const times = Number(process.env.FUNCTA_KILLS ?? rounds(3, 200));
const leaseMs = 1500;

withPostgres('kills of a queue', { durable: true }, (cluster) => {
  test(`${times} kills of workers, of whoever asks and of PostgreSQL: every job that was acknowledged ends, and was applied once`, async () => {
    const url = await cluster().database();
    const database = await Database.open(url);
    const of = { namespace: 'default', name: 'set' };
    await createPostgresFunctaset(database, of, testNetwork());
    const set = await openPostgresFunctaset(database, of);
    const queue = await JobQueue.open(database, { leaseMs });
    const homes = [temporary(), temporary()];
    const told: string[] = [];
    const start = (...args: string[]) => {
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      return child;
    };
    const worker = (i: number) => start('worker', url, join(homes[i]!, 'home'), String(leaseMs));
    const asker = () => {
      const child = start('asker', url, 'set');
      let rest = '';
      child.stdout!.on('data', (chunk) => {
        const lines = `${rest}${chunk}`.split('\n');
        rest = lines.pop()!;
        told.push(...lines);
      });
      return child;
    };
    const workers = [worker(0), worker(1)];
    let asking = asker();
    const random = new Rng(11);
    for (let round = 0; round < times; round++) {
      const before = told.length;
      await expect
        .poll(() => told.length, { timeout: 120_000, interval: 5 })
        .toBeGreaterThan(before + 1 + random.below(8));
      switch (round % 3) {
        case 0: {
          const which = random.below(2);
          await kill(workers[which]!);
          workers[which] = worker(which);
          break;
        }
        case 1:
          cluster().stop('immediate');
          await cluster().start();
          break;
        default:
          await kill(asking);
          asking = asker();
      }
    }
    await kill(asking);
    // whoever died last: its jobs go to those that are left
    await kill(workers[0]!);
    const left = async () => {
      const { queued = 0, running = 0 } = await queue.counts();
      return queued + running;
    };
    await expect.poll(left, { timeout: 300_000, interval: 100 }).toBe(0);
    await kill(workers[1]!);
    const jobs = await queue.list('default');
    expect(jobs.map(({ state, fault }) => [state, fault]).filter(([state]) => state !== 'done')).toEqual([]);
    expect(jobs.map(({ result }) => (result as { figures: object }).figures)).toEqual(
      jobs.map(() => ({ functions: perJob, added: perJob, there: 0 })),
    );
    const known = new Set(jobs.map(({ id }) => id));
    expect(told.filter((id) => !known.has(id))).toEqual([]);
    expect(told.length).toBeGreaterThan(times);
    expect(await set.count()).toBe(jobs.length * perJob);
    expect(await set.verify()).toMatchObject({ ok: true, functions: jobs.length * perJob });
    const { rows } = await database.query((client) =>
      client.query(`SELECT job FROM functa.job_events WHERE type = 'end' GROUP BY job HAVING count(*) <> 1`),
    );
    expect(rows).toEqual([]);
    await queue.close();
    await database.close();
  }, 3_600_000);
});

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}
