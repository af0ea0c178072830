import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFunctaset } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';
import { temporary } from '../../test/temporary.ts';
import { recordsOfStore } from '../work/verbs/functasets.ts';
import { Stores } from '../writer/stores.ts';
import { type MergeContext, merge } from './merge.ts';
import type { JobRecord } from './record.ts';

async function storeOf(path: string, functions: readonly number[]): Promise<string> {
  const store = await openFunctaset(path, { network: testNetwork() });
  await store.putMany(functions.map((i) => testFunction(i)));
  await store.close();
  return path;
}

/** As the server has them, in this thread; the writer is gone before its `dies`-th transaction is told of. */
async function context(target: string, made: string, dies = Number.POSITIVE_INFINITY) {
  const store = await openFunctaset(made, { readOnly: true });
  const stores = new Stores({ idleMs: 1e9 });
  const shelf = { store: async () => store } as never;
  let writes = 0;
  const own = {
    catalogue: { functasets: [{ path: target, networkId: testNetwork().networkId }] },
    pool: {
      ask: (_: string, input: never) => recordsOfStore(shelf, input),
      forget: () => undefined,
    },
    writer: {
      async write(path: string, request: never) {
        const outcome = await stores.write(path, request);
        if (++writes === dies) throw new Error('killed');
        return outcome;
      },
    },
  } as unknown as MergeContext;
  const close = async () => {
    await store.close();
    await stores.close();
  };
  return { own, close };
}

const job = (target: string, replace: boolean) =>
  ({
    id: 'a-job',
    spec: { kind: 'add', functaset: 'x', data: { dataset: 'y' }, replace },
    inputs: { target: { name: 'x', path: target, networkId: testNetwork().networkId } },
  }) as unknown as JobRecord;

test('what a job made is put once, however often the server ends in the middle of it', async () => {
  const folder = temporary();
  const all = Array.from({ length: 1200 }, (_, i) => i);
  const made = await storeOf(join(folder, 'made'), all);
  const target = await storeOf(join(folder, 'target'), [3, 700, 5000]);
  for (const dies of [1, 2, 3]) {
    const { own, close } = await context(target, made, dies);
    await expect(merge(own, job(target, false), made)).rejects.toThrow('killed');
    await close();
  }
  const { own, close } = await context(target, made);
  // those that were there before, and none of those that the job itself had put
  expect(await merge(own, job(target, false), made)).toEqual({ added: 1198, there: 2 });
  expect(await merge(own, { ...job(target, true), id: 'another' }, made)).toEqual({ added: 1200, there: 0 });
  await close();
  const found = await openFunctaset(target, { readOnly: true });
  expect(found.count).toBe(1201);
  await found.close();
});

test('a functaset that is gone, or of another network, gets nothing', async () => {
  const folder = temporary();
  const made = await storeOf(join(folder, 'made'), [1]);
  const { own, close } = await context(join(folder, 'other'), made);
  await expect(merge(own, job(join(folder, 'target'), false), made)).rejects.toMatchObject({
    code: 'functaset-changed',
  });
  await close();
});
