/** What a peer makes of a picture within so many bytes. */
import { BadInputError } from '../core/errors.ts';
import { decodeFormat, errorOf, type FormatVariant, formats, type Picture } from './peer-codecs.ts';
import type { PeerName } from './peer-names.ts';

export interface PeerFile {
  readonly bytes: Uint8Array;
  /** Of the peer's own scale, 1 to 100. */
  readonly quality: number;
  /** In dB, peak 1; Infinity where it decodes to what was given. */
  readonly psnrDb: number;
}

/**
 * The file of highest PSNR within `most` bytes, of all ways to run the peer; where none is so small, the smallest. Each way is tried at the
 * eight qualities of a bisection, which takes files to grow with quality. Throws BadInputError `image-too-large-for-format`. A peer without
 * transparency gets the picture without its alpha.
 */
export async function peerWithin(
  picture: Picture,
  peer: PeerName,
  most: number,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PeerFile> {
  const { variants } = formats[peer];
  let best: PeerFile | undefined;
  for (const variant of variants) {
    if (!variant.channels.includes(picture.channels)) continue;
    const { bytes, quality } = await largest(picture, variant, most, signal);
    const squared = errorOf(picture, await decodeFormat(bytes, picture));
    const found = { bytes, quality, psnrDb: -10 * Math.log10(squared) };
    if (best === undefined || isBetter(found, best, most)) best = found;
  }
  return best!;
}

async function largest(picture: Picture, variant: FormatVariant, most: number, signal?: AbortSignal) {
  const at = async (quality: number) => {
    signal?.throwIfAborted();
    try {
      return { bytes: await variant.encode(picture, quality), quality };
    } catch (error) {
      const why = (error as Error).message.split('\n')[0];
      const size = `${picture.width} x ${picture.height}`;
      throw new BadInputError('image-too-large-for-format', `${size}: ${why}; send a smaller picture`, {
        cause: error,
      });
    }
  };
  let found = await at(1);
  let [low, high] = [1, 101];
  while (high - low > 1 && found.bytes.length <= most) {
    const middle = (low + high) >> 1;
    const tried = await at(middle);
    if (tried.bytes.length <= most) [found, low] = [tried, middle];
    else high = middle;
  }
  return found;
}

function isBetter(a: PeerFile, b: PeerFile, most: number): boolean {
  const [fitsA, fitsB] = [a, b].map(({ bytes }) => bytes.length <= most);
  if (fitsA !== fitsB) return fitsA!;
  return fitsA ? a.psnrDb > b.psnrDb : a.bytes.length < b.bytes.length;
}
