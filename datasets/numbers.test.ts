import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readBox } from './crop.ts';
import type { DatasetCard } from './dataset.ts';
import { joinParts } from './join.ts';
import { NumbersWriter, openNumbers, type Stored } from './numbers.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-numbers-'));
afterAll(() => rmSync(directory, { recursive: true }));
const withCode = (code: string) => expect.objectContaining({ code });
const card: DatasetCard = {
  ...{ name: 'x', title: '', source: '', licence: '', redistributable: true },
  ...{ sha256: {}, split: '', downloadBytes: 0 },
};
const kind = {
  outputs: [{ name: 'sound', low: -1, peak: 2, sample: 'int16' as const }],
  axes: [{ name: 't', unit: 's', start: 0, step: 1 / 8000 }],
};

async function written(stored: Stored) {
  const at = mkdtempSync(join(directory, 'set-'));
  const out = await NumbersWriter.open(at, stored);
  await out.add({ id: 'x/a', shape: [3], split: 'train', label: 7 }, Float32Array.of(-1, 0.5, 0.25));
  await out.add({ id: 'x/b', shape: [2], split: 'test' }, Float32Array.of(0.75, Number.NaN));
  await out.add({ id: 'x/c', shape: [1], split: 'train' }, Float32Array.of(1));
  await out.close();
  return {
    at,
    open: (split: 'train' | 'test') => openNumbers({ name: 'x', split, card, kind, stored, directory: at }),
  };
}

test('items come back as they were written, split by split, with labels and missing values', async () => {
  const { open } = await written('float32');
  const [train, tests] = [open('train'), open('test')];
  expect([train.length, tests.length]).toEqual([2, 1]);
  expect(await train.get(0)).toEqual({
    ...{ id: 'x/a', shape: [3], channels: 1, label: 7 },
    values: Float32Array.of(-1, 0.5, 0.25),
  });
  expect((await tests.get(0)).values).toEqual(Float32Array.of(0.75, Number.NaN));
  const target = new Float32Array(2);
  await readBox(train, 0, { start: [1], count: [2] }, target);
  expect([...target]).toEqual([0.5, 0.25]);
  expect([train.shape, tests.shape, train.idAt!(1), train.kind]).toEqual([undefined, [2], 'x/c', kind]);
  expect(() => train.get(2)).toThrow(withCode('no-item'));
  train.close();
  train.close();
  expect(() => train.get(0)).toThrow(withCode('dataset-closed'));
});

test('whole samples of 16 bits are exact, and a file that ends early says so', async () => {
  const { at, open } = await written('int16');
  const train = open('train');
  expect((await train.get(0)).values).toEqual(Float32Array.of(-1, 0.5, 0.25));
  // As in sound: 1 is not among the samples.
  expect((await train.get(1)).values[0]).toBe(32767 / 32768);
  truncateSync(join(at, 'numbers.bin'), 7);
  expect(() => train.get(1)).toThrow(withCode('truncated'));
});

test('parts that are joined keep what values and coordinates are', async () => {
  const { open } = await written('float32');
  const joined = joinParts([open('train'), open('test')], 'train');
  expect(joined).toMatchObject({ length: 3, split: 'train', kind });
  expect((await joined.get(2)).id).toBe('x/b');
});
