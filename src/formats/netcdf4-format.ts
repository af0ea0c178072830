/** NetCDF-4 and HDF5: fields with their units and coordinates, as the netCDF library and h5py write them. */
import { fields, likelyAxesOfFields, readFields, shapeOfFields } from './field-file.ts';
import { anyFileLimits, type SignalFormat } from './format.ts';
import { sniffHdf5, withHdf5 } from './hdf5.ts';
import { mediaTypes } from './media-types.ts';

export const netcdf4 = {
  ...fields,
  name: 'netcdf4',
  title: 'netCDF-4',
  mediaType: mediaTypes.netcdf4,
  suffixes: ['.nc4', '.h5', '.hdf5', '.he5'],
  example: 'field.nc4',
  sniff: sniffHdf5,
  shapeOf: (bytes, options) =>
    withHdf5(bytes, options.limits, (variables) => shapeOfFields(variables, { ...options, id: 'this' })),
  read: (bytes, options) => withHdf5(bytes, options.limits, (variables) => readFields(variables, options)),
  likelyAxes: (bytes, parts) =>
    withHdf5(bytes, anyFileLimits, (variables) => likelyAxesOfFields(variables, parts)),
} as const satisfies SignalFormat;
