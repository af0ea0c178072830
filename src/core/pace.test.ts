import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

test('paced work lets the event loop turn when its time is over, and not before', async () => {
  let now = 0;
  let turns = 0;
  const pace = new Pace(undefined, () => now);
  setImmediate(() => turns++);
  await pace.turn();
  expect([pace.due, turns]).toEqual([false, 0]);
  now = 20;
  expect(pace.due).toBe(true);
  await pace.turn();
  expect([pace.due, turns]).toEqual([false, 1]);
});

test('paced work stops at the next turn after an abort, which it hears while it works', async () => {
  const control = new AbortController();
  const pace = new Pace(control.signal);
  setTimeout(() => control.abort(), 30);
  const work = async () => {
    for (;;) if (pace.due) await pace.turn();
  };
  await expect(work()).rejects.toMatchObject({ code: 'aborted' });
});
