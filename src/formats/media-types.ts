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
  npz: 'application/x-npz',
  nifti: 'application/x-nifti',
  'nifti-gzip': 'application/x-nifti+gzip',
  obj: 'model/obj',
  stl: 'model/stl',
  vrml: 'model/vrml',
  netcdf: 'application/x-netcdf',
  netcdf4: 'application/x-hdf5',
  zarr: 'application/zip',
  geotiff: 'image/tiff',
} as const;

/** Media types of arrays of numbers that are no signals, such as modulations, by what the files are called. */
export const arrayTypes = { npy: mediaTypes.npy, safetensors: 'application/vnd.safetensors' } as const;
export type ArrayFormat = keyof typeof arrayTypes;
