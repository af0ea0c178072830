/** What another codec makes of a picture. */
import { checkLimit } from '../../../src/core/limits.ts';
import { pointCount } from '../../../src/field/spec.ts';
import type { Picture } from '../../../src/jobs/peer-codecs.ts';
import type { PeerName } from '../../../src/jobs/peer-names.ts';
import { mostPeerSamples } from '../../counts.ts';
import type { Made } from '../messages.ts';
import type { Shelf } from '../shelf.ts';
import { whole } from '../signals.ts';

/** The best of a peer within `most` bytes, or the smallest that it makes. */
export async function peer(
  { limits }: Shelf,
  { bytes, name, most }: { readonly bytes: Uint8Array; readonly name: PeerName; readonly most: number },
  signal: AbortSignal,
): Promise<Made<{ readonly quality: number; readonly psnrDb: number }>> {
  // the image library costs a thread half a second, which most never need
  const [{ readPixels }, { peerWithin }] = await Promise.all([
    import('../../../src/formats/image.ts'),
    import('../../../src/jobs/peer-within.ts'),
  ]);
  const onShape = (shape: readonly number[]) =>
    checkLimit('peer-samples', pointCount(shape), mostPeerSamples, 'send a smaller picture');
  const pixels = await readPixels(bytes, { channels: 'rgb', limits, onShape });
  const { quality, psnrDb, bytes: file } = await peerWithin(asItIs(pixels), name, most, { signal });
  return { head: { quality, psnrDb }, bytes: whole(file) };
}

/** Grey as one channel. */
function asItIs({
  bytes,
  shape,
}: {
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
}): Picture {
  const [height, width] = shape as [number, number];
  const grey = new Uint8Array(height * width);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = bytes[3 * i]!;
    if (bytes[3 * i + 1] !== grey[i] || bytes[3 * i + 2] !== grey[i])
      return { bytes, width, height, channels: 3 };
  }
  return { bytes: grey, width, height, channels: 1 };
}
