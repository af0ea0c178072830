import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, BadStreamError, EnvironmentError } from '../../src/core/errors.ts';
import type { DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { unpackDebian } from '../fetch/debian.ts';
import { discardDownload, type PackageSource, packageFile } from '../fetch/package-file.ts';
import { readPixels } from '../image.ts';
import { openPack, type PackItem } from '../pack.ts';
import { openTiles } from '../tiles.ts';

/** Releases may repack, so the digests below are of the photographs. */
const sources: readonly PackageSource[] = [
  { kind: 'debian', name: 'mate-backgrounds', bytes: 46_638_500 },
  { kind: 'debian', name: 'lomiri-wallpapers-20.04', bytes: 11_377_208 },
];

/** Paths below usr/share/backgrounds. */
const digests = {
  'mate/nature/Aqua.jpg': '5c30118205982da441bf7e6a1ada636a8a0be879408140b3148280c665ed6bce',
  'mate/nature/Blinds.jpg': 'f7aac0dcc2e06d0491643e84df3da1d9db7c4610f58806a880d56e074799f600',
  'mate/nature/Dune.jpg': '8a67c2cb0be8c46b70c237311a4fa4d2b4ac7d39568135384787801fa5cc9a91',
  'mate/nature/FreshFlower.jpg': '972b0a0c4e5e3fa93f4f244fc84bc64b121a5eac3aaa5856f1308c1f38a02f8e',
  'mate/nature/Garden.jpg': 'd3095ee09d425ef23d27155412136cf14fc3c9af76ca58b452f55e23da324e78',
  'mate/nature/GreenMeadow.jpg': '8fa0de0aa4089f7319c9fb7a6d006d4cab6023e8c8853731557cff53567b4832',
  'mate/nature/LadyBird.jpg': 'e35a9a4126ef969c90b29c038058c5a575a20eadd84106a37bf1fa9931e7b61d',
  'mate/nature/RainDrops.jpg': '3e4ea9671c28c90a86cf67b3db9daf18c4741587c596333a7529ca589aaa0c16',
  'mate/nature/Storm.jpg': '77ca53077831d3237f73393a91fc879158abc046d852941c26e90de336356957',
  'mate/nature/TwoWings.jpg': '665e5abf8a5399070a91a9a8e455fe071e5b61697ff78fdeda4e9843ef545aeb',
  'mate/nature/Wood.jpg': '19c78500ac00a622e19907ab9cc7d06d46fe08c4a6142759a84195696150ec07',
  'mate/nature/YellowFlower.jpg': '254da96256acb7add685679775a04d1e4a5bc8cd13e5a5a3d61351ce198a5306',
  'Fossa_by_Jasper_Roks.jpg': '4e1f6bfd73f374ac28adbf37d5f9f7ce847dccba71e860f0ff50509316be1f82',
  'Infinite-Sea_by_Aury88.jpg': '9319dfb3651833881339a8d9b769b99efaf474969e6cd58e427eb2524aca8e8a',
  'Kleiber_by_Lukas_Baubkus.jpg': '6572410c09f4492c74ccadde133565a14c0161617d5917d4c820c66d65a44ba7',
  'Painting-Colors_by__herobrine7gamer.jpg':
    'dc688df829e177f23d5e2761a198d2e44e477e4b3b3c750661052c89f7abc46c',
} as const;

const testPhotos: readonly string[] = ['LadyBird', 'Storm'];
const validationPhotos: readonly string[] = ['Kleiber_by_Lukas_Baubkus'];

const card: DatasetCard = {
  name: 'photos',
  title: 'Photos: 16 photographs and pictures of 0.3 to 1.9 megapixels, for training on crops',
  source: 'Debian mate-backgrounds (nature, 12) and lomiri-wallpapers-20.04 (4), downscaled 2 to 4 times',
  licence: 'GPL-2+ (mate-backgrounds), CC-BY-SA-3.0 (lomiri-wallpapers)',
  redistributable: true,
  sha256: digests,
  split: `test ${testPhotos.join(', ')}; validation ${validationPhotos.join(', ')}; train the other 13`,
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

/** photos.bin holds the decoded pictures one after the other, [height, width, 3]; index.json says where. */
const photos: DatasetEntry = {
  name: card.name,
  directory: 'photos',
  layout: 1,
  card,
  fetch: fetchPhotos,
  open(split, { directory }) {
    const all = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as PackItem[];
    const items = all.filter(({ id }) => splitOf(id.slice('photos/'.length)) === split);
    return openPack({
      name: card.name,
      split,
      card,
      channels: 3,
      file: join(directory, 'photos.bin'),
      items,
    });
  },
};

const tileCard: DatasetCard = {
  ...card,
  name: 'photos-128',
  title: 'Squares of 128 x 128 that the photos divide into: many small items for priors and validation',
};

export const photoSets: readonly DatasetEntry[] = [
  photos,
  {
    ...photos,
    name: tileCard.name,
    card: tileCard,
    open: async (split, at) => openTiles(await photos.open(split, at), tileCard, 128),
  },
];

function splitOf(photo: string): Split {
  return testPhotos.includes(photo) ? 'test' : validationPhotos.includes(photo) ? 'validation' : 'train';
}

async function fetchPhotos(context: FetchContext): Promise<void> {
  const unpacked = await mkdtemp(join(context.directory, '.unpacked-'));
  const files: string[] = [];
  for (const source of sources) {
    files.push(await packageFile(source, context));
    await unpackDebian(files.at(-1)!, unpacked, context);
  }
  const paths = Object.entries(digests);
  context.step('convert', `${paths.length} pictures: decode and downscale`);
  const out = await open(join(context.directory, 'photos.bin'), 'w');
  const items: PackItem[] = [];
  let at = 0;
  try {
    for (const [path, sha256] of paths) {
      if (context.signal.aborted) throw new AbortedError();
      const bytes = await readVerified(join(unpacked, 'usr', 'share', 'backgrounds', path), sha256);
      const { bytes: pixels, shape } = await readPixels(bytes, { channels: 'rgb' });
      // JPEG artefacts live at one or two pixels: 2 to 4 of them become one, the larger the picture the more.
      const factor = Math.min(4, Math.max(2, Math.ceil(shape[1] / 1600)));
      const small = shrink(pixels, shape, 3, factor);
      await out.write(small.bytes, 0, small.bytes.length, at);
      items.push({ id: `photos/${path.split('/').at(-1)!.slice(0, -4)}`, at, shape: small.shape });
      at += small.bytes.length;
      context.progress('convert', items.length, paths.length, 'items');
    }
  } finally {
    await out.close();
  }
  await writeFile(join(context.directory, 'index.json'), JSON.stringify(items));
  await rm(unpacked, { recursive: true });
  for (const file of files) await discardDownload(file, context);
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
