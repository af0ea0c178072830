import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { writeImage } from '../src/formats/image.ts';
import { readBox, shapeOfItem } from './crop.ts';
import { splitByHash } from './folder-files.ts';
import { openDataset } from './registry.ts';

const root = mkdtempSync(join(tmpdir(), 'functa-folder-'));
afterAll(() => rmSync(root, { recursive: true }));
const withCode = (code: string) => expect.objectContaining({ code });
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(root, 'x-'));
});

async function put(file: string, shape: [number, number], value = 0.5): Promise<void> {
  const values = new Float32Array(shape[0] * shape[1] * 3).fill(value);
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), await writeImage({ id: file, shape, channels: 3, values }, 'png'));
}

describe('a folder of pictures', () => {
  test('is divided by its folders train, validation and test; folders below them are labels', async () => {
    await put('train/cat/b.png', [2, 3]);
    await put('train/a.PNG', [1, 1]);
    await put('test/dog/c.png', [4, 4]);
    writeFileSync(join(directory, 'train', 'notes.txt'), 'not a picture');
    const train = await openDataset(`images:${directory}`, 'train');
    expect(train.length).toBe(2);
    expect(await train.get(0)).toMatchObject({ id: 'train/a.PNG', shape: [1, 1], channels: 3 });
    expect(await train.get(1)).toMatchObject({ id: 'train/cat/b.png', label: 'cat', shape: [2, 3] });
    await expect(openDataset('images', 'validation', { path: directory })).rejects.toThrow(
      withCode('empty-split'),
    );
    const all = await openDataset('images', 'all', { path: directory });
    expect(all.length).toBe(3);
    expect(await shapeOfItem(all, 2)).toEqual([4, 4]);
  });

  test('without them is divided by the hash of the path, the same way every time', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `${i}.png`);
    for (const name of names) await put(name, [1, 1]);
    const train = await openDataset(`images:${directory}`, 'train');
    const ids = await Promise.all(
      Array.from({ length: train.length }, async (_, i) => (await train.get(i)).id),
    );
    expect(ids).toEqual(names.filter((name) => splitByHash(name) === 'train').sort());
    expect((await openDataset(`images:${directory}`, 'all')).length).toBe(30);
  });

  test('gives crops and sizes without decoding the same picture twice', async () => {
    await put('test/a.png', [3, 4], 0.2);
    const data = await openDataset(`images:${directory}`, 'test');
    expect(await shapeOfItem(data, 0)).toEqual([3, 4]);
    const target = new Float32Array(2 * 3);
    await readBox(data, 0, { start: [1, 2], count: [1, 2] }, target);
    expect(target[5]).toBe(Math.fround(51 / 255));
    rmSync(join(directory, 'test', 'a.png'));
    expect(await data.get(0)).toMatchObject({ shape: [3, 4] });
    data.close();
    await expect(data.get(0)).rejects.toThrow(withCode('no-file'));
  });

  test('names the file that cannot be decoded, and what to do', async () => {
    mkdirSync(join(directory, 'test'));
    writeFileSync(join(directory, 'test', 'bad.png'), '');
    const data = await openDataset(`images:${directory}`, 'test');
    await expect(data.get(0)).rejects.toThrow(/bad\.png: no bytes/);
    await expect(data.get(0)).rejects.toThrow(withCode('empty-image'));
    await put('test/bad.png', [2, 2]);
    writeFileSync(join(directory, 'test', 'bad.png'), 'not a picture');
    await expect(data.get(0)).rejects.toThrow(/bad\.png: .*; replace it, or take it out of the folder$/);
  });

  test('that is not there, or not said, is a tagged error', async () => {
    await expect(openDataset(`images:${directory}/none`, 'test')).rejects.toThrow(withCode('no-directory'));
    await expect(openDataset('images', 'test')).rejects.toThrow(withCode('no-path'));
  });
});

test('kodak pictures are all for test', async () => {
  await put('kodim01.png', [2, 3]);
  expect((await openDataset(`kodak:${directory}`, 'test')).length).toBe(1);
  await expect(openDataset(`kodak:${directory}`, 'train')).rejects.toThrow(withCode('empty-split'));
  expect((await openDataset(`kodak:${directory}`, 'all')).length).toBe(1);
});
