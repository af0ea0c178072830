/** Seeds of files of signals, ways to read them, and codes that have to come: what the fuzzers of formats begin with. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { shapeOfFields, signalOfFields } from '../../src/formats/field-file.ts';
import type { ReadOptions, SignalFormat } from '../../src/formats/format.ts';
import { packDirectory, signalFormats } from '../../src/formats/formats.ts';
import { withHdf5 } from '../../src/formats/hdf5.ts';
import { netcdf4 } from '../../src/formats/netcdf4-format.ts';
import { zarr } from '../../src/formats/zarr-format.ts';
import type { FuzzedFormat } from './formats.fuzz.ts';
import { sealedFlac, sealedOgg } from './sealed.ts';
import { sealedHdf5 } from './sealed-hdf5.ts';

const folder = join(import.meta.dirname, '../fixtures/signals');
const files = (ends: RegExp, within = '') =>
  readdirSync(join(folder, within))
    .filter((name) => ends.test(name))
    .map((name) => new Uint8Array(readFileSync(join(folder, within, name))));
const text = (own: string) => new TextEncoder().encode(own);
const square =
  'IndexedFaceSet { coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, 0 1 1 ] } coordIndex [ 0 1 2 -1 0 2 3 -1 ] }';

/** Some of its files never end: what gives them up is what the reader does, sooner. */
const patienceMs = 1000;
const impatient: SignalFormat = {
  ...netcdf4,
  read: (bytes, options) =>
    withHdf5(bytes, options.limits, (variables) => signalOfFields(variables, options), patienceMs),
  shapeOf: (bytes, options) =>
    withHdf5(bytes, options.limits, (all) => shapeOfFields(all, { ...options, id: 'x' }), patienceMs),
};

/** Checksums are mended first: what is behind them is looked at, too. */
function resealed(format: SignalFormat, mended: (bytes: Uint8Array) => Uint8Array): SignalFormat {
  return {
    ...format,
    read: (bytes, options) => format.read(mended(bytes), options),
    shapeOf: (bytes, options) => format.shapeOf(mended(bytes), options),
  };
}

function sealedZip(bytes: Uint8Array): Uint8Array {
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

interface Seeds {
  readonly seeds: readonly Uint8Array[];
  readonly as: readonly Partial<ReadOptions>[];
  /** Every check is reached. */
  readonly codes: readonly string[];
  /** The shape alone is read of one file in so many: of some formats that decodes it once more. */
  readonly shapeOfOneIn?: number;
  /** Of the usual number of files: some take longer. */
  readonly share?: number;
}

export const seedsOfFormats: Readonly<Record<string, Seeds>> = {
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
    seeds: [...files(/\.(nc4|h5)$/), ...files(/\.(nc4|h5)$/, 'small')],
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
  flac: {
    seeds: [...files(/\.flac$/), ...files(/\.flac$/, 'small')],
    as: [{}],
    codes: ['bad-sound', 'checksum', 'limit-samples'],
    share: 0.2,
  },
  ogg: {
    seeds: [...files(/\.opus$/), ...files(/\.(ogg|opus)$/, 'small')],
    as: [{}],
    codes: ['bad-sound'],
    shapeOfOneIn: 8,
    share: 0.2,
  },
  mp3: {
    seeds: [...files(/\.mp3$/), ...files(/\.mp3$/, 'small')],
    as: [{}],
    codes: ['bad-sound'],
    shapeOfOneIn: 8,
    share: 0.1,
  },
};

/** Half of the files stay as a mutation left them. */
const half = (sealed: (bytes: Uint8Array) => Uint8Array) => (bytes: Uint8Array) =>
  crc32(bytes) % 2 === 0 ? bytes : sealed(bytes);

/** What to read with, of a format by its name. */
export function fuzzedFormat(name: string): FuzzedFormat {
  const found = signalFormats.find((own) => own.name === name)!;
  const format: SignalFormat | undefined = {
    netcdf4: resealed(
      impatient,
      half((bytes) => sealedHdf5(bytes, seedsOfFormats.netcdf4!.seeds)),
    ),
    zarr: resealed(zarr, sealedZip),
    flac: resealed(found, half(sealedFlac)),
    ogg: resealed(found, half(sealedOgg)),
  }[name];
  const { seeds, as, shapeOfOneIn = 1 } = seedsOfFormats[name]!;
  return { format: format ?? found, seeds, as, shapeOfOneIn };
}
