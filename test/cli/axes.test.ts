/** Places and attributes travel with a file: from netCDF, zarr, GeoTIFF and NIfTI to a function and back, by the command line. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addBuild } from '../../src/cli/commands/build.ts';
import { addDecode } from '../../src/cli/commands/decode.ts';
import { addEncode } from '../../src/cli/commands/encode.ts';
import { addInspect } from '../../src/cli/commands/inspect.ts';
import { addQuery } from '../../src/cli/commands/query.ts';
import { addStore } from '../../src/cli/commands/store.ts';
import { addVerify } from '../../src/cli/commands/verify.ts';
import type { About } from '../../src/field/about.ts';
import { readModel, writeModel } from '../../src/field/model.ts';
import type { Axis } from '../../src/field/outputs.ts';
import { pointCount } from '../../src/field/spec.ts';
import { signalChunks } from '../../src/formats/formats.ts';
import { readNetcdf, readNetcdfBox } from '../../src/formats/netcdf.ts';
import { readNiftiHeader } from '../../src/formats/nifti.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { signalRows } from '../../src/signal/rows.ts';
import { makeTinyModel } from '../conformance/tiny-models.ts';
import { functa, printed } from './in-process.ts';

vi.setConfig({ testTimeout: 60_000 });

const directory = mkdtempSync(join(tmpdir(), 'functa-cli-axes-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);
const verbs = [addBuild, addDecode, addEncode, addInspect, addQuery, addStore, addVerify];
const run = (...argv: string[]) => printed(verbs, argv);

/** Models of any field of two and of three axes, of whose coordinates they know names. */
beforeAll(() => {
  const names = { maps: ['latitude', 'longitude'], series: ['time', 'lat', 'lon'], volumes: ['z', 'y', 'x'] };
  for (const [name, axes] of Object.entries(names)) {
    const levels = [{ cell: 4, channels: 2 }];
    const shape = axes.map(() => 8);
    const model = readModel(makeTinyModel({ name, family: 'field', shape, anySize: true, levels, seed: 3 }));
    const outputs = [{ name: 'value', offset: 0.5, scale: 1, low: 0, peak: 1, sample: 'float32' } as const];
    const card = { ...model.card, outputs, axes: axes.map((name) => ({ name })) };
    writeFileSync(at(name), writeModel({ ...model, card }));
  }
});

/** A netCDF file of a smooth field of values about 280. */
async function field(
  name: string,
  shape: readonly number[],
  axes: readonly Axis[],
  about?: About,
): Promise<string> {
  const values = Float32Array.from({ length: pointCount(shape) }, (_, p) => 280 + 9 * Math.sin(p / 11));
  const output = {
    name: 'air',
    unit: 'K',
    offset: 0,
    scale: 1,
    low: 0,
    peak: 300,
    sample: 'float32',
  } as const;
  const rows = signalRows({ shape, channels: 1, values, axes, about });
  const pieces: Uint8Array[] = [];
  for await (const piece of signalChunks(rows, 'netcdf', [output])) pieces.push(piece);
  writeFileSync(at(name), Buffer.concat(pieces));
  return at(name);
}

/** Coordinates of a netCDF file and their units, by their names. */
function coordinatesIn(name: string): Record<string, { unit: unknown; values: number[] }> {
  const bytes = readFileSync(at(name));
  const all = readNetcdf(bytes).filter((own) => own.dimensions[0]?.name === own.name);
  return Object.fromEntries(
    all.map((own) => {
      const box = { start: [0], count: [own.dimensions[0]!.size] };
      return [own.name, { unit: own.attributes.units, values: [...readNetcdfBox(bytes, own, box)] }];
    }),
  );
}

const lat: Axis = { name: 'lat', unit: 'degrees_north', start: 60.125, step: -0.25, weight: 'cosine' };
const lon: Axis = { name: 'lon', unit: 'degrees_east', start: -10.1, step: 0.1 };

