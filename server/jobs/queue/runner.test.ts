import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BadInputError } from '../../../src/core/errors.ts';
import { writeWhole } from '../../../src/disk/whole.ts';
import { testNetwork } from '../../../src/functaset/testing.ts';
import {
  createPostgresFunctaset,
  Database,
  JobQueue,
  openPostgresFunctaset,
} from '../../../src/postgres/index.ts';
import { withPostgres } from '../../../test/postgres.ts';
import { temporary } from '../../../test/temporary.ts';
import { startWorker } from '../../worker.ts';
import {
  added,
  type DoWork,
  enqueue,
  enqueueAdd,
  fileAfter,
  functionsAfter,
  over,
  startOf,
} from './test-work.ts';

const leaseMs = 1500;

withPostgres('workers of a queue', { durable: true }, (cluster) => {
  const opened = async () => {
    const url = await cluster().database();
    const database = await Database.open(url);
    const queue = await JobQueue.open(database, { leaseMs });
    onTestFinished(async () => {
      await queue.close();
      await database.close();
    });
    const worker = async (work: DoWork, { running = 1, home = temporary() } = {}) => {
      const started = await startWorker({
        store: url,
        home,
        leaseMs,
        jobs: { running },
        start: startOf(work),
      });
      onTestFinished(() => started.close());
      return started;
    };
    return { url, database, queue, worker };
  };
  const typesOf = async (queue: JobQueue, id: string) =>
    (await queue.events(id, 0)).map(({ id: n, type, body }) => [n, type, JSON.parse(body).state]);

  test('a job is done once, its events are numbered, and its file is there', async () => {
    const { queue, worker } = await opened();
    const home = temporary();
    await worker(fileAfter(10), { home });
    const { id } = added(await enqueue(queue));
    expect(await over(queue, id)).toMatchObject({ state: 'done', result: { fileBytes: 8 + id.length } });
    expect(await typesOf(queue, id)).toEqual([
      [1, 'state', 'queued'],
      [2, 'state', 'running'],
      [3, 'start', undefined],
      [4, 'end', 'done'],
    ]);
    await expect.poll(() => readdirSync(join(home, 'queue')), { timeout: 20_000 }).toEqual([]);
  });

  test('a job of a worker that is silent goes to another, and the first one keeps nothing of it', async () => {
    const { database, queue, worker } = await opened();
    const of = { namespace: 'default', name: 'set' };
    await createPostgresFunctaset(database, of, testNetwork());
    const set = await openPostgresFunctaset(database, of);
    const { id } = added(await enqueueAdd(queue, 'set', set.info.networkId));
    const silent = (await queue.claim())!;
    expect(silent.job.id).toBe(id);
    expect(await queue.claim()).toBeUndefined();
    await worker(functionsAfter(0, 100));
    expect(await over(queue, id)).toMatchObject({
      state: 'done',
      result: { figures: { added: 100, there: 0 } },
    });
    expect(await queue.renew(silent)).toBe(false);
    const late = queue.finish(silent, async () => {
      throw new Error('it may not come to this');
    });
    await expect(late).rejects.toMatchObject({ code: 'job-taken' });
    expect(await set.count()).toBe(100);
    expect((await typesOf(queue, id)).filter(([, type]) => type === 'end')).toHaveLength(1);
  });

  test('another worker goes on from the last checkpoint, which goes with the end of the job', async () => {
    const { database, queue, worker } = await opened();
    const seen: string[] = [];
    const work: DoWork = async (given) => {
      const { work: directory } = given.places;
      for (const name of ['model.checkpoint', 'log'])
        seen.push(await readFile(join(directory, name), 'utf8').catch(() => 'none'));
      if (seen.length > 2) return fileAfter(0)(given);
      for (const content of ['first', 'second']) {
        await writeWhole(join(directory, 'model.checkpoint'), Buffer.from(content), { replace: true });
        await writeFile(join(directory, 'log'), 'lines');
        given.say({ type: 'checkpoint', done: 1 });
      }
      return fileAfter(60_000)(given);
    };
    const first = await worker(work);
    const { id } = added(await enqueue(queue));
    const texts = `SELECT convert_from(bytes, 'UTF8') AS text FROM functa.jobs j, json_each_text(j.checkpoint) c
      JOIN functa.file_parts p ON p.file = c.value WHERE j.id = $1 ORDER BY 1`;
    const kept = () =>
      database.query(async (client) => (await client.query(texts, [id])).rows.map(({ text }) => text));
    await expect.poll(kept, { timeout: 20_000 }).toEqual(['lines', 'second']);
    await first.close();
    await worker(work);
    expect(await over(queue, id)).toMatchObject({ state: 'done', checkpoint: null });
    expect(seen).toEqual(['none', 'none', 'second', 'lines']);
    const left = `SELECT count(*) AS n FROM functa.files WHERE kind = 'checkpoint'`;
    expect((await database.query((client) => client.query(left))).rows).toEqual([{ n: 0 }]);
  });

  test('a job that a worker lost and takes again waits there for the end of the turn that lost it', async () => {
    const { database, queue, worker } = await opened();
    let turns = 0;
    await worker((work) => fileAfter(turns++ === 0 ? 60_000 : 2 * leaseMs)(work), { running: 2 });
    const { id } = added(await enqueue(queue));
    await expect.poll(() => turns, { timeout: 20_000 }).toBe(1);
    const lose = `UPDATE functa.jobs SET held_until = now() - interval '1 s' WHERE id = $1`;
    await expect
      .poll(() => database.query((client) => client.query(lose, [id])).then(() => queue.takeBack()))
      .toBe(1);
    expect(await over(queue, id)).toMatchObject({ state: 'done', fault: null });
    expect(turns).toBe(2);
  });

  test('a commit whose transaction is begun again writes its functions once', async () => {
    const { database, queue, worker } = await opened();
    const of = { namespace: 'default', name: 'set' };
    await createPostgresFunctaset(database, of, testNetwork());
    const set = await openPostgresFunctaset(database, of);
    await worker(functionsAfter(0, 50), { running: 3 });
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push(added(await enqueueAdd(queue, 'set', set.info.networkId)).id);
    // the database goes down in the middle of it
    cluster().stop('immediate');
    await cluster().start();
    for (const id of ids) expect(await over(queue, id)).toMatchObject({ state: 'done', fault: null });
    expect(await set.count()).toBe(300);
    expect(await set.verify()).toMatchObject({ ok: true });
  });

  test('a job that is cancelled stops, whether it waits or is at work', async () => {
    const { queue, worker } = await opened();
    let [begun, ended] = [0, 0];
    await worker(async (work) => {
      begun++;
      const outcome = await fileAfter(60_000)(work);
      ended++;
      return outcome;
    });
    const [first, second] = [added(await enqueue(queue)), added(await enqueue(queue))];
    // A job that is running has a turn; one that is cancelled before its work has begun is not begun.
    await expect.poll(() => begun, { timeout: 20_000 }).toBe(1);
    expect((await queue.get(first.id))?.state).toBe('running');
    const event = { type: 'end', body: '{"state":"cancelled"}' };
    expect(await queue.cancel(second.id, event)).toMatchObject({ state: 'cancelled' });
    expect(await queue.cancel(first.id, event)).toMatchObject({ state: 'cancelled' });
    expect(await queue.cancel(first.id, event)).toBeUndefined();
    await expect.poll(() => ended, { timeout: 20_000 }).toBe(1);
    const third = added(await enqueue(queue));
    await expect.poll(async () => (await queue.get(third.id))?.state, { timeout: 20_000 }).toBe('running');
    expect((await queue.get(first.id))?.state).toBe('cancelled');
  });

  test('a worker that is closed gives back what is at work; the same home goes on with it', async () => {
    const { queue, worker } = await opened();
    const home = temporary();
    const seen: boolean[] = [];
    const work: DoWork = async (given) => {
      const mark = join(given.places.work, 'file');
      seen.push(existsSync(mark));
      return fileAfter(seen.length === 1 ? 60_000 : 0)(given);
    };
    const first = await worker(work, { home });
    const { id } = added(await enqueue(queue));
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(1);
    await first.close();
    expect((await queue.get(id))?.state).toBe('queued');
    await worker(work, { home });
    expect(await over(queue, id)).toMatchObject({ state: 'done' });
    expect(seen).toEqual([false, true]);
  });

  test('work that dies is begun again, and fails when it dies three times without getting on; a fault fails at once', async () => {
    const { queue, worker } = await opened();
    let times = 0;
    await worker(async ({ record }) => {
      if (record.namespace === 'faulty') throw new BadInputError('bad-recipe', 'no such recipe');
      times++;
      return undefined;
    });
    const { id } = added(await enqueue(queue));
    expect(await over(queue, id)).toMatchObject({ state: 'failed', fault: { code: 'job-died' } });
    expect(times).toBe(3);
    const faulty = added(await enqueue(queue, { namespace: 'faulty' }));
    expect(await over(queue, faulty.id)).toMatchObject({
      state: 'failed',
      fault: { code: 'bad-recipe', detail: 'no such recipe' },
    });
  });

  test('no more jobs of a namespace than may wait; the same key is the same job', async () => {
    const { queue } = await opened();
    const idempotency = { key: 'k', digest: 'd' };
    const first = added(await enqueue(queue, { idempotency, most: 2 }));
    expect(await enqueue(queue, { idempotency, most: 2 })).toMatchObject({
      kind: 'same',
      job: { id: first.id },
    });
    const many = await Promise.all([0, 1, 2].map(() => enqueue(queue, { most: 2 })));
    expect(many.map(({ kind }) => kind).sort()).toEqual(['added', 'full', 'full']);
    expect(await enqueue(queue, { namespace: 'other', most: 2 })).toMatchObject({ kind: 'added' });
    expect(await enqueue(queue, { namespace: 'other', upload: 'gone', most: 2 })).toEqual({
      kind: 'no-upload',
    });
  });

  test('a worker without a store, with a wrong password or without the package says so', async () => {
    const home = temporary();
    await expect(startWorker({ home })).rejects.toMatchObject({ code: 'store-needed' });
    await expect(
      startWorker({ home, store: 'postgres://nobody:secret@127.0.0.1:1/x' }),
    ).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.not.stringContaining('secret'),
    });
  });
});
