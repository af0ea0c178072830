/** What the measurements of stores that many machines share have in common: a cluster of their own, and functions of real ones. */
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/disk/package.ts';
import {
  type FunctasetNetwork,
  type FunctionRecord,
  openFunctaset,
  recordOf,
  type StoredFunction,
} from '../../src/functaset/index.ts';
import { readPack, unpackFunctaset } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';

/** Machine and load of the moment. */
export function setting(): string {
  return `${availableParallelism()} cores, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`;
}

/** Every function of the demo of a model, in a functaset at `path`. */
export async function demoFunctions(
  path: string,
  model = 'fashion-mnist',
): Promise<{ readonly network: FunctasetNetwork; readonly functions: readonly StoredFunction[] }> {
  const directory = join(packageRoot(), 'models', model);
  const packed = await readPack(join(directory, 'demo.functa'));
  await unpackFunctaset(await loadModel(join(directory, 'model.safetensors')), packed, path);
  const set = await openFunctaset(path, { readOnly: true });
  const { format: _, ...network } = set.info;
  const functions = [...set.iterate()];
  await set.close();
  return { network, functions };
}

/** The records of functions `from` to `from + count` of a series without end: the real ones again and again, each under an id of its own. */
export function recordsFrom(
  functions: readonly StoredFunction[],
  from: number,
  count: number,
): FunctionRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return recordOf({ ...functions[n % functions.length]!, id: `f${String(n).padStart(9, '0')}` });
  });
}
