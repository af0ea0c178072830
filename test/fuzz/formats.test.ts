/** FUNCTA_FUZZ_RUNS (1,000 a format; 1,000,000 in `npm run test:all`), FUNCTA_FUZZ_SEED (1) and FUNCTA_FUZZ_FORMAT choose what is tried. */
import { expect, it } from 'vitest';
import { rounds } from '../rounds.ts';
import { fuzzFormat } from './formats.fuzz.ts';
import { fuzzedFormat, seedsOfFormats } from './formats.seeds.ts';
import { sealedHdf5 } from './sealed-hdf5.ts';

const runs = Number(process.env.FUNCTA_FUZZ_RUNS ?? rounds(1000, 1_000_000));
const seed = Number(process.env.FUNCTA_FUZZ_SEED ?? 1);
const chosen = Object.entries(seedsOfFormats).filter(
  ([name]) => (process.env.FUNCTA_FUZZ_FORMAT ?? name) === name,
);

it.each(chosen)(
  'mutated files of %s: a signal within limits or a tagged error',
  async (name, { codes, share = 1 }) => {
    const result = await fuzzFormat(fuzzedFormat(name), Math.ceil(runs * share), seed);
    expect(result.values).toBeGreaterThan(0);
    for (const code of codes) expect(result.errors[code] ?? 0, code).toBeGreaterThan(0);
  },
  // A million of the slower ones takes longer than the usual thousand may.
  Math.max(600_000, 6 * runs),
);

it('mended heads and checksums of whole HDF5 files are their own', () => {
  const { seeds } = seedsOfFormats.netcdf4!;
  for (const seed of seeds) expect(sealedHdf5(seed, [seed])).toEqual(seed);
  const cut = seeds[0]!.subarray(0, -1);
  expect(sealedHdf5(cut, seeds)).not.toEqual(cut);
});
