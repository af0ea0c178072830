/**
 * JPEG, WebP and AVIF in this process, by sharp. Formats are given what serves PSNR best: MozJPEG's trellis with its own and
 * with flat quantisation tables, chroma subsampled and not; WebP's slowest mode with sharp chroma; AVIF tuned for PSNR.
 */
import sharp, { type Sharp } from 'sharp';
import type { PeerCodec, Timed, Variant } from './peer.ts';
import type { Picture } from './pictures.ts';

const qualities = [
  1, 3, 5, 8, 12, 16, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 84, 88, 91, 94, 96, 98, 100,
];

const { versions } = sharp;
const by = (library: string, version: string | undefined) => `${library} ${version}, sharp ${versions.sharp}`;

export const jpeg: PeerCodec = {
  key: 'jpeg',
  name: 'JPEG',
  version: `${by('MozJPEG', versions.mozjpeg)}, trellis, optimised scans`,
  variants: (['4:2:0', '4:4:4'] as const).flatMap((chromaSubsampling) =>
    [3, 1].map((quantisationTable) =>
      variant(
        `${chromaSubsampling} table ${quantisationTable}`,
        chromaSubsampling === '4:2:0' ? [1, 3] : [3],
        (image, quality) => image.jpeg({ quality, mozjpeg: true, chromaSubsampling, quantisationTable }),
      ),
    ),
  ),
};

export const webp: PeerCodec = {
  key: 'webp',
  name: 'WebP',
  version: `${by('libwebp', versions.webp)}, effort 6, smart subsampling`,
  variants: [
    variant('', [1, 3, 4], (image, quality) => image.webp({ quality, effort: 6, smartSubsample: true })),
  ],
};

export const avif: PeerCodec = {
  key: 'avif',
  name: 'AVIF',
  version: `${by('libaom', versions.aom)}, effort 6, tuned for PSNR`,
  variants: (['4:2:0', '4:4:4'] as const).map((chromaSubsampling) =>
    variant(chromaSubsampling, chromaSubsampling === '4:2:0' ? [1, 3, 4] : [3, 4], (image, quality) =>
      image.avif({ quality, effort: 6, chromaSubsampling, tune: 'psnr' }),
    ),
  ),
};

function variant(
  label: string,
  channels: readonly number[],
  write: (image: Sharp, quality: number) => Sharp,
): Variant {
  return {
    label,
    channels,
    settings: qualities,
    encode: (picture, quality) => timed(() => write(imageOf(picture), quality).toBuffer()),
    decode: (file, { channels }) => timed(() => samplesOf(sharp(file), channels)),
  };
}

export function imageOf({ bytes, width, height, channels }: Picture): Sharp {
  const image = sharp(bytes, { raw: { width, height, channels } });
  return channels === 1 ? image.toColourspace('b-w') : image;
}

/** [height, width, channels], 8 bits. */
export async function samplesOf(image: Sharp, channels: number): Promise<Uint8Array> {
  if (channels === 1) return image.toColourspace('b-w').raw().toBuffer();
  return (channels === 4 ? image.ensureAlpha() : image.removeAlpha()).toColourspace('srgb').raw().toBuffer();
}

async function timed(run: () => Promise<Uint8Array>): Promise<Timed> {
  const started = performance.now();
  const bytes = await run();
  return { bytes, ms: performance.now() - started };
}
