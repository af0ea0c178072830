/** What every picture takes of an archive. */
import type { Picture } from '../../src/jobs/peer-codecs.ts';

/** Bits per pixel of every item of an archive: its stream, and an equal share of the rest. */
export function archiveBits(
  archiveBytes: number,
  pictures: readonly Pick<Picture, 'width' | 'height'>[],
  streamBytes: (i: number) => number,
): number[] {
  const streams = pictures.map((_, i) => streamBytes(i));
  const shared = (archiveBytes - streams.reduce((sum, n) => sum + n, 0)) / pictures.length;
  return pictures.map(({ width, height }, i) => (8 * (streams[i]! + shared)) / (width * height));
}
