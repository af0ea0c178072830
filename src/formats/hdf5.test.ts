import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as hdf5 from 'h5wasm';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import type { Output } from '../field/outputs.ts';
import { withHdf5 } from './hdf5.ts';
import { readSignalAs, readSignalShape } from './read.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
/** What netCDF4-python reads: null where it masks. */
const wanted = JSON.parse(readFileSync(join(folder, 'netcdf4.json'), 'utf8')) as Record<
  string,
  { shape: number[]; values: (number | null)[] }
>;
const read = (
  name: string | Uint8Array,
  variable?: string,
  axes = 2,
  outputs: readonly Output[] | 'any' = 'any',
) => readSignalAs(typeof name === 'string' ? file(name) : name, { id: 'x', axes, outputs, variable });

describe('a netCDF-4 file of another program', () => {
  it.each(Object.entries(wanted))('%s is what its writer reads', async (variable, { shape, values }) => {
    const signal = await read('field.nc4', variable, shape.length);
    expect(signal).toMatchObject({ shape, channels: 1 });
    const found = [...signal.values].map((v) => (Number.isNaN(v) ? null : v));
    expect(found).toEqual(values.map((v) => (v === null ? null : Math.fround(v))));
  });

  it('has axes of its coordinates, and none of a dimension that only looks like a variable', async () => {
    const { axes } = await read('field.nc4', 'T', 3);
    expect(axes).toEqual([
      { name: 'time', unit: 'hours since 2000-01-01', start: 0, step: 6 },
      { name: 'lat', unit: 'degrees_north', start: -67.5, step: 45, weight: 'cosine' },
      { name: 'lon', unit: 'degrees_east', start: 0, step: 60, wraps: true },
    ]);
    expect((await read('field.nc4', 'partly', 1)).axes).toEqual([{ name: 'station' }]);
    await expect(read('field.nc4', 'station', 1)).rejects.toMatchObject({ code: 'no-variable' });
  });

  it('is read in part, and of several variables as channels', async () => {
    const { shape, values } = await read('field.nc4', 'T[time=1]');
    expect(shape).toEqual([4, 6]);
    expect([...values].slice(0, 3)).toEqual(
      wanted.T!.values.slice(24, 27).map((v) => (v === null ? Number.NaN : Math.fround(v))),
    );
    const wind = await read('field.nc4', 'u,v', 3);
    expect(wind).toMatchObject({ shape: [3, 4, 6], channels: 2 });
    // of v two steps were written
    expect([...wind.values.slice(2 * 48)].filter(Number.isNaN)).toHaveLength(24);
    await expect(read('field.nc4', undefined, 3)).rejects.toMatchObject({ code: 'which-variable' });
  });

  it('says its shape by its header alone', async () => {
    const asked = { axes: 2, outputs: 'any', variable: 'T[time=0]', limits: defaultLimits } as const;
    expect(await readSignalShape(file('field.nc4'), asked)).toEqual([4, 6]);
  });
});

