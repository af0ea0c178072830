import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { makeCase } from '../engine/contract/cases.ts';
import { openEngine } from '../engine/index.ts';
import { preset } from '../field/presets.ts';
import { abortedByFlag, flagOf } from './abort.ts';

test('a signal is aborted by its flag, and its listeners are told by abort', () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const controller = abortedByFlag(flag);
  let told = 0;
  controller.signal.addEventListener('abort', () => told++);
  expect(controller.signal.aborted).toBe(false);
  Atomics.store(flag, 0, 1);
  expect([controller.signal.aborted, told]).toEqual([true, 0]);
  controller.abort();
  expect(told).toBe(1);
  expect([flagOf(controller.signal), flagOf(new AbortController().signal)]).toEqual([flag, undefined]);
});

test('another thread stops a call that holds this one', async () => {
  const engine = await openEngine('native', { blocking: true });
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const { signal } = abortedByFlag(flag);
  const source = `const { workerData } = require('node:worker_threads');
    Atomics.wait(workerData, 0, 0, 100); Atomics.store(workerData, 0, 1);`;
  const worker = new Worker(source, { eval: true, workerData: flag });
  const { net, batch } = makeCase(
    'long',
    preset('pyramid', { axes: 2, outputs: 3 }),
    [128, 128],
    8,
    false,
    3,
  );
  const started = process.cpuUsage();
  await expect(engine.adapt(net, batch, 2000, { signal })).rejects.toMatchObject({ code: 'aborted' });
  // Two thousand steps take minutes.
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(5);
  await worker.terminate();
  await engine.close();
});
