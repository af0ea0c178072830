import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../src/disk/package.ts';
import type { Split } from './dataset.ts';
import { fetchDataset, listDatasets, openDataset } from './registry.ts';

const withCode = (code: string) => expect.objectContaining({ code });
const nowhere = { cacheDir: '/nowhere' };

describe('the registry', () => {
  test('lists every data set with its card and its state', () => {
    const states = Object.fromEntries(listDatasets(nowhere).map(({ name, state }) => [name, state]));
    expect(states).toEqual({
      cifar10: 'fetch',
      'fashion-mnist': 'fetch',
      emoji: 'fetch',
      'emoji-32': 'fetch',
      'emoji-64': 'fetch',
      photos: 'fetch',
      'photos-128': 'fetch',
      speech: 'fetch',
      'speech-short': 'fetch',
      fsdd: 'path',
      digits: 'path',
      climate: 'fetch',
      elevation: 'fetch',
      shapes: 'fetch',
      volume: 'fetch',
      images: 'path',
      kodak: 'path',
      signals: 'path',
      'fixture-fashion': 'ready',
      'fixture-emoji': 'ready',
    });
  });

  test('has a card in prose for each of them', () => {
    for (const { name, card } of listDatasets(nowhere)) {
      const file = `${name.replace(/^(emoji|photos|speech)-\w+$/, '$1').replace(/^fixture-.*$/, 'fixtures')}.md`;
      expect(existsSync(join(packageRoot(), 'datasets', 'cards', file)), file).toBe(true);
      expect(card).toMatchObject({
        name,
        licence: expect.stringMatching(/./),
        source: expect.stringMatching(/./),
      });
    }
  });

  test('names what is known when asked for what is not', async () => {
    await expect(openDataset('cifar', 'train')).rejects.toThrow(
      /no data set is called cifar; there are cifar10, /,
    );
    await expect(fetchDataset('cifar')).rejects.toThrow(withCode('unknown-dataset'));
    await expect(openDataset('cifar10', 'valid' as Split)).rejects.toThrow(withCode('unknown-split'));
  });

  test('says how a folder is named when given only where it is', async () => {
    const folder = import.meta.dirname;
    await expect(openDataset(folder, 'train')).rejects.toThrow(`this folder say images:${folder}`);
  });

  test('says how to fetch what is not here, and that a folder is not fetched', async () => {
    await expect(openDataset('cifar10', 'train', nowhere)).rejects.toThrow(/run: functa data fetch cifar10/);
    await expect(fetchDataset('images')).rejects.toThrow(withCode('nothing-to-fetch'));
  });
});

describe('bundled pictures', () => {
  test.each([
    ['fixture-fashion', [28, 28], 1, [48, 8, 8]],
    ['fixture-emoji', [64, 64], 3, [24, 4, 4]],
  ] as const)('%s opens without a fetch', async (name, shape, channels, lengths) => {
    await fetchDataset(name);
    const parts = await Promise.all(
      (['train', 'validation', 'test'] as const).map((split) => openDataset(name, split, nowhere)),
    );
    expect(parts.map(({ length }) => length)).toEqual(lengths);
    const all = await openDataset(name, 'all', nowhere);
    const ids = await Promise.all(Array.from({ length: all.length }, async (_, i) => (await all.get(i)).id));
    expect(new Set(ids).size).toBe(lengths[0] + lengths[1] + lengths[2]);
    const last = await parts[2]!.get(lengths[2] - 1);
    expect(last).toMatchObject({ shape, channels, id: ids.at(-1) });
    expect(all.bytesAt!(all.length - 1)).toEqual(parts[2]!.bytesAt!(lengths[2] - 1));
    expect(last.values).toEqual(Float32Array.from(all.bytesAt!(all.length - 1), (byte) => byte / 255));
    expect(() => all.get(all.length)).toThrow(withCode('no-item'));
    expect(() => parts[0]!.get(0.5)).toThrow(withCode('no-item'));
    all.close();
    expect(() => all.get(0)).toThrow(withCode('dataset-closed'));
  });

  test('an item is a copy: writing into it changes nothing for the next reader', async () => {
    const data = await openDataset('fixture-fashion', 'train');
    data.bytesAt!(0).fill(7);
    expect(data.bytesAt!(0).every((byte) => byte === 7)).toBe(false);
  });

  test('emoji keep their transparency when asked', async () => {
    const rgba = await openDataset('fixture-emoji', 'test', { alpha: true });
    expect(rgba.channels).toBe(4);
    expect((await rgba.get(0)).values[3]).toBe(0);
  });
});
