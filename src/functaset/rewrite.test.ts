import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { openDatabases } from './databases.ts';
import { compactFunctaset, upgradeFunctaset } from './rewrite.ts';
import { openFunctaset } from './store.ts';
import { testFunction, testModulation, testNetwork } from './testing.ts';
import type { FunctasetOptions } from './types.ts';

const open = (path: string, options: FunctasetOptions = {}) =>
  openFunctaset(path, { network: testNetwork(), ...options });
const coded = (code: string) => expect.objectContaining({ code });
const sizeOf = (path: string) => statSync(join(path, 'data.mdb')).size;

/** A store that the code of format 1 wrote: twelve of the series, with these differences. */
function oldStore(): string {
  const path = temporary();
  const packed = join(import.meta.dirname, '../../test/fixtures/functaset-format1/data.mdb.gz');
  writeFileSync(join(path, 'data.mdb'), gunzipSync(readFileSync(packed)));
  return path;
}

const upgraded = Array.from({ length: 12 }, (_, i) => {
  const values = Float32Array.from({ length: 20 }, (_, k) => i + k / 32);
  if (i === 5) return testFunction(i, { content: { ...testModulation(0), values } });
  if (i === 6) return testFunction(i, { label: '007', psnrDb: Infinity });
  return testFunction(i, i === 8 ? { label: 0 } : {});
});

test('a store of format 1 is refused by name, and upgraded with its files and labels', async () => {
  const path = oldStore();
  for (const options of [{}, { readOnly: true }]) {
    await expect(open(path, options)).rejects.toThrow(coded('info-format'));
    await expect(open(path, options)).rejects.toThrow('functa store upgrade');
  }
  await expect(compactFunctaset(path)).rejects.toThrow(coded('info-format'));
  expect(await upgradeFunctaset(path)).toMatchObject({ functions: 12, before: 61440 });
  const set = await open(path);
  expect([...set.iterate()]).toEqual(upgraded);
  expect([...set.byLabel(0)].map(({ id }) => id)).toContain('item-000008');
  expect((await set.verify()).faults).toEqual([]);
  await set.put(testFunction(100));
  await set.close();
  expect(readdirSync(path).sort()).toEqual(['data.mdb', 'lock.mdb']);
  await expect(upgradeFunctaset(path)).rejects.toThrow(coded('info-format'));
});

test('compaction keeps every function, frees what was deleted, and fills pages', async () => {
  const set = await open(temporary());
  const fns = Array.from({ length: 3000 }, (_, i) => testFunction(i));
  const shuffled = fns.map((fn, i) => fns[(i * 1009) % 3000] ?? fn);
  for (let at = 0; at < 3000; at += 50) await set.putMany(shuffled.slice(at, at + 50));
  const full = sizeOf(set.path);
  await set.deleteMany(fns.slice(1000).map(({ id }) => id));
  expect(await set.deleteMany(['nobody'])).toBe(0);
  await expect(compactFunctaset(set.path)).rejects.toThrow(coded('functaset-busy'));
  await set.close();
  writeFileSync(join(set.path, 'near-values.index'), 'of the old file');
  const told: number[] = [];
  const result = await compactFunctaset(set.path, { onProgress: (done) => told.push(done) });
  expect(result).toMatchObject({ functions: 1000, before: sizeOf(set.path) > 0 ? full : 0 });
  expect(result.after).toBe(sizeOf(set.path));
  expect(result.after).toBeLessThan(full / 3);
  expect(told.at(-1)).toBe(1000);
  expect(existsSync(join(set.path, 'near-values.index'))).toBe(false);
  const again = await open(set.path);
  expect([...again.iterate()]).toEqual(fns.slice(0, 1000));
  expect((await again.verify()).faults).toEqual([]);
  await again.close();
});

test('a reader of the old file goes on, and a writer after it is not confused', async () => {
  const set = await open(temporary());
  await set.putMany(Array.from({ length: 200 }, (_, i) => testFunction(i)));
  await set.close();
  const reader = await open(set.path, { readOnly: true });
  await compactFunctaset(set.path);
  expect([...reader.iterate()]).toHaveLength(200);
  await reader.close();
  const writer = await open(set.path);
  await writer.put(testFunction(500));
  expect(writer.count).toBe(201);
  expect((await writer.verify()).ok).toBe(true);
  await writer.close();
});

test('what is damaged, missing or stopped leaves the store as it was', async () => {
  await expect(compactFunctaset(join(temporary(), 'none'))).rejects.toThrow(coded('functaset-missing'));
  const set = await open(temporary());
  await set.putMany(Array.from({ length: 20 }, (_, i) => testFunction(i)));
  await set.close();
  await expect(compactFunctaset(set.path, { signal: AbortSignal.abort() })).rejects.toThrow(coded('aborted'));
  const { root, functions } = openDatabases(set.path, false, false);
  const flipped = functions.get('item-000010')!.slice();
  flipped[9]! ^= 1;
  functions.putSync('item-000010', flipped);
  await root.close();
  const before = readFileSync(join(set.path, 'data.mdb'));
  await expect(compactFunctaset(set.path)).rejects.toThrow('item-000010');
  expect(readFileSync(join(set.path, 'data.mdb')).equals(before)).toBe(true);
  expect(readdirSync(set.path).sort()).toEqual(['data.mdb', 'lock.mdb']);
});

test('what a killed compaction left goes when the store is written to again', async () => {
  const set = await open(temporary());
  await set.putMany(Array.from({ length: 20 }, (_, i) => testFunction(i)));
  await set.close();
  const code = `
    import { compactFunctaset } from ${JSON.stringify(new URL('./rewrite.ts', import.meta.url).href)};
    await compactFunctaset(process.argv[1], { onProgress: () => process.kill(process.pid, 'SIGKILL') });`;
  const options = ['--import', 'tsx', '--input-type=module', '-e', code, set.path];
  expect(spawnSync(process.execPath, options).signal).toBe('SIGKILL');
  expect(readdirSync(set.path).filter((name) => name.endsWith('.tmp'))).toHaveLength(1);
  const writer = await open(set.path);
  expect(readdirSync(set.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(writer.count).toBe(20);
  await writer.close();
}, 60_000);