describe('a map of a region, from north to south', () => {
  beforeAll(async () => {
    await field('map.nc', [12, 16], [lat, lon]);
    await run('encode', at('map.nc'), '-m', at('maps'), '-o', at('map.functa'));
  });
  const decode = (out: string, ...more: string[]) =>
    run('decode', at('map.functa'), '-m', at('maps'), '-o', at(out), ...more);

  it('comes back with its latitudes and longitudes', async () => {
    await decode('back.nc');
    const found = coordinatesIn('back.nc');
    expect(found).toEqual(coordinatesIn('map.nc'));
    expect(found.lat).toMatchObject({ unit: 'degrees_north' });
    expect(found.lat!.values.at(-1)).toBe(57.375);
  });

  it('has them in a region and at other sizes, which may be samples in a degree', async () => {
    await decode('part.nc', '--region', 'lat=4:8,lon=2:');
    expect(coordinatesIn('part.nc').lat!.values).toEqual([59.125, 58.875, 58.625, 58.375]);
    expect(coordinatesIn('part.nc').lon!.values[0]).toBeCloseTo(-9.9, 9);
    await decode('same.nc', '--region', 'latitude=4:8,longitude=2:');
    expect(coordinatesIn('same.nc')).toEqual(coordinatesIn('part.nc'));
    await decode('fine.nc', '--size', '8/degrees_north');
    const fine = coordinatesIn('fine.nc').lat!.values;
    expect(fine).toHaveLength(24);
    expect([fine[0], fine[1]]).toEqual([60.1875, 60.0625]);
    const fault = (await decode('not.nc', '--size', '8/mm')).json.error;
    expect(fault).toMatchObject({ code: 'bad-size' });
  });

  it('says where it lies, and costs 19 bytes more for it', async () => {
    const { stdout } = await functa(['inspect', at('map.functa'), '-m', at('maps')]);
    expect(stdout.toString()).toContain(
      'lat from 60.125 to 57.375 degrees_north, lon from -10.1 to -8.6 degrees_east',
    );
    const { json } = await run('inspect', at('map.functa'), '-m', at('maps'));
    expect(json.axes).toEqual([lat, lon]);
    await run('encode', at('map.nc'), '-m', at('maps'), '-o', at('bare.functa'), '--keep', 'none');
    const bytes = (name: string) => readFileSync(at(name)).length;
    expect(bytes('map.functa') - bytes('bare.functa')).toBe(19);
    const bare = await run('inspect', at('bare.functa'), '-m', at('maps'));
    expect(bare.json.axes).toEqual([{ name: 'latitude' }, { name: 'longitude' }]);
  });

  it('keeps them beside a bound, and is verified', async () => {
    await run('encode', at('map.nc'), '-m', at('maps'), '-o', at('bound.functa'), '--max-error', '0.5');
    const { json } = await run('verify', at('bound.functa'), at('map.nc'), '-m', at('maps'));
    expect(json.maxError[0]).toBeLessThanOrEqual(0.5);
    await run('decode', at('bound.functa'), '-m', at('maps'), '-o', at('bound.nc'));
    expect(coordinatesIn('bound.nc')).toEqual(coordinatesIn('map.nc'));
  });
});

it('uneven latitudes and a time come back, in regions and between samples too', async () => {
  const time: Axis = { name: 'time', unit: 'days since 2000-01-01', at: [15.5, 45, 74.5, 105] };
  const rows: Axis = { name: 'lat', unit: 'degrees_north', at: [70, 50, 20, 10], weight: 'cosine' };
  await field('series.nc', [4, 4, 6], [time, rows, lon]);
  await run('encode', at('series.nc'), '-m', at('series'), '-o', at('series.functa'));
  await run('decode', at('series.functa'), '-m', at('series'), '-o', at('series-back.nc'));
  expect(coordinatesIn('series-back.nc')).toEqual(coordinatesIn('series.nc'));
  const more = ['--size', '6x4x2', '--region', 'lat=1:3'];
  await run('decode', at('series.functa'), '-m', at('series'), '-o', at('half.nc'), ...more);
  const { time: days, lat: degrees } = coordinatesIn('half.nc');
  expect([days!.values, degrees!.values]).toEqual([
    [30.25, 89.75],
    [50, 20],
  ]);
});

it.each(['field.zarr', 'relief.tif', 'map.nc'])('%s keeps its places in an archive too', async (name) => {
  const source = `test/fixtures/signals/${name}`;
  const asked = ['-m', at('maps'), '-f'];
  await run('encode', source, ...asked, '-o', at('one.functa'));
  await run('decode', at('one.functa'), ...asked, '-o', at('one.nc'));
  const found = coordinatesIn('one.nc');
  expect(Object.keys(found)).toHaveLength(2);
  await run('encode', source, source, ...asked, '-o', at('two.functa'));
  await run('decode', at('two.functa'), ...asked, '-o', at('two.nc'));
  expect(coordinatesIn('two-0.nc')).toEqual(found);
  expect(coordinatesIn('two-1.nc')).toEqual(found);
  await run('encode', source, ...asked, '--keep', 'none', '-o', at('one-bare.functa'));
  await run('encode', source, source, ...asked, '--keep', 'none', '-o', at('two-bare.functa'));
  const costs = (one: string) =>
    readFileSync(at(`${one}.functa`)).length - readFileSync(at(`${one}-bare.functa`)).length;
  // An item that says what the one before says takes two bytes for each section.
  expect(costs('two')).toBeLessThanOrEqual(costs('one') + 4);
});

