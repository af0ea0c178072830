import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadStreamError } from '../../src/core/errors.ts';
import { compositeOnWhite, readPixels } from '../../src/formats/image.ts';
import type { Dataset, DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { discardDownload, type PackageSource, packageFile } from '../fetch/package-file.ts';
import { readTarball } from '../fetch/tar.ts';
import { openFlat } from '../flat.ts';
import { splitByHash } from '../folder-files.ts';

const source: PackageSource = {
  kind: 'npm',
  name: 'emoji-datasource-google',
  version: '16.0.0',
  sha256: 'fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438',
  bytes: 74_344_091,
};

const itemCount = 3786;

function cardOf(name: string, size: number): DatasetCard {
  return {
    name,
    title: `Google's emoji: 3,786 colour drawings of ${size} x ${size} in 10 categories`,
    source: 'npm emoji-datasource-google@16.0.0; the drawings are Noto Emoji by Google',
    licence: 'Apache-2.0 (drawings), MIT (package)',
    redistributable: true,
    sha256: { 'emoji-datasource-google-16.0.0.tgz': source.sha256! },
    split:
      'by the hash of the base code point: train 8 tenths of them, validation 1, test 1; people always train',
    downloadBytes: source.bytes,
  };
}

/** Emoji of one size; `emoji` is `emoji-64`. */
export const emojiSets: readonly DatasetEntry[] = [
  entry('emoji', 64),
  entry('emoji-32', 32),
  entry('emoji-64', 64),
];

function entry(name: string, size: 32 | 64): DatasetEntry {
  const card = cardOf(name, size);
  return {
    name,
    card,
    directory: 'emoji',
    layout: 1,
    fetch: fetchEmoji,
    open: (split, { directory, alpha }) => openEmoji(name, size, card, split, directory, alpha === true),
  };
}

interface EmojiIndex {
  readonly categories: readonly string[];
  /** File names without suffix (code points in hex, joined by -), in the order of the items. */
  readonly names: readonly string[];
}

function openEmoji(
  name: string,
  size: number,
  card: DatasetCard,
  split: Split,
  directory: string,
  alpha: boolean,
): Dataset {
  const { names, categories } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as EmojiIndex;
  return openFlat({
    name,
    split,
    card,
    shape: [size, size],
    channels: alpha ? 4 : 3,
    labels: categories,
    file: join(directory, `rgba-${size}.bin`),
    labelFile: join(directory, 'labels'),
    rows: names.flatMap((emoji, row) => (emojiSplit(emoji) === split ? [row] : [])),
    idOf: (row) => `${name}/${names[row]}`,
    storedChannels: 4,
    ...(alpha ? {} : { convert: compositeOnWhite }),
  });
}

/** Man, woman, person, boy, girl, the elderly, couples and families: drawings that differ in a hat or a skin. */
const people = new Set(
  '1f466 1f467 1f468 1f469 1f46a 1f46b 1f46c 1f46d 1f474 1f475 1f48f 1f491 1f9d1 1f9d2 1f9d3'.split(' '),
);

/** The split of an emoji, by its first code point: variants by skin, sex or profession stay together. */
export function emojiSplit(name: string): Split {
  const base = name.split('-')[0]!;
  return people.has(base) ? 'train' : splitByHash(`emoji/${base}`);
}

async function fetchEmoji(context: FetchContext): Promise<void> {
  const file = await packageFile(source, context);
  context.step('convert', `${itemCount} drawings to flat files`);
  const items = new Map<string, Uint8Array>();
  let list: Uint8Array | undefined;
  const prefix = 'package/img/google/64/';
  const want = (path: string) =>
    (path.startsWith(prefix) && path.endsWith('.png')) || path === 'package/emoji.json';
  const use = async (path: string, bytes: Uint8Array) => {
    if (!path.endsWith('.png')) {
      list = bytes;
      return;
    }
    const pixels = await readPixels(bytes, { channels: 'rgba' });
    if (pixels.shape.join() !== '64,64') {
      throw new BadStreamError('bad-sheet', 0, `${path} is ${pixels.shape.join(' x ')}, not 64 x 64`);
    }
    items.set(path.slice(prefix.length, -4), clearHidden(pixels.bytes));
    if (items.size % 64 === 0 || items.size === itemCount)
      context.progress('convert', items.size, itemCount, 'items');
  };
  await readTarball(file, want, use, { maxFileBytes: 16 << 20, signal: context.signal });
  if (items.size !== itemCount || list === undefined) {
    throw new BadStreamError('missing-item', 0, `${file}: ${items.size} of ${itemCount} drawings found`);
  }
  await writeItems(context.directory, items, list);
  await discardDownload(file, context);
}

async function writeItems(
  directory: string,
  items: ReadonlyMap<string, Uint8Array>,
  list: Uint8Array,
): Promise<void> {
  const names = [...items.keys()].sort();
  const categoryOf = readCategories(list);
  const categories = [...new Set(categoryOf.values())].sort();
  const labels = names.map((name) => categories.indexOf(categoryOf.get(name) ?? ''));
  if (labels.includes(-1)) {
    throw new BadStreamError('bad-labels', 0, `emoji.json does not list ${names[labels.indexOf(-1)]}`);
  }
  const large = new Uint8Array(names.length * 64 * 64 * 4);
  const small = new Uint8Array(names.length * 32 * 32 * 4);
  names.forEach((name, row) => {
    const rgba = items.get(name)!;
    large.set(rgba, row * 64 * 64 * 4);
    small.set(halve(rgba, 64), row * 32 * 32 * 4);
  });
  await writeFile(join(directory, 'rgba-64.bin'), large);
  await writeFile(join(directory, 'rgba-32.bin'), small);
  await writeFile(join(directory, 'labels'), Uint8Array.from(labels));
  await writeFile(join(directory, 'index.json'), JSON.stringify({ categories, names } satisfies EmojiIndex));
}

function readCategories(list: Uint8Array): Map<string, string> {
  interface Listed {
    image: string;
    category: string;
    skin_variations?: Record<string, { image: string }>;
  }
  const categories = new Map<string, string>();
  for (const { image, category, skin_variations } of JSON.parse(new TextDecoder().decode(list)) as Listed[]) {
    for (const each of [{ image }, ...Object.values(skin_variations ?? {})]) {
      categories.set(each.image.replace(/\.png$/, ''), category);
    }
  }
  return categories;
}

/** Colour under full transparency is left over from drawing and means nothing: to 0, in place. */
function clearHidden(rgba: Uint8Array): Uint8Array {
  for (let p = 0; p < rgba.length; p += 4) if (rgba[p + 3] === 0) rgba.fill(0, p, p + 3);
  return rgba;
}

/** Means of 2 x 2, colours weighed by their alpha; [size, size, 4] to [size / 2, size / 2, 4]. */
export function halve(rgba: Uint8Array, size: number): Uint8Array {
  const half = size / 2;
  const out = new Uint8Array(half * half * 4);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const first = (2 * y * size + 2 * x) * 4;
      const four = [first, first + 4, first + size * 4, first + size * 4 + 4];
      const alpha = four.reduce((sum, p) => sum + rgba[p + 3]!, 0);
      const at = (y * half + x) * 4;
      out[at + 3] = Math.floor(alpha / 4 + 0.5);
      if (out[at + 3] === 0) continue;
      for (let c = 0; c < 3; c++) {
        const weighed = four.reduce((sum, p) => sum + rgba[p + c]! * rgba[p + 3]!, 0);
        out[at + c] = Math.floor(weighed / alpha + 0.5);
      }
    }
  }
  return out;
}
