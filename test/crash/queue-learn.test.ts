/** A training whose worker is killed, gone on with by another one in another home: real processes. Behind FUNCTA_TESTS=all. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { added, enqueue, over } from '../../server/jobs/queue/test-work.ts';
import { tinyRecipe } from '../../src/jobs/testing.ts';
import { Database, JobQueue, SharedFiles } from '../../src/postgres/index.ts';
import { compiled } from '../compiled.ts';
import { withPostgres } from '../postgres.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';

const times = rounds(0, 3);
const recipe = { ...tinyRecipe, checkpointEvery: 5 };

withPostgres('checkpoints of a queue', { durable: true }, (cluster) => {
  test.skipIf(times === 0)(
    `${times} kills of the worker of a training: another goes on from its last checkpoint, and ends with the same bytes`,
    async () => {
      const url = await cluster().database();
      const database = await Database.open(url);
      const queue = await JobQueue.open(database, { leaseMs: 1500 });
      onTestFinished(async () => {
        await queue.close();
        await database.close();
      });
      const worker = () => {
        const main = join(compiled(), 'src/cli/main.js');
        const args = [main, 'worker', '--store', url, '--home', join(temporary(), 'home')];
        const child = spawn(process.execPath, args, { stdio: 'inherit' });
        onTestFinished(() => void child.kill('SIGKILL'));
        return child;
      };
      const spec = { kind: 'learn', data: { dataset: 'fixture-fashion' }, recipe };
      const ask = async () => added(await enqueue(queue, { asked: { spec, inputs: {} } })).id;
      const steps = async (id: string) =>
        (await queue.events(id, 0))
          .filter(({ type }) => type === 'checkpoint')
          .map(({ body }) => JSON.parse(body).done as number);
      const resultOf = async (id: string) => {
        const job = await over(queue, id);
        expect(job).toMatchObject({ state: 'done', fault: null });
        return (await new SharedFiles(database).find(job.resultFile!))!.sha256;
      };
      let working = worker();
      const whole = await resultOf(await ask());
      const id = await ask();
      for (let round = 0; round < times; round++) {
        const before = (await steps(id)).at(-1) ?? 0;
        const next = async () =>
          (await queue.get(id))!.checkpoint === null ? 0 : ((await steps(id)).at(-1) ?? 0);
        await expect.poll(next, { timeout: 60_000, interval: 20 }).toBeGreaterThan(before);
        await kill(working);
        // its lease runs out meanwhile
        await new Promise((resolve) => setTimeout(resolve, 2500));
        await queue.takeBack();
        working = worker();
      }
      expect(await resultOf(id)).toBe(whole);
      const all = await steps(id);
      // nobody began from the start again: steps rise, but for those whose checkpoint was not kept yet
      for (const [i, step] of all.entries())
        expect(step).toBeGreaterThan((all[i - 1] ?? 0) - 3 * recipe.checkpointEvery);
      await kill(working);
    },
    300_000,
  );
});

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}