it.each(['all', 'axes', 'none'])('a store built with --keep %s keeps that of its signals', async (keep) => {
  const [folder, store, packed] = [at(`maps-${keep}`), at(`store-${keep}`), at(`packed-${keep}.functa`)];
  mkdirSync(folder);
  copyFileSync('test/fixtures/signals/map.nc', join(folder, 'map.nc'));
  await run('build', store, '-d', `signals:${folder}`, '-m', at('maps'), '--keep', keep);
  await run('store', 'pack', store, '-m', at('maps'), '-o', packed);
  const { json } = await run('inspect', packed, '-m', at('maps'));
  const name = keep === 'none' ? 'latitude' : 'lat';
  expect(json.axes).toMatchObject([{ name, ...(keep === 'none' ? {} : { start: -75, step: 30 }) }, {}]);
  await run('decode', packed, '-m', at('maps'), '--item', '0', '-o', at(`built-${keep}.nc`));
  const said = readNetcdf(readFileSync(at(`built-${keep}.nc`))).map(({ attributes }) => attributes.long_name);
  expect(said.includes('of the air')).toBe(keep === 'all');
});

describe('attributes', () => {
  const source = 'test/fixtures/signals/map.nc';
  const asked = ['-m', at('maps'), '-f'];
  const variableIn = (name: string) =>
    readNetcdf(readFileSync(at(name))).find((own) => own.name === 'temperature')!;

  it('of a variable come back, but for those that reading takes in, and are shown', async () => {
    await run('encode', source, ...asked, '-o', at('said.functa'));
    await run('decode', at('said.functa'), ...asked, '-o', at('said.nc'));
    expect(variableIn('said.nc').attributes).toEqual({
      ...{ units: 'K', long_name: 'of the air' },
      _FillValue: [Math.fround(9.969209968386869e36)],
    });
    const { stdout } = await functa(['inspect', at('said.functa'), '-m', at('maps')]);
    expect(stdout.toString()).toMatch(/^long_name +of the air$/m);
  });

  it('go along when the decoded file is coded again, and not where they are not kept', async () => {
    await run('encode', at('said.nc'), ...asked, '-o', at('again.functa'));
    const said = (await run('inspect', at('again.functa'), '-m', at('maps'))).json;
    expect(said.about).toEqual({ attributes: [{ long_name: 'of the air' }] });
    await run('encode', source, ...asked, '-o', at('axes.functa'), '--keep', 'axes');
    const without = (await run('inspect', at('axes.functa'), '-m', at('maps'))).json;
    expect(without.about).toBeUndefined();
    expect(without.axes).toEqual(said.axes);
  });

  it('that are long are left out, which is said', async () => {
    const rows = signalRows({
      ...{ shape: [4, 6], channels: 1, values: new Float32Array(24).fill(0.5) },
      about: { attributes: [{ long_name: 'a share', comment: 'x'.repeat(3000), level: [2, 850] }] },
    });
    const output = { name: 'cloud', offset: 0, scale: 1, low: 0, peak: 1, sample: 'float32' } as const;
    const pieces: Uint8Array[] = [];
    for await (const piece of signalChunks(rows, 'netcdf', [output])) pieces.push(piece);
    writeFileSync(at('long.nc'), Buffer.concat(pieces));
    const { json } = await run('encode', at('long.nc'), ...asked, '-o', at('long.functa'));
    expect(json.notes).toEqual(['attribute comment of cloud is not kept: all are above 512 bytes']);
    const said = (await run('inspect', at('long.functa'), '-m', at('maps'))).json;
    expect(said.about.attributes).toEqual([{ long_name: 'a share', level: [2, 850] }]);
    expect(said.outputs[0].name).toBe('cloud');
  });
});

it('a mean of functions that stand at the same places is written there, with their name and unit', async () => {
  const folder = at('some');
  mkdirSync(folder);
  for (const name of ['a.nc', 'b.nc']) await field(`some/${name}`, [8, 8], [lat, lon]);
  await run('build', at('places'), '-d', `signals:${folder}`, '-m', at('maps'));
  for (const [name, ...more] of [['mean.nc'], ['variance.nc', '--statistic', 'variance', '--size', '2x']]) {
    await run('query', 'aggregate', at('places'), '-m', at('maps'), '-o', at(name!), ...more);
  }
  expect(coordinatesIn('mean.nc')).toEqual(coordinatesIn('some/a.nc'));
  const variables = (name: string) => readNetcdf(readFileSync(at(name)));
  const of = (name: string, variable: string) => variables(name).find((own) => own.name === variable)!;
  expect(of('mean.nc', 'air').attributes.units).toBe('K');
  expect(of('variance.nc', 'air_variance').attributes.units).toBe('(K)2');
  expect(coordinatesIn('variance.nc').lat!.values.slice(0, 2)).toEqual([60.1875, 60.0625]);
  const { json } = await run('query', 'aggregate', at('places'), '-m', at('maps'));
  expect(json).toMatchObject({ axes: [lat, lon], outputs: [{ name: 'air', unit: 'K' }] });
});

