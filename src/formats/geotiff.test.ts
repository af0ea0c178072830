import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { unpackLzw } from './lzw.ts';
import { readSignalAs } from './read.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
/** What GDAL reads: null where nothing is, and the first middle of a pixel and the step along x and y. */
const wanted = JSON.parse(readFileSync(join(folder, 'geotiff.json'), 'utf8')) as Record<
  string,
  { x: [number, number]; y: [number, number]; bands: (number | null)[][] }
>;
const read = (name: string | Uint8Array, variable?: string, limits = defaultLimits) =>
  readSignalAs(typeof name === 'string' ? file(name) : name, {
    ...{ id: 'x', axes: 2, outputs: 'any', limits },
    variable,
  });
const refused = ['big-predicted.tif', 'twelve.tif', 'zstd.tif'];

it.each(Object.keys(wanted).filter((name) => !refused.includes(name)))(
  '%s is what GDAL reads, where it places it',
  async (name) => {
    const { x, y, bands } = wanted[name]!;
    const names = name === 'bands.tif' ? ['u', 'v'] : ['band1'];
    for (const [n, own] of bands.entries()) {
      const { shape, values, axes } = await read(name, names[n]);
      expect(shape).toEqual([6, 12]);
      const found = [...values].map((v) => (Number.isNaN(v) ? null : v));
      expect(found).toEqual(own.map((v) => (v === null ? null : Math.fround(v))));
      if (name === 'turned.tif') continue;
      expect([axes![0]!.start, axes![0]!.step, axes![1]!.start, axes![1]!.step]).toEqual([...y, ...x]);
    }
  },
);

describe('a GeoTIFF file', () => {
  it('has latitudes and longitudes, which wrap; in metres it has none; a turned one says so', async () => {
    expect((await read('relief.tif')).axes).toEqual([
      { name: 'lat', unit: 'degrees_north', start: 75, step: -30, weight: 'cosine' },
      { name: 'lon', unit: 'degrees_east', start: -165, step: 30, wraps: true },
    ]);
    expect((await read('bands.tif', 'u')).axes![1]).toEqual({
      name: 'x',
      unit: 'm',
      start: 500500,
      step: 1000,
    });
    const turned = await read('turned.tif');
    expect(turned.axes).toEqual([{ name: 'lat' }, { name: 'lon' }]);
    expect(turned.notes).toEqual(['how its axes are turned is not kept']);
  });

  it('has bands as channels, and a part of rows', async () => {
    const both = await read('bands.tif', 'v,u');
    expect(both.channels).toBe(2);
    expect(both.values[0]).toBe(Math.fround(wanted['bands.tif']!.bands[1]![0]!));
    await expect(read('bands.tif')).rejects.toMatchObject({ code: 'which-variable' });
  });

  it.each(refused)('%s is refused, as it would be decoded wrongly, or to any size', async (name) => {
    await expect(read(name)).rejects.toMatchObject({ code: 'unsupported-geotiff' });
  });

  it('is refused by its size, and by blocks that unpack to more than they hold', async () => {
    const limits = { ...defaultLimits, maxSamples: 71 };
    await expect(read('relief.tif', undefined, limits)).rejects.toMatchObject({ code: 'limit-samples' });
    const bytes = file('relief.tif');
    const bomb = deflateSync(new Uint8Array(2 ** 17));
    expect(bomb.length).toBeLessThan(150);
    const block = Buffer.from(bytes).indexOf(Buffer.from([0x78]), bytes.length - 160);
    bytes.set(bomb, block);
    await expect(read(bytes)).rejects.toMatchObject({ code: 'bad-geotiff' });
  });

  it('is told from one that is cut', async () => {
    await expect(read(file('big-endian.tif').subarray(0, 400))).rejects.toMatchObject({
      code: 'bad-geotiff',
    });
    await expect(read(file('relief.tif').subarray(0, 20))).rejects.toMatchObject({ code: 'bad-geotiff' });
  });
});

it('LZW goes no further than it is asked to, and names codes that there are not', () => {
  const packed = Uint8Array.from([0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01]);
  expect([...unpackLzw(packed, 100)]).toEqual([45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
  expect([...unpackLzw(packed, 3)]).toEqual([45, 45, 45]);
  expect(() => unpackLzw(Uint8Array.from([0x80, 0x0b, 0x7f, 0xff]), 100)).toThrow(RangeError);
});
