/** Zarr: fields in chunks, as xarray writes them, in a ZIP archive or in a directory. */
import { defaultLimits, type Limits } from '../core/limits.ts';
import { likelyAxesOfFields, shapeOfFields, signalOfFields } from './field-file.ts';
import type { SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { zarrVariables } from './zarr.ts';
import { packedZarr } from './zarr-directory.ts';
import { sniffZip } from './zip.ts';

const ofFile: Limits = { ...defaultLimits, maxFileBytes: Number.MAX_SAFE_INTEGER };

export const zarr = {
  name: 'zarr',
  title: 'zarr',
  mediaType: mediaTypes.zarr,
  suffixes: ['.zarr', '.zarr.zip', '.zip'],
  example: 'field.zarr.zip',
  raw: true,
  // after the other formats that are archives
  sniff: sniffZip,
  pack: packedZarr,
  fits: ({ outputs }) => outputs.some(({ sample }) => sample === 'float32'),
  shapeOf: async (bytes, options) =>
    shapeOfFields(await zarrVariables(bytes, options.limits), { ...options, id: 'this' }),
  read: async (bytes, options) => signalOfFields(await zarrVariables(bytes, options.limits), options),
  likelyAxes: async (bytes) => likelyAxesOfFields(await zarrVariables(bytes, ofFile)),
  channelsNeeded: ({ channels }) => channels,
  takes: (outputs, needed) => outputs === needed,
} as const satisfies SignalFormat;
