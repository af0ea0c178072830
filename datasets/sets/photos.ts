import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, BadStreamError, EnvironmentError } from '../../src/core/errors.ts';
import type { Dataset, DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { unpackDebian } from '../fetch/debian.ts';
import { discardDownload, type PackageSource, packageFile } from '../fetch/package-file.ts';
import { readPixels } from '../image.ts';
import { openPack, type PackItem } from '../pack.ts';
import { openTiles } from '../tiles.ts';

/** Releases may repack, so the digests below are of the pictures. */
const sources: readonly PackageSource[] = [
  { kind: 'debian', name: 'mate-backgrounds', bytes: 46_638_500 },
  { kind: 'debian', name: 'lomiri-wallpapers-16.04', bytes: 15_783_184 },
  { kind: 'debian', name: 'lomiri-wallpapers-20.04', bytes: 11_377_208 },
  { kind: 'debian', name: 'plasma-workspace-wallpapers', bytes: 94_047_772 },
];

/** Paths below usr/share. */
const digests = {
  'backgrounds/mate/nature/Aqua.jpg': '5c30118205982da441bf7e6a1ada636a8a0be879408140b3148280c665ed6bce',
  'backgrounds/mate/nature/Blinds.jpg': 'f7aac0dcc2e06d0491643e84df3da1d9db7c4610f58806a880d56e074799f600',
  'backgrounds/mate/nature/Dune.jpg': '8a67c2cb0be8c46b70c237311a4fa4d2b4ac7d39568135384787801fa5cc9a91',
  'backgrounds/mate/nature/FreshFlower.jpg':
    '972b0a0c4e5e3fa93f4f244fc84bc64b121a5eac3aaa5856f1308c1f38a02f8e',
  'backgrounds/mate/nature/Garden.jpg': 'd3095ee09d425ef23d27155412136cf14fc3c9af76ca58b452f55e23da324e78',
  'backgrounds/mate/nature/GreenMeadow.jpg':
    '8fa0de0aa4089f7319c9fb7a6d006d4cab6023e8c8853731557cff53567b4832',
  'backgrounds/mate/nature/LadyBird.jpg': 'e35a9a4126ef969c90b29c038058c5a575a20eadd84106a37bf1fa9931e7b61d',
  'backgrounds/mate/nature/RainDrops.jpg': '3e4ea9671c28c90a86cf67b3db9daf18c4741587c596333a7529ca589aaa0c16',
  'backgrounds/mate/nature/Storm.jpg': '77ca53077831d3237f73393a91fc879158abc046d852941c26e90de336356957',
  'backgrounds/mate/nature/TwoWings.jpg': '665e5abf8a5399070a91a9a8e455fe071e5b61697ff78fdeda4e9843ef545aeb',
  'backgrounds/mate/nature/Wood.jpg': '19c78500ac00a622e19907ab9cc7d06d46fe08c4a6142759a84195696150ec07',
  'backgrounds/mate/nature/YellowFlower.jpg':
    '254da96256acb7add685679775a04d1e4a5bc8cd13e5a5a3d61351ce198a5306',
  'backgrounds/Fossa_by_Jasper_Roks.jpg': '4e1f6bfd73f374ac28adbf37d5f9f7ce847dccba71e860f0ff50509316be1f82',
  'backgrounds/Infinite-Sea_by_Aury88.jpg':
    '9319dfb3651833881339a8d9b769b99efaf474969e6cd58e427eb2524aca8e8a',
  'backgrounds/Kleiber_by_Lukas_Baubkus.jpg':
    '6572410c09f4492c74ccadde133565a14c0161617d5917d4c820c66d65a44ba7',
  'backgrounds/Painting-Colors_by__herobrine7gamer.jpg':
    'dc688df829e177f23d5e2761a198d2e44e477e4b3b3c750661052c89f7abc46c',
  'backgrounds/Bridge_by_Sander_Klootwijk.jpg':
    'bd86b081f9975e2b83527f71e49b9271a8ab40885428395969d9f7d834d7f050',
  'backgrounds/Dragonfly_by_Bolly.jpg': 'af5af17841009732def24b09bb1e669a1b09d2b4bdeee7812c371101c30d2bb3',
  'backgrounds/Picture_0B_by_freespace.jpg':
    'c8c0ab18e48d9e0419fe42881112137f3afafc27dfddc29ec3a6d54c56d225ad',
  'backgrounds/Picture_1A_by_freespace.jpg':
    '89e86af38d04daaef975665dc2127e9fa76f0fd68f4eea105a2d0ae3390b010b',
  'backgrounds/Wine_by_Jakkub_Mede.jpg': 'd2e96e6d4da40dd804b3d0ce295e94de04a2d7d9b6785d42cd9d92ba58bced74',
  'backgrounds/aitzgorri_by_Aitzol_Berasategi.jpg':
    '66268e7b48f8854d36a28765fac6e23ec1aee251daa6da1f64715f201020ad36',
  'backgrounds/friends_by_Aitzol_Berasategi.jpg':
    'cc40e313c74e421edffe3403def413c16878ce14661cce7ec5915baeab35538d',
  'backgrounds/greentock_by_Peter_Nerlich.jpg':
    'e7b20e2db9dcd6e2b278ca55873c2110b35d89cd38b04d0b18728726888e6889',
  'backgrounds/life_by_Aitzol_Berasategi.jpg':
    '4c119350ead80201fe256850c3d316309ddfb4bdf10b235ce982dcde0c667c05',
  'backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg':
    '414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a',
  'backgrounds/seeding_by_Clements_Engelhardt.jpg':
    'a5634d1ab5e41a3568e92d4a894a500c92b891f9ff734e50bd224d6e185a605f',
  'backgrounds/sunset_by_Aitzol_Berasategi.jpg':
    '474dab6a4b9f94dc76c29dfe30e9f5db4af0fd2e33fe5d695f8152b371efca18',
  'wallpapers/Autumn/contents/images/2560x1600.jpg':
    'dfded25df13f5c2dfee68cafb23f69c3efb32b8a6931d82ebbe42de9810dd1e4',
  'wallpapers/BytheWater/contents/images/2560x1600.jpg':
    'c272434ef39f2abf1ed48a15a8910088020f3165329a5092f3940ec9464bc05f',
  'wallpapers/ColdRipple/contents/images/2560x1600.jpg':
    '05bef6722fc0ed81292cceb3ed026c38d17e510f3c84be7d68610c2b1a723c3f',
  'wallpapers/ColorfulCups/contents/images/2560x1600.jpg':
    '6e0f3a72feb5a4a9fec191b77e34874c3c69e2d93040deb3f07773e73385023d',
  'wallpapers/EveningGlow/contents/images/2560x1600.jpg':
    '586682dcb362b9f620068f10138f87d0d3649939aef238adc5807cb951976a7a',
  'wallpapers/FallenLeaf/contents/images/2560x1600.jpg':
    '95603a6560c7e8d50e0e03b3f4adbe39c5258c72528e74e4ecaea1daf4e499de',
  'wallpapers/Grey/contents/images/2560x1600.jpg':
    '88c31d8944b7e6935d1b9a296654c692f0772cb512491713eb30a972a604c0ed',
  'wallpapers/Kite/contents/images/2560x1600.jpg':
    'bdca288ce296a981e80659c021cf707caddc702c0c8d4247e60bd618476d47f8',
  'wallpapers/OneStandsOut/contents/images/2560x1600.jpg':
    'cb507baf1dafdcae362264f3aba9483ed4be5f6c9fdd770f0ec0920c6d9e80fd',
  'wallpapers/Path/contents/images/2560x1600.jpg':
    '7477457d7f17b736259f1b021864778ad4ba802cf3214e6728181ff29126bba8',
} as const;

const testPhotos: readonly string[] = ['LadyBird', 'Storm', 'EveningGlow'];
const validationPhotos: readonly string[] = [
  'Kleiber_by_Lukas_Baubkus',
  'picosdeeuropa_by_Aitzol_Berasategi',
];

const card: DatasetCard = {
  name: 'photos',
  title:
    'Photos: 38 photographs and pictures of about a megapixel, and their halves and quarters, for training on crops',
  source:
    'Debian mate-backgrounds (nature, 12), lomiri-wallpapers-16.04 (12) and -20.04 (4), plasma-workspace-wallpapers (10), downscaled 2 to 5 times',
  licence:
    'GPL-2+ (mate-backgrounds, plasma-workspace-wallpapers), CC0, CC-BY-4.0, CC-BY-SA-3.0 and -4.0 (lomiri-wallpapers)',
  redistributable: true,
  sha256: digests,
  split: `test ${testPhotos.join(', ')}; validation ${validationPhotos.join(', ')}; train the other 33`,
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

/** photos.bin holds the decoded pictures one after the other, [height, width, 3]; index.json says where. */
const photos: DatasetEntry = {
  name: card.name,
  directory: 'photos',
  layout: 3,
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
      const bytes = await readVerified(join(unpacked, 'usr', 'share', path), sha256);
      const { bytes: pixels, shape } = await readPixels(bytes, { channels: 'rgb' });
      // JPEG artefacts live at one or two pixels: 2 to 5 of them become one, so that pictures end about 1,000 wide.
      const factor = Math.min(5, Math.max(2, Math.ceil(shape[1] / 1200)));
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
