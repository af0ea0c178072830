/**
 * Ends threads that open a functaset over and over, as the server does with a thread that does not stop in time. Arguments: the
 * functaset, how many threads. Ends with a line.
 */
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { newLatch, takeLatch } from '../../src/core/unbroken.ts';

const [path, rounds] = process.argv.slice(2) as [string, string];
const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

const work = `
    const { openFunctaset } = await import(${url('../../src/functaset/index.ts')});
    parentPort.postMessage('works');
    for (;;) {
      const store = await openFunctaset(workerData.path, { readOnly: true });
      for (let i = 0; i < 20; i++) store.count + store.version;
      await store.close();
    }`;
const source = `(async () => {
  const { parentPort, workerData } = require('node:worker_threads');
  (await import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})).register();
  (await import(${url('../../src/core/unbroken.ts')})).useLatch(workerData.latch);
  ${work}
})()`;

for (let round = 0; round < Number(rounds); round++) {
  const latch = newLatch();
  const worker = new Worker(source, { eval: true, workerData: { path, latch } });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await setTimeout(5 + 7 * (round % 5));
  await takeLatch(latch);
  await worker.terminate();
}
console.log('alive');