describe('an HDF5 file', () => {
  it('has attributes that are lists of one, and numbers of either byte order', async () => {
    const { values, axes } = await read('odd.h5', 'plain');
    expect([...values]).toEqual([0, 2, 4, 6, Number.NaN, 10]);
    expect(axes).toEqual([{ name: 'axis0' }, { name: 'axis1' }]);
    expect([...(await read('odd.h5', 'soft')).values]).toEqual([...values]);
  });

  it('has no values that stand for none, as netCDF has', async () => {
    expect([...(await read('odd.h5', 'large', 1)).values]).toEqual([Math.fround(9.969209968386869e36), 1]);
  });

  it('has booleans that are 0 and 1', async () => {
    expect([...(await read('odd.h5', 'yes')).values]).toEqual([1, 0, 1]);
  });

  it.each([
    ['lzf', 'lzf'],
    ['half', 'float16'],
    ['twelve', 'nbit'],
    ['virtual', 'other files'],
  ])('is refused where %s would come out as other numbers', async (variable, says) => {
    const error = await read('odd.h5', variable, variable === 'twelve' ? 1 : 2).catch((error) => error);
    expect(error).toMatchObject({ kind: 'stream', code: 'unsupported-hdf5' });
    expect(error.message).toContain(says);
  });

  it('shows nothing of other files', async () => {
    await expect(read('odd.h5', 'outside')).rejects.toMatchObject({ code: 'bad-hdf5' });
    await expect(read('odd.h5', 'elsewhere')).rejects.toMatchObject({ code: 'no-variable' });
  });

  it('is refused by its shape and by its pieces, before anything is made of them', async () => {
    await expect(read('odd.h5', 'petabyte', 3)).rejects.toMatchObject({ code: 'limit-samples' });
    const limits = { ...defaultLimits, maxSamples: 2 ** 20 };
    const asked = { id: 'x', axes: 1, outputs: 'any', limits, variable: 'chunky[axis0=0,axis1=0]' } as const;
    await expect(readSignalAs(file('odd.h5'), asked)).rejects.toMatchObject({ code: 'limit-samples' });
  });

  it('is told from one that is cut or damaged', async () => {
    const whole = file('field.nc4');
    await expect(read(whole.subarray(0, 2000))).rejects.toMatchObject({ code: 'bad-hdf5' });
    const damaged = whole.slice();
    const packed = Buffer.from(damaged).indexOf(Buffer.from([0x78, 0x5e]));
    expect(packed).toBeGreaterThan(0);
    damaged.fill(0x55, packed + 8, packed + 16);
    await expect(read(damaged, 'T', 3)).rejects.toMatchObject({ code: 'bad-hdf5' });
  });

  it('is given up where the library does not end on it, and the next file is read', async () => {
    const endless = file('field.nc4');
    // the size of a message in a header
    expect(endless[10656]).toBe(8);
    endless[10656] = 12;
    const reading = withHdf5(endless, defaultLimits, () => 'read', 1500);
    await expect(reading).rejects.toMatchObject({ code: 'bad-hdf5' });
    await expect(reading).rejects.toThrow('did not end in 1.5 s');
    expect((await read('field.nc4', 'partly', 1)).values[0]).toBe(1);
  });

  it('costs no thread of its own where it is damaged', async () => {
    const whole = file('small/plain.nc4');
    await read(whole, 'plain');
    let threads = 0;
    const count = () => threads++;
    process.on('worker', count);
    for (let cut = 100; cut < whole.length; cut += 200)
      await expect(read(whole.subarray(0, cut))).rejects.toMatchObject({ code: 'bad-hdf5' });
    process.off('worker', count);
    expect(threads).toBe(0);
    expect((await read(whole, 'plain')).shape).toEqual([2, 3]);
  });

  it('has its values where thousands of texts beside them cannot be read', async () => {
    const damaged = await withTexts(600);
    let heaps = 0;
    for (let at = damaged.indexOf('GCOL'); at >= 0; at = damaged.indexOf('GCOL', at + 4), heaps++)
      damaged.write('XCOL', at);
    expect(heaps).toBeGreaterThan(0);
    for (let time = 0; time < 5; time++)
      expect([...(await read(damaged, 'plain')).values]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('has the data sets of a group that holds itself once', async () => {
    const names = await withHdf5(file('odd.h5'), defaultLimits, (all) => all.map(({ name }) => name));
    expect(names).toContain('soft');
    expect(names.filter((name) => name.includes('round'))).toEqual([]);
  });
});

/** A file of 2 x 3 values and so many attributes, each a text of any length. */
async function withTexts(texts: number): Promise<Buffer> {
  const { FS } = await hdf5.ready;
  const made = new hdf5.File('/made', 'w');
  const plain = made.create_dataset({
    name: 'plain',
    data: Float32Array.of(0, 1, 2, 3, 4, 5),
    shape: [2, 3],
  });
  for (let text = 0; text < texts; text++) plain.create_attribute(`text${text}`, ['of any length'], [1], 'S');
  made.close();
  const bytes = Buffer.from(FS.readFile('/made'));
  FS.unlink('/made');
  return bytes;
}
