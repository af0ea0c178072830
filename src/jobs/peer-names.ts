/** Codecs of pictures that evaluations compare with, by name. */
export const peerNames = ['jpeg', 'webp', 'avif'] as const;
export type PeerName = (typeof peerNames)[number];