describe('a packed field', () => {
  const stored = { type: 'i2', slope: 0.25, intercept: 280, fill: -99 } as const;
  const valuesIn = (name: string) => {
    const found = readNetcdf(readFileSync(at(name))).find((own) => own.name === 'air')!;
    const numbers = readNetcdfBox(readFileSync(at(name)), found, { start: [0, 0], count: [12, 16] });
    const [scale, offset] = [found.attributes.scale_factor ?? [1], found.attributes.add_offset ?? [0]];
    const values = [...numbers].map((v) => v * (scale as number[])[0]! + (offset as number[])[0]!);
    return { type: found.type.name, values };
  };
  beforeAll(() => field('packed.nc', [12, 16], [lat, lon], { stored }));

  it('comes back as it was stored, values within half a step of those of the function', async () => {
    expect(valuesIn('packed.nc').type).toBe('i2');
    await run('encode', at('packed.nc'), '-m', at('maps'), '-o', at('packed.functa'));
    await run('decode', at('packed.functa'), '-m', at('maps'), '-o', at('packed-back.nc'));
    await run('decode', at('packed.functa'), '-m', at('maps'), '-o', at('packed-back.npy'));
    const { type, values } = valuesIn('packed-back.nc');
    expect(type).toBe('i2');
    const { data } = readNpy(readFileSync(at('packed-back.npy')));
    values.forEach((v, i) => void expect(Math.abs(v - data[i]!)).toBeLessThanOrEqual(0.125));
    await run('encode', at('packed.nc'), '-m', at('maps'), '-o', at('bare-packed.functa'), '--keep', 'axes');
    await run('decode', at('bare-packed.functa'), '-m', at('maps'), '-o', at('floats.nc'));
    expect(valuesIn('floats.nc').type).toBe('f4');
  });

  it.each([
    ['0.1', 'i2'],
    ['0.3', 'i2'],
    ['0.4', 'f4'],
  ])('keeps a bound of %s in the decoded file too, as %s', async (bound, type) => {
    const asked = ['-m', at('maps'), '-f'];
    await run('encode', at('packed.nc'), ...asked, '-o', at('near.functa'), '--max-error', bound);
    await run('decode', at('near.functa'), ...asked, '-o', at('near.nc'));
    const found = valuesIn('near.nc');
    expect(found.type).toBe(type);
    const own = valuesIn('packed.nc').values;
    found.values.forEach((v, i) => void expect(Math.abs(v - own[i]!)).toBeLessThanOrEqual(Number(bound)));
  });
});

describe('a volume', () => {
  const asked = ['-m', at('volumes'), '-f'];
  const headerOf = (path: string) => readNiftiHeader(readFileSync(path));

  it.each(['second.nii', 'packed.nii', 'big.nii', 'qform.nii'])(
    '%s keeps its affine, units and type',
    async (name) => {
      const source = `test/fixtures/signals/${name}`;
      await run('encode', source, ...asked, '-o', at('volume.functa'));
      await run('decode', at('volume.functa'), ...asked, '-o', at('volume.nii'));
      const [own, back] = [headerOf(source), headerOf(at('volume.nii'))];
      back.affine.flat().forEach((v, i) => void expect(v).toBeCloseTo(own.affine.flat()[i]!, 4));
      expect([back.type.name, back.slope, back.intercept]).toEqual([own.type.name, own.slope, own.intercept]);
      expect([back.spaceUnit, back.sizes]).toEqual([own.spaceUnit, own.sizes]);
    },
  );

  it('has the affine of a region and of another size', async () => {
    const source = 'test/fixtures/signals/second.nii';
    await run('encode', source, ...asked, '-o', at('turned.functa'));
    const size = [...headerOf(source).sizes].map((n) => 2 * n).join('x');
    await run(
      'decode',
      at('turned.functa'),
      ...asked,
      '-o',
      at('fine.nii'),
      '--size',
      size,
      '--region',
      'x=2:',
    );
    const [own, fine] = [headerOf(source).affine, headerOf(at('fine.nii')).affine];
    // Sample 2 of twice as many, the first of the region, stands a quarter of a sample before sample 1 along x, and before 0 along the others.
    own.forEach((row, i) => {
      const place = row[3]! + row[0]! * 0.75 - (row[1]! + row[2]!) / 4;
      expect(fine[i]![3]).toBeCloseTo(place, 4);
      [0, 1, 2].forEach((j) => void expect(fine[i]![j]).toBeCloseTo(row[j]! / 2, 5));
    });
  });
});
