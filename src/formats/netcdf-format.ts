/** NetCDF of the classic formats: fields with their units and coordinates. */
import { checkLimit } from '../core/limits.ts';
import { stackedRows } from '../signal/rows.ts';
import { type FieldVariable, fields, likelyAxesOfFields, readFields, shapeOfFields } from './field-file.ts';
import type { SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { readNetcdf, readNetcdfBox } from './netcdf.ts';
import { netcdfChunks } from './netcdf-write.ts';

export const netcdf = {
  ...fields,
  name: 'netcdf',
  title: 'netCDF-3',
  mediaType: mediaTypes.netcdf,
  suffixes: ['.nc', '.cdf'],
  example: 'field.nc',
  sniff: (bytes) => String.fromCharCode(...bytes.subarray(0, 3)) === 'CDF' && [1, 2, 5].includes(bytes[3]!),
  async shapeOf(bytes, options) {
    return shapeOfFields(variablesOf(bytes), { ...options, id: 'this' });
  },
  async read(bytes, options) {
    const { maxFileBytes } = options.limits;
    checkLimit('file-bytes', bytes.length, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
    return readFields(variablesOf(bytes), options);
  },
  likelyAxes: (bytes, parts) => likelyAxesOfFields(variablesOf(bytes), parts),
  together: 'all values, with their coordinates',
  write: (rows, outputs) => netcdfChunks(rows, outputs),
  writeAll: (signals, outputs) => netcdfChunks(stackedRows(signals), outputs),
} as const satisfies SignalFormat;

function variablesOf(bytes: Uint8Array): readonly FieldVariable[] {
  return readNetcdf(bytes).map((variable) => ({
    name: variable.name,
    type: variable.type.name === 'char' ? undefined : variable.type.name,
    dimensions: variable.dimensions,
    attributes: variable.attributes,
    file: variable.file,
    fills: true,
    values: (box) => readNetcdfBox(bytes, variable, box),
  }));
}
