import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, BadStreamError, EnvironmentError } from '../../src/core/errors.ts';
import { readPixels } from '../../src/formats/image.ts';
import type { Dataset, DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { openPack, type PackItem } from '../pack.ts';
import { openTiles } from '../tiles.ts';
import { photoFiles } from './photo-files.ts';

/** Releases may repack, so the digests of `photoFiles` are of the pictures. */
const sources: readonly PackageSource[] = [
  { kind: 'debian', name: 'mate-backgrounds', bytes: 46_638_500 },
  { kind: 'debian', name: 'lomiri-wallpapers-16.04', bytes: 15_783_184 },
  { kind: 'debian', name: 'lomiri-wallpapers-20.04', bytes: 11_377_208 },
  { kind: 'debian', name: 'plasma-workspace-wallpapers', bytes: 94_047_772 },
  { kind: 'debian', name: 'scratch', bytes: 25_654_320 },
];

const testPhotos: readonly string[] = ['LadyBird', 'Storm', 'EveningGlow'];
const validationPhotos: readonly string[] = [
  'Kleiber_by_Lukas_Baubkus',
  'picosdeeuropa_by_Aitzol_Berasategi',
  ...['baseball-field', 'castle', 'grand-canyon', 'kitchen', 'route66', 'wooden-house'],
];

const card: DatasetCard = {
  name: 'photos',
  title:
    'Photos: 85 photographs and pictures of 0.2 to 1.6 megapixels, and their halves and quarters, for training on crops',
  source:
    'Debian mate-backgrounds (nature, 12), lomiri-wallpapers-16.04 (12) and -20.04 (4), plasma-workspace-wallpapers (10), downscaled 2 to 5 times; scratch (backgrounds, 47)',
  licence:
    'GPL-2+ (mate-backgrounds, plasma-workspace-wallpapers), CC0, CC-BY-4.0, CC-BY-SA-3.0 and -4.0 (lomiri-wallpapers), CC-BY-SA-3.0 (scratch)',
  redistributable: true,
  sha256: photoFiles,
  split: `test ${testPhotos.join(', ')}; validation ${validationPhotos.join(', ')}; train the other ${Object.keys(photoFiles).length - testPhotos.length - validationPhotos.length}`,
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

/** photos.bin holds the decoded pictures one after the other, [height, width, 3]; index.json says where. */
const photos: DatasetEntry = {
  name: card.name,
  directory: 'photos',
  layout: 4,
  card,
  fetch: fetchPhotos,
  open: (split, { directory }) => openPhotos(split, directory, itemsOf(split, directory)),
};

const tileCard: DatasetCard = {
  ...card,
  name: 'photos-128',
  title: 'Squares of 128 x 128 of the photos: many small items for priors and validation',
};

export const photoSets: readonly DatasetEntry[] = [
  photos,
  {
    ...photos,
    name: tileCard.name,
    card: tileCard,
    open(split, at) {
      const items = itemsOf(split, at.directory);
      const apart = items.map(({ id }) => 128 / scaleOf(id));
      return openTiles(openPhotos(split, at.directory, items), tileCard, 128, apart);
    },
  },
];

/** Samples of a photo that one of an item of it stands for, along each axis. */
const scales = [1, 2, 4] as const;

function itemsOf(split: Split, directory: string): PackItem[] {
  const all = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as PackItem[];
  return all.filter(({ id }) => splitOf(id.slice('photos/'.length).split('@')[0]!) === split);
}

function openPhotos(split: Split, directory: string, items: readonly PackItem[]): Dataset {
  return openPack({
    name: card.name,
    split,
    card,
    channels: 3,
    file: join(directory, 'photos.bin'),
    items,
  });
}

/** Of the id of an item: `photos/NAME`, `photos/NAME@2`, `photos/NAME@4`. */
function scaleOf(id: string): number {
  return Number(id.split('@')[1] ?? '1');
}

/** Of a theme the name of its directory, else that of the file. */
function nameOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'wallpapers' ? parts[1]! : parts.at(-1)!.slice(0, -'.jpg'.length);
}

function splitOf(photo: string): Split {
  return testPhotos.includes(photo) ? 'test' : validationPhotos.includes(photo) ? 'validation' : 'train';
}

function fetchPhotos(context: FetchContext): Promise<void> {
  return withPackages(sources, context, (unpacked) => convertPhotos(unpacked, context));
}

async function convertPhotos(unpacked: string, context: FetchContext): Promise<void> {
  const paths = Object.entries(photoFiles);
  context.step('convert', `${paths.length} pictures: decode and downscale`);
  const out = await open(join(context.directory, 'photos.bin'), 'w');
  const items: PackItem[] = [];
  let at = 0;
  try {
    for (const [path, sha256] of paths) {
      if (context.signal.aborted) throw new AbortedError();
      const bytes = await readVerified(join(unpacked, 'usr', 'share', path), sha256);
      const { bytes: pixels, shape } = await readPixels(bytes, { channels: 'rgb' });
      const factor = factorOf(shape[1]);
      for (const scale of scales) {
        const small = shrink(pixels, shape, 3, factor * scale);
        await out.write(small.bytes, 0, small.bytes.length, at);
        items.push({
          id: `photos/${nameOf(path)}${scale === 1 ? '' : `@${scale}`}`,
          at,
          shape: small.shape,
        });
        at += small.bytes.length;
      }
      context.progress('convert', items.length, paths.length * scales.length, 'items');
    }
  } finally {
    await out.close();
  }
  await writeFile(join(context.directory, 'index.json'), JSON.stringify(items));
}

/**
 * Samples of a file that become one along each axis. JPEG artefacts live at one or two pixels: 2 to 5 of them become one, so that
 * pictures end about 1,000 wide. Small pictures were shrunk already and stay as they are.
 */
function factorOf(width: number): number {
  return width < 600 ? 1 : Math.min(5, Math.max(2, Math.ceil(width / 1200)));
}

async function readVerified(path: string, sha256: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch(() => {
    throw new BadStreamError('missing-file', 0, `the package holds no ${path}`);
  });
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256)
    throw new EnvironmentError('digest-mismatch', `${path}: sha256 is ${found}, not ${sha256}`);
  return bytes;
}

/**
 * Means of `factor` x `factor` samples, rounded half up; what does not fill a square at the right and lower edge falls
 * away. [height, width, channels] to [floor(height / factor), floor(width / factor), channels].
 */
export function shrink(
  bytes: Uint8Array,
  shape: readonly [number, number],
  channels: number,
  factor: number,
): { bytes: Uint8Array; shape: [number, number] } {
  const [height, width] = [Math.floor(shape[0] / factor), Math.floor(shape[1] / factor)];
  const out = new Uint8Array(height * width * channels);
  const sums = new Uint32Array(width * channels);
  const area = factor * factor;
  for (let y = 0; y < height; y++) {
    sums.fill(Math.floor(area / 2));
    for (let dy = 0; dy < factor; dy++) {
      let from = (y * factor + dy) * shape[1] * channels;
      for (let x = 0; x < width; x++) {
        for (let dx = 0; dx < factor; dx++) {
          for (let c = 0; c < channels; c++) sums[x * channels + c]! += bytes[from++]!;
        }
      }
    }
    for (let i = 0; i < sums.length; i++) out[y * width * channels + i] = Math.floor(sums[i]! / area);
  }
  return { bytes: out, shape: [height, width] };
}
