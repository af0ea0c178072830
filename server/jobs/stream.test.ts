import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type EventLine, EventLog, readEvents } from './log.ts';
import { writeEvents } from './stream.ts';
import { teller, withoutPaths } from './tell.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-log-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = new Date(0);
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A stream, its clock and its job in hand. */
function hand() {
  const written: string[] = [];
  let beat = () => undefined as unknown;
  let tell: (line: EventLine) => void = () => undefined;
  let leave = () => undefined as unknown;
  const ended = new AbortController();
  const calls: string[] = [];
  const done = writeEvents(
    {
      write: async (text) => {
        written.push(text);
      },
      onAbort: (listener) => {
        leave = listener;
      },
    },
    (listener) => {
      tell = listener;
      return () => calls.push('unwatched');
    },
    {
      heartbeatMs: 15_000,
      every: (ms, then) => {
        calls.push(`every ${ms}`);
        beat = then;
        return () => calls.push('no more beats');
      },
      ended: ended.signal,
    },
  );
  return {
    written,
    calls,
    done,
    ended,
    beat: () => beat(),
    tell: (line: EventLine) => tell(line),
    leave: () => leave(),
  };
}

const line = (id: number, type: string): EventLine => ({ id, type, text: `{"id":${id}}` });

test('events go out as they come, a comment where nothing happens, and nothing after the end', async () => {
  const stream = hand();
  await settled();
  stream.beat();
  await settled();
  stream.tell(line(1, 'state'));
  stream.tell(line(2, 'progress'));
  await settled();
  stream.tell(line(3, 'end'));
  await stream.done;
  const text = (id: number, type: string) => `id: ${id}\nevent: ${type}\ndata: {"id":${id}}\n\n`;
  expect(stream.written.join('')).toBe(
    `retry: 1000\n\n:\n\n${text(1, 'state')}${text(2, 'progress')}${text(3, 'end')}`,
  );
  expect(stream.calls).toEqual(['every 15000', 'unwatched', 'no more beats']);
});

test.each(['leave', 'end'] as const)(
  'a reader that goes, or a server that goes down, ends it: %s',
  async (how) => {
    const stream = hand();
    await settled();
    if (how === 'leave') stream.leave();
    else stream.ended.abort();
    await stream.done;
    expect(stream.calls).toContain('no more beats');
  },
);

test('a log goes on after what a killed process left half written', async () => {
  const path = join(directory, 'events.jsonl');
  const first = await EventLog.open(path);
  for (const type of ['state', 'start', 'progress'] as const) await first.add({ type }, at).written;
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"id":4,"type":"prog`);
  const second = await EventLog.open(path);
  expect(second.last).toBe(3);
  await second.add({ type: 'end', state: 'done' }, at).written;
  const lines = await readEvents(path, 1);
  expect(lines.map(({ id, type }) => [id, type])).toEqual([
    [2, 'start'],
    [3, 'progress'],
    [4, 'end'],
  ]);
  for (const { text } of lines) JSON.parse(text);
});

test('progress is told now and then, and no path of the disk', () => {
  const told: unknown[] = [];
  let now = 0;
  const tell = teller((event) => told.push(event), { secret: ['/srv/home'], now: () => now });
  tell({ type: 'start', job: 'x', total: 1e6, done: 0, unit: 'steps' });
  for (now = 0; now < 10_000; now += 10)
    tell({
      type: 'progress',
      job: 'x',
      done: now,
      total: 1e6,
      figures: { psnrDb: Number.POSITIVE_INFINITY },
    });
  expect(told).toHaveLength(1 + 20);
  expect(told[1]).toEqual({ type: 'progress', done: 0, total: 1e6, figures: { psnrDb: null } });
  tell({ type: 'note', job: 'x', message: '/srv/home/jobs/1/a.png is no picture' });
  expect(told.at(-1)).toEqual({ type: 'note', message: 'jobs/1/a.png is no picture' });
  expect(withoutPaths('in /srv/home/x/y of /srv/home', ['/srv/home', '/srv/home/x'])).toBe('in y of .');
});
