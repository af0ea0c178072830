/** GeoTIFF: maps of heights and of other fields, with places in degrees or metres. */
import type { Signal } from '../signal/signal.ts';
import { fields, likelyAxesOfFields, readFields, shapeOfFields } from './field-file.ts';
import { anyFileLimits, type ReadOptions, type SignalFormat } from './format.ts';
import { geotiffVariables, sniffTiff } from './geotiff.ts';
import { mediaTypes } from './media-types.ts';

export const geotiff = {
  ...fields,
  name: 'geotiff',
  title: 'GeoTIFF',
  mediaType: mediaTypes.geotiff,
  suffixes: ['.tif', '.tiff'],
  example: 'heights.tif',
  sniff: sniffTiff,
  fits: (kind) => kind.axes === 2 && fields.fits(kind),
  async shapeOf(bytes, options) {
    const { variables } = await geotiffVariables(bytes, options.limits);
    return shapeOfFields(variables, { ...options, id: 'this' });
  },
  read: readGeotiff,
  likelyAxes: async (bytes, parts) =>
    likelyAxesOfFields((await geotiffVariables(bytes, anyFileLimits)).variables, parts),
} as const satisfies SignalFormat;

async function readGeotiff(bytes: Uint8Array, options: ReadOptions): Promise<Signal> {
  const { variables, notes } = await geotiffVariables(bytes, options.limits);
  const signal = await readFields(variables, options);
  const all = [...(signal.notes ?? []), ...notes];
  return { ...signal, ...(all.length === 0 ? {} : { notes: all }) };
}
