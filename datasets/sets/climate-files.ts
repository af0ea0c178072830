import type { Split } from '../dataset.ts';

/** A file of maps of the data set, below usr/share. */
export interface ClimateFile {
  readonly path: string;
  readonly variables: readonly string[];
  readonly split: Split;
  /** Axes of a variable that are longer than 1; default 2, a single map. */
  readonly axes?: number;
  /** Maps from this one on are for validation. */
  readonly validationFrom?: number;
  /** Side of the squares that a large map is cut into. */
  readonly tile?: number;
}

const ferret = (name: string) => `ferret-vis/data/${name}`;
const ncar = (name: string) => `ncarg/data/${name}`;

export const climateFiles: readonly ClimateFile[] = [
  {
    path: ferret('coads_climatology.cdf'),
    variables: ['SST', 'AIRT', 'SPEH', 'WSPD', 'UWND', 'VWND', 'SLP'],
    ...{ axes: 3, split: 'train' },
  },
  {
    path: ferret('monthly_navy_winds.cdf'),
    variables: ['UWND', 'VWND'],
    ...{ axes: 3, split: 'train', validationFrom: 120 },
  },
  { path: ferret('levitus_climatology.cdf'), variables: ['TEMP', 'SALT'], axes: 3, split: 'train' },
  { path: ferret('ocean_atlas_subset.nc'), variables: ['TEMP'], axes: 4, split: 'train' },
  ...['etopo20.cdf', 'etopo40.cdf', 'etopo60.cdf', 'etopo120.cdf'].map(
    (name): ClimateFile => ({ path: ferret(name), variables: ['ROSE'], split: 'train' }),
  ),
  { path: ferret('etopo5.cdf'), variables: ['ROSE'], split: 'train', tile: 240 },
  {
    path: ferret('esku_heat_budget.cdf'),
    variables: [
      ...['SPD', 'SST', 'SAT', 'AT', 'AH', 'SAH', 'CLD', 'SLP'],
      ...['FSR', 'FUL', 'FDR', 'FLH', 'FSH', 'FDH'],
    ],
    ...{ axes: 3, split: 'validation' },
  },
  ...['tas', 'uas', 'vas'].map(
    (name): ClimateFile => ({
      path: ncar(`nug/${name}_rectilinear_grid_2D.nc`),
      variables: [name],
      ...{ axes: 3, split: 'test' },
    }),
  ),
  {
    path: ncar('nug/rectilinear_grid_3D.nc'),
    variables: ['t', 'rhumidity'],
    ...{ axes: 3, split: 'test' },
  },
  { path: ncar('cdf/hgt.nc'), variables: ['HGT'], axes: 3, split: 'test' },
  { path: ncar('cdf/uv300.nc'), variables: ['U', 'V'], axes: 3, split: 'test' },
  { path: ncar('cdf/vinth2p.nc'), variables: ['T'], axes: 4, split: 'test' },
  { path: ncar('cdf/vinth2p.nc'), variables: ['PS'], axes: 3, split: 'test' },
  { path: ncar('cdf/sstdata_netcdf.nc'), variables: ['sst'], axes: 3, split: 'test' },
  { path: ncar('cdf/ice5g_21k_1deg.nc'), variables: ['Topo'], split: 'test' },
  { path: ncar('nug/orog_mod1_rectilinear_grid_2D.nc'), variables: ['orog'], split: 'test' },
  { path: ncar('nug/tas_rotated_grid_EUR11.nc'), variables: ['tas'], split: 'test' },
  { path: ncar('nug/HSURF_regional_model_0.44deg.nc'), variables: ['HSURF'], split: 'test' },
  { path: ncar('nug/tos_ocean_bipolar_grid.nc'), variables: ['tos'], split: 'test' },
  { path: ncar('cdf/pop.nc'), variables: ['t'], split: 'test' },
  { path: ncar('cdf/trinidad.nc'), variables: ['data'], split: 'test' },
];
