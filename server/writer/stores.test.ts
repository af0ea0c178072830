import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { claimPath } from '../../src/functaset/claim.ts';
import { openFunctaset, recordOf } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';
import { temporary } from '../../test/temporary.ts';
import type { PutRequest } from './messages.ts';
import { Stores } from './stores.ts';

async function made(now?: () => number) {
  const directory = temporary();
  const stores = new Stores({ idleMs: 50, now });
  onTestFinished(() => stores.close());
  const path = join(directory, 'set');
  expect(await stores.create(path, testNetwork())).toBe(true);
  return { stores, path, directory };
}

const put = (i: number, more: Partial<PutRequest> = {}): PutRequest => {
  const record = recordOf(testFunction(i));
  return {
    kind: 'put',
    items: [{ record, told: `"${record.id}"`, at: 0 }],
    faults: [],
    replace: false,
    ...more,
  };
};

test('what arrives together is one transaction, and each hears its own outcome', async () => {
  const { stores, path } = await made();
  await stores.write(path, put(0));
  const reader = await openFunctaset(path, { readOnly: true });
  const { version } = reader;
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 50 }, (_, i) => stores.write(path, put(i))),
    stores.write(path, { kind: 'patch', id: 'nobody', label: 1 }),
    stores.write(path, { kind: 'delete', ids: ['nobody'] }),
  ]);
  expect(reader.version).toBe(version + 1);
  expect(reader.count).toBe(50);
  expect(outcomes[0]).toMatchObject({ value: { created: 0, faults: [{ code: 'function-exists' }] } });
  expect(outcomes[49]).toMatchObject({ status: 'fulfilled', value: { created: 1 } });
  expect(outcomes[50]).toMatchObject({ reason: { code: 'unknown-function' } });
  expect(outcomes[51]).toMatchObject({ value: { deleted: 0 } });
  // One id twice is two transactions, in order.
  await Promise.all([
    stores.write(path, { kind: 'delete', ids: [testFunction(7).id] }),
    stores.write(path, put(7)),
  ]);
  expect(reader.version).toBe(version + 3);
  expect(await reader.verify()).toMatchObject({ ok: true, functions: 50 });
  await reader.close();
});

test('an answer is kept with what it says, for a day, and the same key does nothing twice', async () => {
  let now = 1e12;
  const { stores, path } = await made(() => now);
  const keep = { key: 'k', digest: 'a' };
  const first = await stores.write(path, put(1, { keep }));
  const again = await stores.write(path, put(2, { keep }));
  expect([again.again, again.body]).toEqual([true, first.body]);
  await expect(stores.write(path, put(3, { keep: { key: 'k', digest: 'b' } }))).rejects.toMatchObject({
    code: 'idempotency-mismatch',
  });
  now += 24 * 3600e3 + 1;
  expect((await stores.write(path, put(2, { keep }))).created).toBe(1);
  const reader = await openFunctaset(path, { readOnly: true });
  expect(await reader.verify()).toMatchObject({ ok: true, functions: 2 });
  await reader.close();
});

test('a store that nobody writes to is given free, and one that is taken away is gone at once', async () => {
  let now = 0;
  const { stores, path, directory } = await made(() => now);
  await stores.write(path, put(1));
  await expect(openFunctaset(path)).rejects.toMatchObject({ code: 'functaset-busy' });
  now += 60;
  const isHeld = async () => {
    await stores.closeIdle();
    return existsSync(claimPath(path));
  };
  await expect.poll(isHeld).toBe(false);
  await (await openFunctaset(path)).close();
  await stores.write(path, put(2));
  await stores.drop(path);
  expect(readdirSync(directory)).toEqual([]);
  await expect(stores.write(path, put(3))).rejects.toMatchObject({ code: 'functaset-missing' });
  expect(existsSync(path)).toBe(false);
  expect(await stores.create(path, testNetwork())).toBe(true);
  expect(await stores.create(path, testNetwork())).toBe(false);
  await expect(stores.create(path, testNetwork('2'))).rejects.toMatchObject({ code: 'functaset-network' });
});
