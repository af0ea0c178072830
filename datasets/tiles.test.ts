import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { DatasetCard } from './dataset.ts';
import { openPack } from './pack.ts';
import { openTiles } from './tiles.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-tiles-'));
afterAll(() => rmSync(directory, { recursive: true }));

const card: DatasetCard = {
  name: 'squares',
  title: '',
  source: '',
  licence: '',
  redistributable: true,
  sha256: {},
  split: '',
  downloadBytes: 0,
};

test('pictures of different sizes give whole squares, row by row, as far apart as asked, and nothing of their edges', async () => {
  const file = join(directory, 'pictures.bin');
  const samples = Uint8Array.from({ length: 5 * 4 + 2 * 2 + 1 * 9 }, (_, i) => i);
  writeFileSync(file, samples);
  const items = [
    { id: 'a', at: 0, shape: [5, 4] },
    { id: 'b', at: 20, shape: [2, 2] },
    { id: 'too low', at: 24, shape: [1, 9] },
  ];
  const pictures = openPack({ name: 'pictures', split: 'train', card, channels: 1, file, items });
  const tiles = await openTiles(pictures, card, 2, [2, 1, 2]);
  expect([tiles.name, tiles.length, tiles.shape]).toEqual(['squares', 5, [2, 2]]);
  const found = [];
  for (let i = 0; i < tiles.length; i++)
    found.push((await tiles.get(i)).values.map((v) => Math.round(v * 255)));
  expect(found.map((values) => [...values])).toEqual([
    [0, 1, 4, 5],
    [2, 3, 6, 7],
    [8, 9, 12, 13],
    [10, 11, 14, 15],
    [20, 21, 22, 23],
  ]);
  await expect(tiles.get(5)).rejects.toMatchObject({ code: 'no-item' });
  tiles.close();
});
