import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { checkBox, cutBox } from '../src/signal/box.ts';
import { readBox, shapeOfItem } from './crop.ts';
import type { DatasetCard } from './dataset.ts';
import { openFlat } from './flat.ts';
import { openPack } from './pack.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-crop-'));
afterAll(() => rmSync(directory, { recursive: true }));
const card: DatasetCard = {
  name: 'x',
  title: '',
  source: '',
  licence: '',
  redistributable: true,
  sha256: {},
  split: '',
  downloadBytes: 0,
};
const withCode = (code: string) => expect.objectContaining({ code });

test('a box of an array holds what index arithmetic says, on 1, 2 and 3 axes', () => {
  const axis = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 }), fc.nat(3));
  fc.assert(
    fc.property(
      fc.array(axis, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      (axes, channels) => {
        const box = { start: axes.map(([start]) => start), count: axes.map(([, size]) => size) };
        const shape = axes.map(([start, size, rest]) => start + size + rest);
        const count = shape.reduce((product, n) => product * n, channels);
        const values = Float32Array.from({ length: count }, (_, i) => i);
        const want: number[] = [];
        const visit = (depth: number, point: number): void => {
          if (depth === shape.length) {
            for (let c = 0; c < channels; c++) want.push(point * channels + c);
            return;
          }
          for (let k = 0; k < box.count[depth]!; k++)
            visit(depth + 1, point * shape[depth]! + box.start[depth]! + k);
        };
        visit(0, 0);
        expect([...cutBox(values, shape, channels, box)]).toEqual(want);
      },
    ),
  );
});

test('a box that is empty, leaves the item, or has other axes is refused', () => {
  for (const [start, shape] of [
    [
      [0, 0],
      [0, 1],
    ],
    [
      [0, -1],
      [1, 1],
    ],
    [
      [1, 0],
      [2, 1],
    ],
    [[0], [1]],
    [
      [0.5, 0],
      [1, 1],
    ],
  ] as const) {
    expect(() => checkBox({ start, count: shape }, [2, 3])).toThrow(withCode('bad-region'));
  }
});

describe('boxes of data sets', () => {
  const bytes = Uint8Array.from({ length: 2 * 3 * 4 + 3 * 2 }, (_, i) => i * 5);
  const file = join(directory, 'items.bin');
  writeFileSync(file, bytes);

  test('of one shape: whole items and parts', async () => {
    const flat = openFlat({
      name: 'x',
      split: 'train',
      card,
      shape: [3, 4],
      channels: 1,
      file,
      rows: { first: 1, count: 1 },
      idOf: String,
    });
    expect(await shapeOfItem(flat, 0)).toEqual([3, 4]);
    const target = new Float32Array(2);
    readBox(flat, 0, { start: [1, 2], count: [1, 2] }, target);
    expect([...target]).toEqual([18, 19].map((i) => Math.fround((i * 5) / 255)));
    const whole = new Float32Array(12);
    readBox(flat, 0, { start: [0, 0], count: [3, 4] }, whole);
    expect(whole).toEqual(flat.get(0) instanceof Promise ? undefined : (await flat.get(0)).values);
    flat.close();
    flat.close();
    expect(() => flat.get(0)).toThrow(withCode('dataset-closed'));
  });

  test('of different shapes, decoded in one file', async () => {
    const items = [
      { id: 'a', at: 0, shape: [2, 4] },
      { id: 'b', at: 24, shape: [1, 2] },
    ];
    const pack = openPack({ name: 'x', split: 'train', card, channels: 3, file, items });
    expect(await shapeOfItem(pack, 1)).toEqual([1, 2]);
    expect(await pack.get(1)).toMatchObject({ id: 'b', shape: [1, 2], channels: 3 });
    const box = { start: [0, 1], count: [2, 2] };
    expect(pack.cropAt!(0, box)).toEqual(cutBox(bytes.subarray(0, 24), [2, 4], 3, box));
    const rows = { start: [1, 0], count: [1, 4] };
    expect(pack.cropAt!(0, rows)).toEqual(bytes.slice(12, 24));
    const target = new Float32Array(12);
    readBox(pack, 0, box, target);
    expect(target[0]).toBe(Math.fround(15 / 255));
    expect(() => pack.cropAt!(0, { start: [0, 3], count: [1, 2] })).toThrow(withCode('bad-region'));
    expect(() => pack.get(2)).toThrow(withCode('no-item'));
    pack.close();
    expect(() => pack.get(0)).toThrow(withCode('dataset-closed'));
  });

  test('a file that ends early says so', () => {
    const items = [{ id: 'a', at: 8, shape: [3, 4] }];
    const pack = openPack({ name: 'x', split: 'train', card, channels: 3, file, items });
    expect(() => pack.get(0)).toThrow(withCode('truncated'));
    pack.close();
  });
});
