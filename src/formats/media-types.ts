/** Media types of the formats by their names: what a client has to know that reads and writes none of them. */
export const mediaTypes = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  avif: 'image/avif',
  wav: 'audio/wav',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  mp3: 'audio/mpeg',
  npy: 'application/x-npy',
  netcdf: 'application/x-netcdf',
} as const;
