import { cpSync, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { withLimits } from '../core/limits.ts';
import { claimPath } from './claim.ts';
import { openDatabases } from './databases.ts';
import { openFunctaset } from './store.ts';
import { testFunction, testModulation, testNetwork } from './testing.ts';
import type { Fault, FunctasetOptions, Label, StoredFunction } from './types.ts';

const open = (path: string, options: FunctasetOptions = {}) =>
  openFunctaset(path, { network: testNetwork(), ...options });
const coded = (code: string) => expect.objectContaining({ code });
const series = (n: number) => Array.from({ length: n }, (_, i) => testFunction(i));

test('a function comes back as it was put, at once and after opening again', async () => {
  const path = join(temporary(), 'set');
  const set = await open(path);
  expect(set.info).toEqual({ format: 2, ...testNetwork() });
  await set.put(testFunction(3));
  expect(set.get('item-000003')).toEqual(testFunction(3));
  expect(set.has('item-000003')).toBe(true);
  expect(set.has('item-000004')).toBe(false);
  expect(set.get('item-000004')).toBeUndefined();
  await set.close();

  const again = await openFunctaset(path, { readOnly: true });
  expect(again.get('item-000003')).toEqual(testFunction(3));
  expect(again.count).toBe(1);
  await again.close();
});

test('what is got is the caller’s own', async () => {
  const set = await open(temporary());
  await set.putMany(series(3));
  const { content } = set.get('item-000001')!;
  set.get('item-000002');
  if (content.kind === 'file') content.bytes.fill(9);
  expect(set.get('item-000001')).toEqual(testFunction(1));
  const all = [...set.iterate()];
  expect(all).toEqual(series(3));
  await set.close();
  expect(all).toEqual(series(3));
});

test('functions of every size come back, across pages of the store and shared buffers', async () => {
  const set = await open(temporary(), { lengthOf: (shape) => shape[0]! });
  const sizes = [1, 500, 1000, 1020, 4000, 8191, 8192, 8193, 50_000];
  const fns = sizes.map((n, i) =>
    testFunction(i, {
      shape: [n],
      content: i % 2 === 0 ? testModulation(n) : { kind: 'file', bytes: new Uint8Array(n).fill(i) },
    }),
  );
  await set.putMany(fns);
  expect([...set.iterate()]).toEqual(fns);
  expect((await set.verify()).ok).toBe(true);
  await set.close();
});

test('iteration goes in order of ids, over pages, from any place and to any length', async () => {
  const set = await open(temporary());
  await set.putMany(series(200).reverse());
  const ids = series(200).map(({ id }) => id);
  expect([...set.iterate()].map(({ id }) => id)).toEqual(ids);
  expect([...set.iterate({ after: 'item-000063', limit: 70 })].map(({ id }) => id)).toEqual(
    ids.slice(64, 134),
  );
  expect([...set.iterate({ after: 'item-000198x' })].map(({ id }) => id)).toEqual(ids.slice(199));
  expect([...set.iterate({ limit: 0 })]).toEqual([]);
  const summary = [...set.summaries({ limit: 1 })];
  expect(summary).toEqual([
    { id: ids[0], shape: [4, 4], psnrDb: 20, bits: 64, codedBytes: 5, modulationBytes: 0 },
  ]);
  await set.close();
});

test('writing while iterating neither breaks nor repeats', async () => {
  const set = await open(temporary());
  await set.putMany(series(100));
  const seen: string[] = [];
  for (const { id } of set.iterate()) {
    seen.push(id);
    if (seen.length === 10) await set.putMany(series(300).slice(200));
    if (seen.length === 20) await set.delete('item-000099');
  }
  expect(seen.length).toBe(199);
  expect(new Set(seen).size).toBe(199);
  await set.close();
});

test('labels find their functions and no others', async () => {
  const set = await open(temporary());
  const labels = [0, -1, 1.5, 1e21, 2 ** 32, '0', '-1', 'a', 'ab', 'a b', 'ä', '🙂', 'a'.repeat(255)];
  const fns = labels.flatMap((label, k) =>
    Array.from({ length: k === 0 ? 150 : 2 }, (_, i) => testFunction(1000 * k + i, { label })),
  );
  await set.putMany(fns);
  for (const label of labels) {
    const wanted = fns.filter((fn) => String(fn.label) === String(label));
    expect([...set.byLabel(label)]).toEqual(wanted);
    expect([...set.byLabel(label, { after: wanted[0]!.id, limit: 100 })]).toEqual(wanted.slice(1, 101));
  }
  expect([...set.byLabel('b')]).toEqual([]);
  expect([...set.summaries({ label: 'ab' })]).toHaveLength(2);
  expect((await set.stats()).labels).toContainEqual({ label: 0, functions: 150 });
  expect((await set.verify()).faults).toEqual([]);
  await set.close();
});

test('of equal ids in one call the last one stays where it is to replace, as in two calls', async () => {
  const set = await open(temporary());
  const [old, now] = [testFunction(1, { label: 'old' }), testFunction(1, { label: 'new' })];
  await expect(set.putMany([old, now])).rejects.toMatchObject({ code: 'function-exists' });
  expect(set.count).toBe(0);
  await set.putMany([old, now], { replace: true });
  expect([set.count, set.get(now.id)!.label]).toEqual([1, 'new']);
  expect([...set.byLabel('old')]).toEqual([]);
  await set.close();
});

test('an id is put once, unless it is to replace; the index follows', async () => {
  const set = await open(temporary());
  await set.put(testFunction(1, { label: 'old' }));
  await expect(set.put(testFunction(1))).rejects.toThrow(coded('function-exists'));
  await set.put(testFunction(1, { label: 'new' }), { replace: true });
  expect([...set.byLabel('old')]).toEqual([]);
  expect([...set.byLabel('new')]).toHaveLength(1);
  expect(await set.delete('item-000001')).toBe(true);
  expect(await set.delete('item-000001')).toBe(false);
  expect([...set.byLabel('new')]).toEqual([]);
  expect(set.count).toBe(0);
  expect((await set.verify()).ok).toBe(true);
  await set.close();
});

test('many are put all or none', async () => {
  const set = await open(temporary());
  await set.put(testFunction(5));
  await expect(set.putMany(series(10))).rejects.toThrow(coded('function-exists'));
  await expect(set.putMany([testFunction(1), testFunction(1)])).rejects.toThrow(coded('function-exists'));
  await expect(set.putMany([testFunction(1), testFunction(2, { bits: -1 })])).rejects.toThrow(
    coded('bad-function'),
  );
  expect(set.count).toBe(1);
  expect((await set.verify()).ok).toBe(true);
  await set.put(testFunction(6));
  expect(set.getMany(['item-000006', 'nobody', 'item-000005'])).toEqual([
    testFunction(6),
    undefined,
    testFunction(5),
  ]);
  await set.close();
});

test('a modulation of the wrong length is refused, by the default shape or by the rule given', async () => {
  const set = await open(temporary());
  const short = testFunction(1, { content: testModulation(19) });
  await expect(set.put(short)).rejects.toThrow(coded('bad-function'));
  await set.put({ ...short, shape: [4, 5] });
  await set.close();
  const strict = await open(set.path, { lengthOf: () => 20, limits: withLimits({ maxSymbols: 20 }) });
  await expect(strict.put({ ...short, shape: [4, 5] })).rejects.toThrow(coded('bad-function'));
  const report = await strict.verify();
  expect(report).toMatchObject({ ok: false, functions: 1, faultCount: 1 });
  expect(report.faults[0]).toMatchObject({ id: 'item-000001', code: 'record-length' });
  await strict.close();
});

test('a functaset of another network is a conflict that names both', async () => {
  const set = await open(temporary());
  await set.close();
  const other = openFunctaset(set.path, { network: testNetwork('2') });
  await expect(other).rejects.toThrow(coded('functaset-network'));
  await expect(other).rejects.toThrow(/network 1111111111111111 .* not of 2222222222222222 /);
  // The same network with other priors: another model, and at home here.
  await (await openFunctaset(set.path, { network: { ...testNetwork(), modelId: 'c'.repeat(64) } })).close();
});

test('what is not there, or is something else, is said to be so', async () => {
  const directory = temporary();
  await expect(openFunctaset(join(directory, 'none'))).rejects.toThrow(coded('functaset-missing'));
  await expect(open(join(directory, 'none'), { readOnly: true })).rejects.toThrow(coded('functaset-missing'));
  expect(existsSync(join(directory, 'none'))).toBe(false);

  for (const bytes of [1, 20, 20_000]) {
    writeFileSync(join(directory, 'data.mdb'), 'x'.repeat(bytes));
    await expect(open(directory)).rejects.toThrow(coded('functaset-damaged'));
  }

  const foreign = join(directory, 'foreign');
  const databases = openDatabases(foreign, false, true);
  await databases.root.close();
  await expect(openFunctaset(foreign)).rejects.toThrow(coded('functaset-missing'));
  await expect(openFunctaset(foreign, { readOnly: true })).rejects.toThrow(coded('functaset-missing'));

  const file = join(directory, 'file');
  writeFileSync(file, 'x');
  await expect(open(file)).rejects.toThrow(expect.objectContaining({ kind: 'environment' }));
  await expect(
    open(join(directory, 'x'), { network: { ...testNetwork(), networkId: 'short' } }),
  ).rejects.toThrow(coded('bad-network'));
});

test('a store that was cut off is damaged, wherever the cut is, and an empty one is filled', async () => {
  const set = await open(temporary());
  await set.putMany(series(300));
  await set.close();
  const { size } = statSync(join(set.path, 'data.mdb'));
  for (const left of [0.9999, 0.5, 0.1, 8192 / size, 5000 / size, 100 / size]) {
    const cut = temporary();
    cpSync(set.path, cut, { recursive: true });
    truncateSync(join(cut, 'data.mdb'), Math.floor(size * left));
    await expect(open(cut)).rejects.toThrow(coded('functaset-damaged'));
    await expect(open(cut, { readOnly: true })).rejects.toThrow(coded('functaset-damaged'));
  }
  const empty = temporary();
  writeFileSync(join(empty, 'data.mdb'), '');
  await (await open(empty)).close();
});

test('one writer, any number of readers, also within one process', async () => {
  const set = await open(temporary());
  await expect(open(set.path)).rejects.toThrow(coded('functaset-busy'));
  const reader = await open(set.path, { readOnly: true });
  await set.putMany(series(500));
  // A reader keeps what it sees for one turn of the event loop.
  await vi.waitFor(() => expect(reader.count).toBe(500));
  expect(reader.get('item-000400')).toEqual(testFunction(400));
  await expect(reader.put(testFunction(1000))).rejects.toThrow(coded('functaset-read-only'));
  await set.close();
  expect(existsSync(claimPath(set.path))).toBe(false);
  const next = await open(set.path);
  expect([...reader.iterate()]).toHaveLength(500);
  await next.close();
  await reader.close();
});

test.each(['nobody', 'the writer', 'a reader', 'an iteration'] as const)(
  'a store that is written over and over does not grow, while %s reads',
  async (who) => {
    const set = await open(temporary());
    await set.putMany(series(300));
    const reader = await open(set.path, { readOnly: true });
    const iterating = reader.iterate();
    const before = statSync(join(set.path, 'data.mdb')).size;
    for (let round = 0; round < 100; round++) {
      await set.putMany(series(10 + (round % 40)), { replace: true });
      if (who === 'the writer') set.get('item-000001');
      if (who === 'a reader') reader.get('item-000001');
      if (who === 'an iteration') iterating.next();
    }
    expect(statSync(join(set.path, 'data.mdb')).size).toBeLessThan(before + 2 ** 17);
    await reader.close();
    await set.close();
  },
);

test('a writer may come after a reader of the same process', async () => {
  const path = temporary();
  await (await open(path)).close();
  const reader = await open(path, { readOnly: true });
  const writer = await open(path);
  await writer.put(testFunction(1));
  await reader.close();
  await writer.put(testFunction(2));
  expect(writer.count).toBe(2);
  await writer.close();
});

test('after close every call is a conflict, and closing again is nothing', async () => {
  const set = await open(temporary());
  await set.put(testFunction(1));
  const iterating = set.iterate();
  await set.close();
  await set.close();
  await expect(set.put(testFunction(2))).rejects.toThrow(coded('functaset-closed'));
  expect(() => set.get('item-000001')).toThrow(coded('functaset-closed'));
  expect(() => set.count).toThrow(coded('functaset-closed'));
  expect(() => [...iterating]).toThrow(coded('functaset-closed'));
});

test('the figures of a functaset are those of its functions', async () => {
  const set = await open(temporary());
  expect(await set.stats()).toMatchObject({ functions: 0, labels: [], meanBits: null, meanPsnrDb: null });
  await set.putMany(series(8));
  const progress: number[] = [];
  expect(await set.stats({ onProgress: (done, total) => progress.push(done, total) })).toMatchObject({
    functions: 8,
    labels: [
      { label: 0, functions: 2 },
      { label: 1, functions: 2 },
      { label: 2, functions: 2 },
    ],
    modulationBytes: 0,
    codedBytes: 52,
    meanBits: 67.5,
    meanPsnrDb: 20.4375,
  });
  expect(progress).toEqual([8, 8]);
  const stop = AbortSignal.abort();
  await expect(set.verify({ signal: stop })).rejects.toThrow(coded('aborted'));
  await set.close();
});

test('verify finds a flipped bit, a foreign record, a NaN, and an index that lies', async () => {
  const set = await open(temporary());
  await set.putMany(series(300));
  await set.close();

  const { root, functions, labels } = openDatabases(set.path, false, false);
  root.transactionSync(() => {
    const flipped = functions.get('item-000010')!.slice();
    flipped[12]! ^= 4;
    functions.put('item-000010', flipped);
    functions.put('item-000020', functions.get('item-000023')!.slice());
    functions.put('cut', new Uint8Array(3));
    labels.remove([testFunction(31).label!, 'item-000031']);
    labels.put([7, 'item-000032'], new Uint8Array(0));
    labels.put([7, 'nobody'], new Uint8Array(0));
    labels.put('odd' as never, new Uint8Array(0));
    functions.put(5 as never, new Uint8Array(0));
  });
  await root.close();

  const damaged = await openFunctaset(set.path, { readOnly: true });
  const report = await damaged.verify();
  expect(report).toMatchObject({ ok: false, functions: 302 });
  const found = report.faults.map(({ id, code }) => `${id}: ${code}`).sort();
  expect(found).toEqual([
    '5: record-key',
    'cut: truncated',
    'item-000010: record-checksum',
    'item-000020: record-checksum',
    'item-000031: index-missing',
    'item-000032: index-label',
    'nobody: index-orphan',
    'odd: index-key',
  ]);
  expect(() => damaged.get('item-000010')).toThrow(coded('function-damaged'));
  expect(() => [...damaged.iterate({ after: 'item-000005', limit: 9 })]).toThrow(coded('function-damaged'));
  expect(damaged.get('item-000011')).toEqual(testFunction(11));
  await damaged.close();
});

test('a damaged function is told of and left out, where that is asked for, and can be replaced or deleted', async () => {
  const set = await open(temporary());
  await set.putMany(series(30));
  await set.close();
  const { root, functions } = openDatabases(set.path, false, false);
  root.transactionSync(() => {
    for (const id of ['item-000010', 'item-000011']) {
      const flipped = functions.get(id)!.slice();
      flipped[20]! ^= 4;
      functions.put(id, flipped);
    }
  });
  await root.close();
  const damaged = await open(set.path);
  const told: string[] = [];
  const onDamaged = ({ id, code }: Fault) => told.push(`${id} ${code}`);
  const whole = series(30).filter((_, i) => i !== 10 && i !== 11);
  const both = ['item-000010 record-checksum', 'item-000011 record-checksum'];
  expect([...damaged.iterate({ onDamaged })]).toEqual(whole);
  expect(told.splice(0)).toEqual(both);
  expect([...damaged.summaries({ onDamaged })]).toHaveLength(28);
  expect(told.splice(0)).toEqual(both);
  expect([...damaged.byLabel(1, { onDamaged })].length).toBe(
    series(30).filter(({ label }) => label === 1).length - 1,
  );
  expect(told.splice(0)).toEqual(['item-000010 record-checksum']);
  expect(damaged.getMany(['item-000009', 'item-000010'], { onDamaged })).toEqual([
    testFunction(9),
    undefined,
  ]);
  expect(told).toEqual(['item-000010 record-checksum']);
  await damaged.put(testFunction(10, { label: 'mended' }), { replace: true });
  expect(await damaged.delete('item-000011')).toBe(true);
  expect(await damaged.verify()).toMatchObject({ ok: true, functions: 29 });
  expect([...damaged.summaries({ label: 'mended' })]).toHaveLength(1);
  await damaged.close();
});

test('concurrent puts all arrive', async () => {
  const set = await open(temporary());
  await Promise.all(series(50).map((fn: StoredFunction) => set.put(fn)));
  expect([...set.iterate()]).toEqual(series(50));
  await set.close();
});

test('a label is found by the text it has, whether it was put as a number or as a text', async () => {
  const set = await open(temporary());
  const labels = [7, '7', '007', -0, 0, '0', '-0', 1e3, '1e3', 0.1, '0.10', -2.5, '-2.5', 1e21, 'shoe'];
  const fns = labels.map((label, i) => testFunction(i, { label }));
  await set.putMany(fns);
  const ids = (label: Label) => [...set.byLabel(label)].map(({ id }) => id);
  for (const label of labels) {
    const text = Object.is(label, -0) ? '0' : String(label);
    const wanted = fns.filter((_, i) => (Object.is(labels[i], -0) ? '0' : String(labels[i])) === text);
    expect(ids(label)).toEqual(wanted.map(({ id }) => id));
    expect(ids(text)).toEqual(ids(label));
    expect([...set.summaries({ label: text })].map(({ id }) => id)).toEqual(ids(label));
  }
  expect(ids('7')).toHaveLength(2);
  expect(ids(0)).toHaveLength(3);
  expect(ids('1e+21')).toHaveLength(1);
  expect(ids('7.0')).toEqual([]);
  expect((await set.verify()).faults).toEqual([]);
  const { labels: counted } = await set.stats();
  expect(counted.find(({ label }) => label === 0)).toEqual({ label: 0, functions: 2 });

  // Pages come to each once, in order of ids, though two labels stand apart in the index.
  const many = Array.from({ length: 300 }, (_, i) => testFunction(1000 + i, { label: i % 2 ? 5 : '5' }));
  await set.putMany(many);
  expect(ids('5')).toEqual(many.map(({ id }) => id));
  expect([...set.byLabel('5', { after: many[99]!.id, limit: 150 })].map(({ id }) => id)).toEqual(
    many.slice(100, 250).map(({ id }) => id),
  );

  for (const { id } of fns) await set.delete(id);
  expect(ids(0)).toEqual([]);
  expect((await set.verify()).ok).toBe(true);
  await set.close();
});

test('a zero with a sign, which was taken once, is told by verify and gone when its function is put again', async () => {
  const path = temporary();
  const set = await open(path);
  await set.put(testFunction(1, { label: -0 }));
  expect(set.get('item-000001')!.label).toBe(0);
  await set.close();
  const databases = openDatabases(path, false, false);
  databases.labels.removeSync([0, 'item-000001']);
  databases.labels.putSync([-0, 'item-000001'], new Uint8Array(0));
  await databases.root.close();
  const again = await open(path);
  expect((await again.verify()).faults.map(({ code }) => code)).toEqual(['index-missing', 'index-key']);
  await again.put(testFunction(1, { label: 0 }), { replace: true });
  expect((await again.verify()).faults).toEqual([]);
  expect([...again.byLabel('0')].map(({ id }) => id)).toEqual(['item-000001']);
  await again.close();
});
