import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError } from '../../src/core/errors.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import { netcdf } from '../../src/formats/netcdf-format.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { readZip } from '../../src/formats/zip.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { NumbersWriter, openNumbers } from '../numbers.ts';
import { overItsRange, tilesOf } from './maps.ts';

const sources: readonly PackageSource[] = [
  { kind: 'debian', name: 'ferret-datasets', bytes: 27_795_908 },
  { kind: 'debian', name: 'python-matplotlib-data', bytes: 2_743_688 },
  { kind: 'debian', name: 'libncarg-data', bytes: 26_845_808 },
];

interface ReliefFile {
  /** Below usr/share. */
  readonly path: string;
  /** Heights in any unit. */
  read(bytes: Uint8Array): Promise<Pick<Signal, 'shape' | 'values'>>;
  readonly split: Split;
  /** Side of the squares that it is cut into. */
  readonly tile?: number;
}

const files: readonly ReliefFile[] = [
  {
    path: 'ferret-vis/data/etopo5.cdf',
    ...{ read: netcdfOf('ROSE'), split: 'train', tile: 240 },
  },
  {
    path: 'matplotlib/mpl-data/sample_data/jacksboro_fault_dem.npz',
    ...{ read: npzOf('elevation'), split: 'validation' },
  },
  { path: 'ncarg/data/cdf/trinidad.nc', read: netcdfOf('data'), split: 'test' },
];

/** Points of a square above the sea, at least: the floor of the sea is known from few soundings and is smooth between them. */
const leastLand = 0.4;

const kind: DataKind = {
  outputs: [{ name: 'height', low: 0, peak: 1, sample: 'float32' }],
  axes: [{ name: 'latitude' }, { name: 'longitude' }],
};

const card: DatasetCard = {
  name: 'elevation',
  title: 'Relief of land, each square from 0 to 1 over its own range',
  source:
    'Debian ferret-datasets (ETOPO5), python-matplotlib-data (a fault in Tennessee at 3 seconds of arc) and libncarg-data (Trinidad, Colorado)',
  licence:
    'ETOPO5: public domain (NOAA); python-matplotlib-data: the licence of matplotlib; libncarg-data: Apache-2.0 (UCAR/NCAR)',
  redistributable: false,
  sha256: {},
  split:
    'train squares of ETOPO5 of which two fifths are land; validation the fault in Tennessee; test Trinidad',
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

export const elevation: DatasetEntry = {
  name: card.name,
  directory: 'elevation',
  layout: 1,
  card,
  fetch: fetchElevation,
  open: (split, { directory }) =>
    openNumbers({ name: card.name, split, card, kind, stored: 'float32', directory }),
};

function fetchElevation(context: FetchContext): Promise<void> {
  return withPackages(sources, context, (unpacked) => convertRelief(unpacked, context));
}

async function convertRelief(unpacked: string, context: FetchContext): Promise<void> {
  context.step('convert', `${files.length} files: relief`);
  const out = await NumbersWriter.open(context.directory, 'float32');
  try {
    for (const [i, file] of files.entries()) {
      if (context.signal.aborted) throw new AbortedError();
      const bytes = await readFile(join(unpacked, 'usr/share', file.path));
      for (const { id, shape, values } of await squaresOf(file, bytes))
        await out.add({ id: `${card.name}/${id}`, shape, split: file.split }, values);
      context.progress('convert', i + 1, files.length, 'items');
    }
  } finally {
    await out.close();
  }
}

async function squaresOf({ path, read, tile }: ReliefFile, bytes: Uint8Array): Promise<Signal[]> {
  const { shape, values } = await read(bytes);
  const id = path
    .split('/')
    .at(-1)!
    .replace(/\.\w+$/, '');
  const parts = tilesOf({ id, shape, channels: 1, values }, tile);
  return parts.flatMap((part) => {
    const land = part.values.reduce((count, height) => count + Number(height > 0), 0);
    const own = land < leastLand * part.values.length ? undefined : overItsRange(part.values);
    return own === undefined ? [] : [{ ...part, values: own }];
  });
}

function netcdfOf(variable: string): ReliefFile['read'] {
  return (bytes) =>
    netcdf.read(bytes, { ...{ id: variable, variable, axes: 2, outputs: 'any', limits: defaultLimits } });
}

/** Whole numbers are heights here, and no share of a range as those of signals are. */
function npzOf(name: string): ReliefFile['read'] {
  return async (bytes) => {
    const { shape, data } = readNpy(readZip(bytes, defaultLimits).get(`${name}.npy`)!.read());
    return { shape, values: Float32Array.from(data as ArrayLike<number>) };
  };
}
