import { BadInputError } from '../core/errors.ts';

/** Codecs of pictures that evaluations compare with, by name. */
export const peerNames = ['jpeg', 'webp', 'avif'] as const;
export type PeerName = (typeof peerNames)[number];

/** Names of peers from what a caller gives. Throws BadInputError `unknown-peer`. */
export function checkPeers(names: readonly string[]): PeerName[] {
  return names.map((name) => {
    const known = peerNames.find((peer) => peer === name);
    if (known !== undefined) return known;
    throw new BadInputError('unknown-peer', `no peer is called ${name}; choose of ${peerNames.join(', ')}`);
  });
}
