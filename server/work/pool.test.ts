import { expect, test } from 'vitest';
import { defaultLimits } from '../../src/core/limits.ts';
import type { ToWorker } from './messages.ts';
import { Pool, type PoolThread, smallPatienceMs } from './pool.ts';
import type { ThreadEvents } from './thread.ts';

/** A thread that does nothing by itself. */
class Puppet implements PoolThread {
  readonly ready = Promise.resolve('none');
  readonly wasReady = true;
  readonly said: ToWorker[] = [];
  /** How long each job that is to stop is waited for. */
  readonly patience: number[] = [];
  readonly events: ThreadEvents;
  active: number | undefined;
  isEnding = false;

  constructor(events: ThreadEvents) {
    this.events = events;
  }

  say(message: ToWorker): void {
    this.said.push(message);
  }

  rest(): void {
    this.active = undefined;
  }

  async endUnlessRests(_job: number, patienceMs: number): Promise<void> {
    this.patience.push(patienceMs);
  }

  async end(): Promise<void> {
    this.isEnding = true;
  }

  get jobs(): number[] {
    return this.said.flatMap((message) => (message.kind === 'job' ? [message.job] : []));
  }
}

async function openPuppets() {
  const threads: Puppet[] = [];
  const start = (_setup: unknown, events: ThreadEvents) => {
    const thread = new Puppet(events);
    threads.push(thread);
    return thread;
  };
  const { pool } = await Pool.open({ threads: 1, limits: defaultLimits, start });
  const ask = (signal?: AbortSignal, patienceMs?: number) =>
    pool.ask('stampOfModel', { path: 'm' }, { signal, ...(patienceMs && { patienceMs }) });
  return { pool, threads, ask };
}

test('a thread that is being ended for one who left is given to nobody, however late it rests', async () => {
  const { pool, threads, ask } = await openPuppets();
  const leaving = new AbortController();
  const left = expect(ask(leaving.signal)).rejects.toMatchObject({ kind: 'aborted' });
  const [first] = threads;
  const [job] = first!.jobs;
  leaving.abort();
  await left;
  // its patience is over, and then it rests
  void first!.end();
  first!.events.hear({ kind: 'fault', job: job!, error: { message: 'aborted' } });
  const next = ask();
  expect(first!.jobs).toEqual([job]);
  first!.events.ended('it ended');
  const second = threads[1]!;
  expect(second.jobs).toHaveLength(1);
  second.events.hear({
    kind: 'answer',
    job: second.jobs[0]!,
    head: 'x',
    bytes: new Uint8Array(0),
    last: true,
  });
  expect((await next).head).toBe('x');
  await pool.close();
});

test('who says that its work is small is waited for longer before its thread is ended', async () => {
  const { pool, threads, ask } = await openPuppets();
  for (const patienceMs of [undefined, smallPatienceMs]) {
    const leaving = new AbortController();
    const left = ask(leaving.signal, patienceMs).catch(() => undefined);
    leaving.abort();
    await left;
    threads[0]!.rest();
  }
  expect(threads[0]!.patience).toEqual([150, smallPatienceMs]);
  await pool.close();
});
