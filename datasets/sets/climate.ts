import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError } from '../../src/core/errors.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import { netcdf } from '../../src/formats/netcdf-format.ts';
import type { DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { NumbersWriter, openNumbers } from '../numbers.ts';
import { type ClimateFile, climateFiles } from './climate-files.ts';
import { overItsRange, tilesOf } from './maps.ts';

const sources: readonly PackageSource[] = [
  { kind: 'debian', name: 'ferret-datasets', bytes: 27_795_908 },
  { kind: 'debian', name: 'libncarg-data', bytes: 26_845_808 },
];

/** Every map from 0 to 1 over its own range: what is learnt holds for any variable in any unit. */
const kind: DataKind = {
  outputs: [{ name: 'value', low: 0, peak: 1, sample: 'float32' }],
  axes: [{ name: 'latitude' }, { name: 'longitude', wraps: true }],
};

const card: DatasetCard = {
  name: 'climate',
  title: 'Maps of the atmosphere, the ocean and the relief of the Earth, each from 0 to 1 over its own range',
  source:
    'Debian ferret-datasets (COADS, Navy winds, Levitus, an ocean atlas, ESKU heat budget, ETOPO5) and libncarg-data (MPI-ESM, ECHAM5, NCEP, CORDEX)',
  licence:
    'ferret-datasets: public domain (NOAA); libncarg-data: Apache-2.0 (UCAR/NCAR) and the terms of the models of its sample files',
  redistributable: false,
  sha256: {},
  split:
    'test all of libncarg-data; validation the ESKU heat budget and the last year of the Navy winds; train the rest of ferret-datasets',
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

/** Labels are the variables. Missing values are NaN. */
export const climate: DatasetEntry = {
  name: card.name,
  directory: 'climate',
  layout: 1,
  card,
  fetch: fetchClimate,
  open: (split, { directory }) =>
    openNumbers({ name: card.name, split, card, kind, stored: 'float32', directory }),
};

function fetchClimate(context: FetchContext): Promise<void> {
  return withPackages(sources, context, (unpacked) => convertMaps(unpacked, context));
}

async function convertMaps(unpacked: string, context: FetchContext): Promise<void> {
  context.step('convert', `${climateFiles.length} files: maps`);
  const out = await NumbersWriter.open(context.directory, 'float32');
  try {
    for (const [i, file] of climateFiles.entries()) {
      const bytes = await readFile(join(unpacked, 'usr/share', file.path));
      for (const variable of file.variables) {
        if (context.signal.aborted) throw new AbortedError();
        await addMaps(out, file, variable, bytes);
      }
      context.progress('convert', i + 1, climateFiles.length, 'items');
    }
  } finally {
    await out.close();
  }
}

/** Map after map of a variable: all axes but the last two are walked. */
async function addMaps(
  out: NumbersWriter,
  { path, axes: count = 2, tile, validationFrom, split }: ClimateFile,
  variable: string,
  bytes: Uint8Array,
): Promise<void> {
  const signal = await netcdf.read(bytes, {
    ...{ id: path, variable, axes: count, outputs: 'any', limits: defaultLimits },
  });
  const [rows, columns] = signal.shape.slice(-2) as [number, number];
  const points = rows * columns;
  const axes = signal.axes!.slice(-2);
  for (let map = 0; map * points < signal.values.length; map++) {
    const values = signal.values.subarray(map * points, (map + 1) * points);
    const isHeld = validationFrom !== undefined && map >= validationFrom;
    const name = `${path
      .split('/')
      .at(-1)!
      .replace(/\.(nc|cdf)$/, '')}/${variable}/${map}`;
    for (const part of tilesOf({ id: name, shape: [rows, columns], channels: 1, values }, tile)) {
      const own = overItsRange(part.values);
      if (own === undefined) continue;
      const placed = tile === undefined ? { axes } : {};
      const [id, label] = [`climate/${part.id}`, variable];
      const into: Split = isHeld ? 'validation' : split;
      await out.add({ id, shape: part.shape, split: into, label, ...placed }, own);
    }
  }
}
