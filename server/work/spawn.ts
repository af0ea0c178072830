/** Threads of the server. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Starts a module, such as `server/work/worker`. From dist a plain module; from the sources, TypeScript through tsx, or by what these
 * compile to in the folder that FUNCTA_COMPILED names, which starts in a third of the time (tests).
 */
export function spawnWorker(module: string, workerData: unknown): Worker {
  const compiled = process.env.FUNCTA_COMPILED;
  if (compiled !== undefined)
    return new Worker(pathToFileURL(join(compiled, `${module}.js`)), { workerData });
  const own = (suffix: string) => new URL(`../../${module}.${suffix}`, import.meta.url);
  if (!import.meta.url.endsWith('.ts')) return new Worker(own('js'), { workerData });
  const url = JSON.stringify(own('ts').href);
  return new Worker(`import('tsx/esm/api').then(({ register }) => (register(), import(${url})))`, {
    eval: true,
    workerData,
  });
}
