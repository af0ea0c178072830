/** FUNCTA_FUZZ_RUNS (1,000 a format; 1,000,000 in `npm run test:all`), FUNCTA_FUZZ_SEED (1) and FUNCTA_FUZZ_FORMAT choose what is tried. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { shapeOfFields, signalOfFields } from '../../src/formats/field-file.ts';
import type { ReadOptions, SignalFormat } from '../../src/formats/format.ts';
import { packDirectory, signalFormats } from '../../src/formats/formats.ts';
import { withHdf5 } from '../../src/formats/hdf5.ts';
import { netcdf4 } from '../../src/formats/netcdf4-format.ts';
import { zarr } from '../../src/formats/zarr-format.ts';
import { rounds } from '../rounds.ts';
import { fuzzFormat } from './formats.fuzz.ts';

const runs = Number(process.env.FUNCTA_FUZZ_RUNS ?? rounds(1000, 1_000_000));
const seed = Number(process.env.FUNCTA_FUZZ_SEED ?? 1);
const folder = join(import.meta.dirname, '../fixtures/signals');
const files = (ends: RegExp) =>
  readdirSync(folder)
    .filter((name) => ends.test(name))
    .map((name) => new Uint8Array(readFileSync(join(folder, name))));
const text = (own: string) => new TextEncoder().encode(own);
const square =
  'IndexedFaceSet { coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, 0 1 1 ] } coordIndex [ 0 1 2 -1 0 2 3 -1 ] }';

/** Some of its files never end: what gives them up is what the reader does, sooner. */
const impatient: SignalFormat = {
  ...netcdf4,
  read: (bytes, options) =>
    withHdf5(bytes, options.limits, (variables) => signalOfFields(variables, options), 5000),
  shapeOf: (bytes, options) =>
    withHdf5(bytes, options.limits, (all) => shapeOfFields(all, { ...options, id: 'x' }), 5000),
};

/** Checksums of stored files are mended first: what is in them is looked at, too. */
const resealed: SignalFormat = {
  ...zarr,
  read: (bytes, options) => zarr.read(mended(bytes), options),
  shapeOf: (bytes, options) => zarr.shapeOf(mended(bytes), options),
};

function mended(bytes: Uint8Array): Uint8Array {
  const own = bytes.slice();
  const view = new DataView(own.buffer);
  const central = Buffer.from([0x50, 0x4b, 1, 2]);
  for (let at = 0; ; at++) {
    at = Buffer.from(own.buffer).indexOf(central, at);
    if (at < 0 || at + 46 > own.length) return own;
    const [size, start] = [view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    if (start + 30 > own.length) continue;
    const from = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    view.setUint32(at + 16, crc32(own.subarray(from, from + size)), true);
  }
}

async function packed(name: string): Promise<Uint8Array> {
  return (await packDirectory(join(folder, name), { maxBytes: 2 ** 20 }))!;
}

/** Seeds, ways to read, and codes that have to come: every check is reached. */
const all: Readonly<
  Record<string, { seeds: Uint8Array[]; as: Partial<ReadOptions>[]; codes: string[]; share?: number }>
> = {
  wav: {
    seeds: files(/\.wav$/),
    as: [{}],
    codes: ['bad-wav', 'unsupported-wav', 'truncated'],
  },
  netcdf: {
    seeds: files(/\.nc$/),
    as: [{ axes: 2 }, { variable: 'packed[time=1]' }, { variable: 'u,v', axes: 2 }, { variable: 'u1' }],
    codes: ['bad-netcdf', 'truncated', 'which-variable', 'no-variable'],
  },
  netcdf4: {
    seeds: files(/\.(nc4|h5)$/),
    as: [{ axes: 3, variable: 'u,v' }, { axes: 2, variable: 'plain' }, { axes: 3 }, { variable: 'digits' }],
    codes: ['bad-hdf5', 'no-variable'],
    share: 0.02,
  },
  npz: {
    seeds: files(/\.npz$/),
    as: [{ axes: 2, variable: 'u,v' }, { axes: 2 }, { axes: 3, variable: 'time' }],
    codes: ['bad-zip', 'checksum', 'truncated', 'which-variable'],
  },
  zarr: {
    seeds: [...files(/\.zarr\.zip$/), await packed('three.zarr')],
    as: ['plain', 'blosc', 'zlib', 'gzip', 'zstd', 'lz4', 'fortran', 'turned', 'sharded'].map((variable) => ({
      ...{ axes: 2, variable },
    })),
    codes: ['bad-zip', 'bad-zarr', 'no-variable'],
    share: 0.1,
  },
  geotiff: {
    seeds: files(/\.tif$/),
    as: [{ axes: 2 }, { axes: 2, variable: 'u,v' }, { axes: 2 }],
    codes: ['bad-geotiff', 'unsupported-geotiff'],
    share: 0.1,
  },
  nifti: {
    seeds: files(/\.nii$/),
    as: [{ axes: 3 }, { axes: 4 }, { axes: 3, variable: '[t=1]' }],
    codes: ['bad-nifti', 'unsupported-nifti', 'truncated', 'which-part'],
  },
  'nifti-gzip': { seeds: files(/\.nii\.gz$/), as: [{ axes: 3 }], codes: ['bad-gzip'] },
  obj: {
    seeds: [text('v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 -1 2\nf 1/1 3/2/2 4//1\nf 2 3 4\n')],
    as: [{ axes: 3, grid: 8 }],
    codes: ['bad-mesh'],
    share: 0.2,
  },
  stl: {
    seeds: [
      files(/part\.stl$/)[0]!,
      text(
        'solid a\nfacet normal 0 0 0\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 1\nendloop\nendfacet\nendsolid a\n',
      ),
    ],
    as: [{ axes: 3, grid: 8 }],
    codes: ['bad-mesh', 'truncated'],
    share: 0.2,
  },
  vrml: {
    seeds: [
      text(
        `#VRML V2.0 utf8\nTransform { scale 2 2 2 children [ DEF A Shape { geometry ${square} } Group { children USE A } ] }\n`,
      ),
    ],
    as: [{ axes: 3, grid: 8 }],
    codes: ['bad-mesh'],
    share: 0.2,
  },
  flac: { seeds: files(/\.flac$/), as: [{}], codes: ['bad-sound'], share: 0.02 },
  ogg: { seeds: files(/\.(ogg|opus)$/), as: [{}], codes: ['bad-sound'], share: 0.1 },
  mp3: { seeds: files(/\.mp3$/), as: [{}], codes: ['bad-sound'], share: 0.02 },
};
const chosen = Object.entries(all).filter(([name]) => (process.env.FUNCTA_FUZZ_FORMAT ?? name) === name);

it.each(chosen)(
  'mutated files of %s: a signal within limits or a tagged error',
  async (name, { seeds, as, codes, share = 1 }) => {
    const found = signalFormats.find((own) => own.name === name)!;
    const format = { netcdf4: impatient, zarr: resealed }[name] ?? found;
    const result = await fuzzFormat({ format, seeds, as }, Math.ceil(runs * share), seed);
    expect(result.values).toBeGreaterThan(0);
    for (const code of codes) expect(result.errors[code] ?? 0, code).toBeGreaterThan(0);
  },
  // A million of the slower ones takes longer than the usual thousand may.
  Math.max(600_000, 6 * runs),
);
