import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { outputsOfKind } from '../field/kinds.ts';
import type { Output } from '../field/outputs.ts';
import { signalRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { weightsOf } from '../signal/weights.ts';
import { signalChunks } from './formats.ts';
import { readNetcdf, readNetcdfBox } from './netcdf.ts';
import { readSignalAs, readSignalShape } from './read.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
/** What netCDF4-python reads: null where it masks. */
const wanted = JSON.parse(readFileSync(join(folder, 'fields.json'), 'utf8')) as Record<
  string,
  Record<string, { shape: number[]; values: (number | null)[] }>
>;
const kelvin: Output = {
  name: 'air',
  unit: 'K',
  offset: 280,
  scale: 40,
  low: 200,
  peak: 120,
  sample: 'float32',
};
const read = (
  name: string | Uint8Array,
  variable?: string,
  axes = 2,
  outputs: readonly Output[] | 'any' = 'any',
) => readSignalAs(typeof name === 'string' ? file(name) : name, { id: 'x', axes, outputs, variable });
const patched = (name: string, text: string, ahead: number, ...own: number[]) => {
  const bytes = file(name);
  bytes.set(own, Buffer.from(bytes).indexOf(text) + ahead);
  return bytes;
};

describe('a netCDF file of another program', () => {
  it.each(
    Object.entries(wanted).flatMap(([name, variables]) =>
      Object.entries(variables).map(([variable, { shape, values }]) => ({ name, variable, shape, values })),
    ),
  )('$name: $variable is what its writer reads', async ({ name, variable, shape, values }) => {
    // 1e300 is no float32
    if (name === 'cdf5.nc' && variable === 'f8') {
      const found = readNetcdf(file(name)).find((one) => one.name === variable)!;
      expect([...readNetcdfBox(file(name), found, { start: [0], count: [5] })]).toEqual(values);
      return;
    }
    const signal = await read(name, variable, shape.length);
    expect(signal).toMatchObject({ shape, channels: 1 });
    values.forEach((v, i) => {
      if (v === null) expect(signal.values[i]).toBeNaN();
      else expect(signal.values[i]).toBe(Math.fround(v));
    });
  });

  it('has axes of its coordinates: longitude wraps, latitude counts by the cosine', async () => {
    const { axes, weights } = await read('map.nc');
    expect(axes).toEqual([
      { name: 'lat', unit: 'degrees_north', start: -75, step: 30, weight: 'cosine' },
      { name: 'lon', unit: 'degrees_east', start: 0, step: 30, wraps: true },
    ]);
    expect(weights).toBeUndefined();
  });

  it('has weights of its own where its rows are no regular ones, and places one by one', async () => {
    const signal = await read('wind.nc', 'u');
    const weights = weightsOf({ axes: [], shape: [] }, signal)!;
    expect(signal.axes).toEqual([
      { name: 'lat', unit: 'degrees_north', at: wanted['wind.nc']!.lat!.values, weight: 'cosine' },
      { name: 'lon', unit: 'degrees_east', start: -180, step: 30, wraps: true },
    ]);
    const latitudes = wanted['wind.nc']!.lat!.values as number[];
    const mean = latitudes.reduce((sum, v) => sum + Math.cos((v * Math.PI) / 180), 0) / 6;
    latitudes.forEach(
      (v, row) => void expect(weights[12 * row + 5]).toBeCloseTo(Math.cos((v * Math.PI) / 180) / mean, 5),
    );
  });

  it('is the only field in it, the variables called as the outputs, or the one that is named', async () => {
    expect((await read('map.nc')).shape).toEqual([6, 12]);
    const winds = ['U', 'v'].map((name) => ({
      ...kelvin,
      name,
      unit: 'm s-1',
      offset: 0,
      low: -5,
      peak: 10,
    }));
    const both = await read('wind.nc', undefined, 2, winds);
    const { u, v } = wanted['wind.nc']!;
    expect(both).toMatchObject({ shape: [6, 12], channels: 2 });
    expect([both.values[10], both.values[11]]).toEqual([u, v].map((own) => Math.fround(own!.values[5]!)));
    expect((await read('wind.nc', 'v,u')).values[10]).toBe(Math.fround(v!.values[5]!));
    await expect(read('wind.nc')).rejects.toMatchObject({ code: 'which-variable' });
    await expect(read('wind.nc')).rejects.toThrow('u (time 1, lat 6, lon 12), v (time 1, lat 6, lon 12)');
    await expect(read('wind.nc', 'w')).rejects.toMatchObject({ code: 'no-variable' });
    await expect(read('wind.nc', 'u', 2, winds)).rejects.toMatchObject({ code: 'signal-channels' });
  });

  it.each(['curved.nc', 'curved.nc4'])(
    '%s: what CF names of it is kept, and what is not is said',
    async (name) => {
      const { about, axes, notes } = await read(name, 'T');
      expect(about).toEqual({ attributes: [{}], file: { title: 'A turned grid', source: 'made up' } });
      expect(axes).toEqual(['y', 'x'].map((own) => ({ name: own, unit: 'km', start: 0, step: 10 })));
      expect([...notes!].map((note) => note.split(': ')[0])).toEqual([
        'attributes of the file are not kept',
        'coordinates beside those along its axes are not kept',
        'what T points at is not kept',
      ]);
      for (const lost of ['contact', 'lat (y, x)', 'lon (y, x)', 'height', 'crs'])
        expect(notes!.join()).toContain(lost);
    },
  );

  it('that is written says of itself what it was read with', async () => {
    const signal = await read('curved.nc', 'T');
    const again = await read(await written(signal, [{ ...kelvin, name: 'T' }]));
    expect(again.about).toEqual(signal.about);
    expect(again.notes).toBeUndefined();
  });

  it('is read in part, along the axes that a signal does not have', async () => {
    const all = wanted['records.nc']!.packed!.values;
    const { shape, values } = await read('records.nc', 'packed[time=2]', 1);
    expect(shape).toEqual([3]);
    expect([...values]).toEqual(all.slice(6, 9).map((v) => Math.fround(v!)));
    const error = await read('records.nc', 'packed', 1).catch((error) => error);
    expect(error).toMatchObject({ code: 'which-part' });
    expect(error.message).toContain('packed[time=0]');
    for (const part of ['packed[time=4]', 'packed[level=0]', 'packed[time]', 'packed[', '', 'a b]'])
      await expect(read('records.nc', part, 1), part).rejects.toMatchObject({
        code: expect.stringMatching(/^(bad-part|no-variable)$/),
      });
  });

  it('is brought to the unit of the model, or is said to be in another', async () => {
    const celsius = { ...kelvin, unit: 'degC' };
    const { values, notes } = await read('map.nc', undefined, 2, [celsius]);
    expect(values[0]).toBeCloseTo(wanted['map.nc']!.temperature!.values[0]! - 273.15, 3);
    expect(notes).toEqual(['temperature is converted from K to degC']);
    const other = await read('map.nc', undefined, 2, [{ ...kelvin, unit: 'W m-2' }]);
    expect(other.notes![0]).toContain('temperature is in K and the model in W m-2');
    expect((await read('map.nc', undefined, 2, [kelvin])).notes).toBeUndefined();
  });

  it('has its shape read from its header', async () => {
    const asked = { axes: 2, outputs: 'any', limits: defaultLimits } as const;
    expect(await readSignalShape(file('map.nc'), asked)).toEqual([6, 12]);
    expect(await readSignalShape(file('wind.nc'), { ...asked, variable: 'u' })).toEqual([6, 12]);
  });
});

describe('a file that is no good', () => {
  it.each([
    ['a dimension longer than the file', patched('map.nc', 'lat\0', 7, 200), 'truncated'],
    ['a dimension of a thousand million', patched('map.nc', 'lat\0', 4, 0x40), 'limit-samples'],
    ['a number of records that are not there', patched('lone.nc', 'CDF', 4, 0x10), 'limit-samples'],
    ['a name as long as a file of gigabytes', patched('map.nc', 'lat\0', -4, 0x7f), 'truncated'],
    [
      'a variable along a dimension that is not there',
      patched('map.nc', 'temperature', 16, 0, 0, 0, 9),
      'bad-netcdf',
    ],
    ['a type that there is not', patched('map.nc', 'missing_value', 16, 0, 0, 0, 77), 'bad-netcdf'],
    ['lists in another order', patched('map.nc', 'CDF', 8, 0, 0, 0, 11), 'bad-netcdf'],
    ['a header that is cut off', file('map.nc').subarray(0, 200), 'truncated'],
    ['values that are cut off', file('map.nc').subarray(0, -40), 'truncated'],
    ['values that begin behind its end', patched('lone.nc', 'CDF', 0), 'fine'],
  ])('%s', async (_what, bytes, code) => {
    const found = await read(bytes, undefined, 2).catch((error) => error);
    if (code === 'fine') expect(found.shape).toEqual([5, 3]);
    else expect(found).toMatchObject({ code });
  });

  it('of a shape beyond the limits is refused before it is read', async () => {
    const limits = { ...defaultLimits, maxSamples: 50 };
    const asked = readSignalAs(file('map.nc'), { id: 'x', axes: 2, outputs: 'any', limits });
    await expect(asked).rejects.toMatchObject({ code: 'limit-samples' });
  });

  it('without a value is refused, and so is an infinite one', async () => {
    const signal: Signal = {
      id: 'x',
      shape: [2, 2],
      channels: 1,
      values: new Float32Array(4).fill(Number.NaN),
    };
    await expect(read(await written(signal, [kelvin]))).rejects.toMatchObject({ code: 'all-missing' });
    const infinite = { ...signal, values: Float32Array.of(1, Number.POSITIVE_INFINITY, 2, 3) };
    await expect(read(await written(infinite, [kelvin]))).rejects.toMatchObject({ code: 'infinite-value' });
  });
});

describe('a netCDF file that is written', () => {
  it.each(['map.nc', 'wind.nc'])('of what was read from %s reads the same again', async (name) => {
    const variable = name === 'wind.nc' ? 'u' : undefined;
    const signal = await read(name, variable);
    const again = await read(await written(signal, [kelvin]));
    expect(again.values).toEqual(signal.values);
    expect(again.shape).toEqual(signal.shape);
    if (name === 'map.nc') expect(again.axes).toEqual(signal.axes);
  });

  it.each([
    ['records.nc', 'packed', 'i2', 2, { type: 'i2', slope: 0.01, intercept: 273.15, fill: -9999 }],
    ['lone.nc', 'lone', 'i2', 2, { type: 'i2', slope: 1, intercept: 0, fill: -32767 }],
    ['cdf5.nc', 'u1', 'i1', 1, { type: 'u1', slope: 1, intercept: 0 }],
    ['cdf5.nc', 'u2', 'i2', 1, { type: 'u2', slope: 1, intercept: 0 }],
    ['cdf5.nc', 'u4', 'i4', 1, { type: 'u4', slope: 1, intercept: 0 }],
  ] as const)('holds the numbers of %s as %s was stored', async (name, variable, type, axes, stored) => {
    const signal = await read(name, variable, axes);
    expect(signal.about!.stored).toEqual(stored);
    const bytes = await written(signal, [kelvin]);
    const back = readNetcdf(bytes).find((one) => one.name === 'air')!;
    expect(back.type.name).toBe(type);
    const [scale] = (back.attributes.scale_factor ?? [1]) as number[];
    expect(scale).toBe(stored.slope);
    const again = await read(bytes, 'air', axes);
    expect(again.values).toEqual(signal.values);
    expect(again.about!.stored).toMatchObject(stored);
  });

  it('rounds what lies between stored numbers, within half a step, and keeps values from standing for none', async () => {
    const stored = { type: 'i2', slope: 0.5, intercept: -10, fill: 7 } as const;
    const values = Float32Array.of(-10, -9.8, -6.5, Number.NaN, 1e9, -1e9, -6.3, -6.7, 1);
    const signal: Signal = { id: 'x', shape: [3, 3], channels: 1, values, about: { stored } };
    const again = await read(await written(signal, [kelvin]));
    expect([...again.values]).toEqual([-10, -10, -7, Number.NaN, 16373.5, -16394, -6, -7, 1]);
  });

  it('holds each output as a variable, with its unit, and names that the format takes', async () => {
    const outputs = outputsOfKind('values', { offset: 0, scale: 1 }, { count: 3 }).map((output, i) => ({
      ...output,
      name: ['2 m', 'z', 'z'][i]!,
      unit: 'm',
    }));
    const values = Float32Array.from({ length: 36 }, (_, i) => i);
    const axes = [
      { name: 'z', start: 1, step: 2, unit: 'm' },
      { name: 'y' },
      { name: 'x', start: 0, step: 1 },
    ];
    const bytes = await written({ id: 'x', shape: [2, 3, 2], channels: 3, values, axes }, outputs);
    const names = readNetcdf(bytes).map(({ name }) => name);
    expect(names).toEqual(['x', 'z', '_2_m', 'z_2', 'z_3']);
    const again = await read(bytes, '_2_m,z_2,z_3', 3);
    expect([...again.values]).toEqual([...values]);
    expect(again.axes).toEqual([
      { name: 'z', unit: 'm', start: 1, step: 2 },
      { name: 'y' },
      { name: 'x', start: 0, step: 1 },
    ]);
  });
});

async function written(signal: Signal, outputs: readonly Output[]): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of signalChunks(signalRows(signal), 'netcdf', outputs)) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}
