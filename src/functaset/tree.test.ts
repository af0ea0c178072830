import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { Rng } from '../core/rng.ts';
import { compactFunctaset } from './rewrite.ts';
import { openFunctaset } from './store.ts';
import { testFunction, testNetwork } from './testing.ts';
import { checkTrees } from './tree.ts';

const pageBytes = 4096;
const isBranch = 1;
const fns = Array.from({ length: 3000 }, (_, i) => testFunction(i));

async function makeStore(): Promise<string> {
  const set = await openFunctaset(temporary(), { network: testNetwork() });
  for (let at = 0; at < fns.length; at += 300) await set.putMany(fns.slice(at, at + 300));
  await set.close();
  return set.path;
}

/** A branch of the functions in the newest state; older states have left some, too, which nothing reads. */
async function branchOf(file: string, bytes: Buffer): Promise<number> {
  for (let page = 2; page < bytes.length / pageBytes; page++) {
    if (bytes.readUInt16LE(page * pageBytes + 18) !== isBranch) continue;
    const flipped = Buffer.from(bytes);
    flipped.writeUInt16LE(64, page * pageBytes + 18);
    if ((await faultsOf(file, flipped)).some((fault) => fault.startsWith('functions,'))) return page;
  }
  throw new Error('the store is too small to have branches');
}

test('the trees of every store are whole: after deleting, replacing, large values, none, and compaction', async () => {
  const path = await makeStore();
  const file = join(path, 'data.mdb');
  expect(await checkTrees(file)).toEqual({ functions: 3000, faults: [] });
  const set = await openFunctaset(path);
  await set.deleteMany(fns.filter((_, i) => i % 3 === 0).map(({ id }) => id));
  const large = [2000, 4000, 5000, 100_000].map((n, i) =>
    testFunction(30 * i + 1, { content: { kind: 'file', bytes: new Uint8Array(n) } }),
  );
  await set.putMany(large, { replace: true });
  expect(await checkTrees(file)).toEqual({ functions: 2000, faults: [] });
  expect((await set.verify()).faults).toEqual([]);
  await set.deleteMany(fns.map(({ id }) => id));
  expect(await checkTrees(file)).toEqual({ functions: 0, faults: [] });
  expect(await set.verify()).toMatchObject({ ok: true, functions: 0 });
  await set.close();
  await compactFunctaset(path);
  expect(await checkTrees(file)).toEqual({ functions: 0, faults: [] });
});

test('a flipped bit of a branch that hides functions is found by verify', async () => {
  const path = await makeStore();
  const file = join(path, 'data.mdb');
  const whole = readFileSync(file);
  const branch = await branchOf(file, whole);
  const flips: number[] = [];
  for (let bit = 0; bit < 8 * pageBytes; bit += bit < 1200 ? 37 : 4001)
    flips.push(8 * branch * pageBytes + bit);
  let found = 0;
  for (const bit of flips) {
    const flipped = Buffer.from(whole);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    if ((await faultsOf(file, flipped)).length > 0) {
      found++;
      continue;
    }
    // It says nothing of free room, of the transaction that wrote the page, and of keys that part functions as well as before.
    writeFileSync(file, flipped);
    const set = await openFunctaset(path, { readOnly: true });
    expect([...set.iterate()]).toEqual(fns);
    expect(fns.filter((_, i) => i % 50 === 0).every(({ id }) => set.has(id))).toBe(true);
    await set.close();
  }
  expect(found).toBeGreaterThan(flips.length / 4);
  // One that leads to a page of the same tree hides functions from LMDB, which counts them all the same.
  const flipped = Buffer.from(whole);
  const node = branch * pageBytes + 24 + flipped.readUInt16LE(branch * pageBytes + 24 + 2);
  flipped.writeUInt16LE(flipped.readUInt16LE(node + 0) ^ 1, node);
  writeFileSync(file, flipped);
  const set = await openFunctaset(path, { readOnly: true });
  expect(set.count).toBe(3000);
  const report = await set.verify();
  expect(report).toMatchObject({ ok: false });
  expect(report.functions).toBeLessThan(3000);
  expect(report.faults[0]).toMatchObject({ id: '', code: 'tree' });
  await set.close();
});

test('any flipped bit anywhere: a report, and never a whole tree of other functions', async () => {
  const path = await makeStore();
  const file = join(path, 'data.mdb');
  const whole = readFileSync(file);
  const rng = new Rng(1);
  for (let turn = 0; turn < 300; turn++) {
    const flipped = Buffer.from(whole);
    // Past the two pages that say which state is the newest.
    const bit = 16 * pageBytes + rng.below(8 * whole.length - 16 * pageBytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(file, flipped);
    const { functions, faults } = await checkTrees(file);
    if (faults.length === 0) expect(functions).toBe(3000);
  }
  writeFileSync(file, whole);
  expect(statSync(file).size).toBe(whole.length);
  await expect(checkTrees(file, AbortSignal.abort())).resolves.toMatchObject({ functions: 3000 });
});

async function faultsOf(file: string, bytes: Buffer): Promise<readonly string[]> {
  writeFileSync(file, bytes);
  return (await checkTrees(file)).faults;
}
