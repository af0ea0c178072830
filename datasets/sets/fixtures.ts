import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/disk/package.ts';
import { readPixels } from '../../src/formats/image.ts';
import type { Dataset, DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import { openFlat } from '../flat.ts';
import { readIdx } from '../idx.ts';
import { fashionClasses } from './fashion-mnist.ts';

/** Where the package keeps its few real pictures; licences in its README. */
function fixtureDirectory(): string {
  return join(packageRoot(), 'test', 'fixtures', 'datasets');
}

const fashionCard: DatasetCard = {
  name: 'fixture-fashion',
  title: 'the first 64 test pictures of Fashion-MNIST, bundled: opens without a fetch',
  source: 'bundled; from Debian dataset-fashion-mnist',
  licence: 'MIT, (c) 2017 Zalando SE',
  redistributable: true,
  sha256: {},
  split: 'train 48, validation 8, test 8, in the order of the file',
  downloadBytes: 0,
};

const emojiCard: DatasetCard = {
  name: 'fixture-emoji',
  title: "32 of Google's emoji, 64 x 64, bundled: opens without a fetch",
  source: 'bundled; test items of the data set emoji',
  licence: 'Apache-2.0, Noto Emoji by Google',
  redistributable: true,
  sha256: {},
  split: 'train 24, validation 4, test 4, in the order of their names',
  downloadBytes: 0,
};

export const fixtureFashion: DatasetEntry = {
  name: 'fixture-fashion',
  card: fashionCard,
  async open(split) {
    const read = async (file: string) =>
      readIdx(await readFile(join(fixtureDirectory(), 'fashion', file))).data;
    return openFlat({
      name: 'fixture-fashion',
      split,
      card: fashionCard,
      shape: [28, 28],
      channels: 1,
      labels: fashionClasses,
      file: await read('images-idx3-ubyte.gz'),
      labelFile: await read('labels-idx1-ubyte.gz'),
      rows: rowsOf(split, 64),
      idOf: (row) => `fixture-fashion/${String(row).padStart(2, '0')}`,
    });
  },
};

export const fixtureEmoji: DatasetEntry = {
  name: 'fixture-emoji',
  card: emojiCard,
  async open(split, { alpha }): Promise<Dataset> {
    const directory = join(fixtureDirectory(), 'emoji');
    const names = (await readdir(directory)).filter((file) => file.endsWith('.png')).sort();
    const channels = alpha === true ? 4 : 3;
    const items = new Uint8Array(names.length * 64 * 64 * channels);
    for (const [i, name] of names.entries()) {
      const { bytes } = await readPixels(await readFile(join(directory, name)), { channels });
      items.set(bytes, i * 64 * 64 * channels);
    }
    return openFlat({
      name: 'fixture-emoji',
      split,
      card: emojiCard,
      shape: [64, 64],
      channels,
      file: items,
      rows: rowsOf(split, names.length),
      idOf: (row) => `fixture-emoji/${names[row]!.slice(0, -4)}`,
    });
  },
};

/** Six eighths, one, one. */
function rowsOf(split: Split, count: number): { first: number; count: number } {
  const eighth = count / 8;
  switch (split) {
    case 'train':
      return { first: 0, count: 6 * eighth };
    case 'validation':
      return { first: 6 * eighth, count: eighth };
    case 'test':
      return { first: 7 * eighth, count: eighth };
    default:
      return split satisfies never;
  }
}
