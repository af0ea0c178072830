import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { IdTable, readIndex, writeIndex } from './index-file.ts';
import { Vectors } from './vectors.ts';

test('an index file with any byte edited is no index', () => {
  const path = join(temporary(), 'near-values.index');
  const vectors = new Vectors(3, 2);
  vectors.set(0, Float32Array.from([1, 2, 3, 4, 5, 6]));
  const embedding = {
    metric: 'values' as const,
    inputs: 4,
    dimensions: 2,
    terms: 1,
    quality: 50,
    mean: new Float32Array(4).fill(0.5),
    projection: new Float32Array(4).fill(0.25),
  };
  writeIndex(path, {
    stamp: 'of this store',
    embedding,
    ids: IdTable.of(['a', 'bü', 'c']),
    vectors,
    damaged: [],
  });
  const whole = readFileSync(path);
  expect(readIndex(path, 'of this store')).toBeDefined();
  for (let at = 0; at < whole.length; at++) {
    const bad = Buffer.from(whole);
    bad[at]! ^= 1 + (at % 255);
    writeFileSync(path, bad);
    expect(readIndex(path, 'of this store'), `byte ${at}`).toBeUndefined();
  }
});

test('a function is found by its id among the rows, in the order of the bytes of ids', () => {
  const ids = ['!', 'A', 'a', 'a b', 'aa', 'b', 'ä', '\ud7ff', '\uffee', '\u{1f600}'];
  const table = IdTable.of([...ids, '', '']);
  expect([table.count, table.named, IdTable.of([]).named]).toEqual([12, 10, 0]);
  expect(ids.map((id) => table.rowOf(id))).toEqual(ids.map((_, row) => row));
  for (const absent of ['', ' ', 'ab', 'z', '\u{1f601}']) expect(table.rowOf(absent)).toBeUndefined();
  expect([table.rowOf('a', 2), table.rowOf('a', 3)]).toEqual([2, undefined]);
});
