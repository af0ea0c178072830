/** Zarr: fields in chunks, as xarray writes them, in a ZIP archive or in a directory. */
import { fields, likelyAxesOfFields, readFields, shapeOfFields } from './field-file.ts';
import { anyFileLimits, type SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { zarrVariables } from './zarr.ts';
import { packedZarr } from './zarr-directory.ts';
import { sniffZip } from './zip.ts';

export const zarr = {
  ...fields,
  name: 'zarr',
  title: 'zarr',
  mediaType: mediaTypes.zarr,
  suffixes: ['.zarr', '.zarr.zip', '.zip'],
  example: 'field.zarr.zip',
  // after the other formats that are archives
  sniff: sniffZip,
  pack: packedZarr,
  shapeOf: async (bytes, options) =>
    shapeOfFields(await zarrVariables(bytes, options.limits), { ...options, id: 'this' }),
  read: async (bytes, options) => readFields(await zarrVariables(bytes, options.limits), options),
  likelyAxes: async (bytes, parts) => likelyAxesOfFields(await zarrVariables(bytes, anyFileLimits), parts),
} as const satisfies SignalFormat;
