/** A thread that is ended in the middle of a call of usearch would take the process with it; behind its latch it does not. */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { compiled } from '../compiled.ts';

vi.setConfig({ testTimeout: 120_000 });

const ends = 24;

/** Links graphs without end; `latched`: whoever ends it waits for its latch. */
function script(latched: boolean): string {
  const at = (path: string) => JSON.stringify(pathToFileURL(`${compiled()}/src/${path}`).href);
  const worker = `
    const { workerData, parentPort } = await import('node:worker_threads');
    const { useLatch } = await import(${at('core/unbroken.js')});
    const { Vectors } = await import(${at('query/vectors.js')});
    if (${latched}) useLatch(workerData);
    const vectors = new Vectors(4000, 64);
    for (let row = 0; row < 4000; row++)
      vectors.set(row, Float32Array.from({ length: 64 }, (_, i) => Math.sin(row * (i + 1))));
    parentPort.postMessage('begun');
    for (;;) await vectors.link();`;
  return `
    import { Worker } from 'node:worker_threads';
    import { newLatch, takeLatch } from ${at('core/unbroken.js')};
    for (let i = 0; i < ${ends}; i++) {
      const latch = newLatch();
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})), { workerData: latch });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await new Promise((resolve) => setTimeout(resolve, 3 * (i % 12)));
      await takeLatch(latch);
      await worker.terminate();
    }
    console.log('whole');`;
}

test('threads that link a graph are ended at any moment, and the process goes on', () => {
  const args = ['--input-type=module', '-e', script(true)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe('whole\n');
  expect(status).toBe(0);
});
