/** The codecs of evaluations as peers of the benchmark: at these settings, with the time that they take. */
import { decodeFormat, type Format, formats } from '../../src/jobs/peer-codecs.ts';
import type { PeerName } from '../../src/jobs/peer-names.ts';
import type { PeerCodec, Timed } from './peer.ts';

const settings = [
  1, 3, 5, 8, 12, 16, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 84, 88, 91, 94, 96, 98, 100,
];

export const jpeg = peerOf('jpeg', formats.jpeg);
export const webp = peerOf('webp', formats.webp);
export const avif = peerOf('avif', formats.avif);

function peerOf(key: PeerName, { name, version, variants }: Format): PeerCodec {
  return {
    key,
    name,
    version,
    variants: variants.map(({ label, channels, encode }) => ({
      label,
      channels,
      settings,
      encode: (picture, setting) => timed(() => encode(picture, setting)),
      decode: (file, picture) => timed(() => decodeFormat(file, picture)),
    })),
  };
}

async function timed(run: () => Promise<Uint8Array>): Promise<Timed> {
  const started = performance.now();
  const bytes = await run();
  return { bytes, ms: performance.now() - started };
}
