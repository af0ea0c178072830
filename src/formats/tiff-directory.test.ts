import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codeThrown } from '../../codec/testing.ts';
import { defaultLimits } from '../core/limits.ts';
import { readSignalAs } from './read.ts';
import { checkDirectories } from './tiff-directory.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const files = ['relief.tif', 'big-endian.tif', 'bigtiff.tif', 'bands.tif', 'one-bit.tif'];
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));

/** A file of little-endian fields, with one of them as `change` leaves it. */
function changed(name: string, tag: number, change: (view: DataView, at: number) => void): Uint8Array {
  const bytes = read(name);
  const view = new DataView(bytes.buffer);
  const isBig = view.getUint16(2, true) === 43;
  const at = isBig ? Number(view.getBigUint64(8, true)) : view.getUint32(4, true);
  const entries = isBig ? Number(view.getBigUint64(at, true)) : view.getUint16(at, true);
  for (let i = 0; i < entries; i++) {
    const entry = at + (isBig ? 8 + 20 * i : 2 + 12 * i);
    if (view.getUint16(entry, true) === tag) change(view, entry);
  }
  return bytes;
}

const [bitsPerSample, samplesPerPixel, rowsPerStrip, planar] = [258, 277, 278, 284];
const asked = { id: 'x', axes: 2, outputs: 'any', limits: defaultLimits } as const;

it.each(files)('directories of %s lie within it, and those of no beginning of it do', (name) => {
  const bytes = read(name);
  checkDirectories(bytes);
  for (let length = 8; length < bytes.length; length++)
    expect(['none', 'bad-geotiff'], `${length}`).toContain(
      codeThrown(() => checkDirectories(bytes.subarray(0, length))),
    );
  expect(codeThrown(() => checkDirectories(bytes.subarray(0, 20)))).toBe('bad-geotiff');
});

it.each(['relief.tif', 'bigtiff.tif'])(
  'fields of %s that say more values than there are bytes are refused',
  async (name) => {
    const isBig = name === 'bigtiff.tif';
    const bytes = changed(name, bitsPerSample, (view, at) => {
      view.setUint16(at + 2, isBig ? 16 : 4, true);
      if (isBig) view.setBigUint64(at + 4, 1n << 27n, true);
      else view.setUint32(at + 4, 2 ** 31, true);
    });
    await expect(readSignalAs(bytes, asked)).rejects.toMatchObject({
      code: 'bad-geotiff',
      message: expect.stringContaining('beyond the end'),
    });
  },
);

it('strips of next to no rows, which are without end, are refused', async () => {
  const bytes = changed('bands.tif', rowsPerStrip, (view, at) => view.setUint16(at + 2, 11, true));
  await expect(readSignalAs(bytes, { ...asked, variable: 'u,v' })).rejects.toMatchObject({
    code: 'bad-geotiff',
  });
});

it('as many bands as a number can say, of which the file knows nothing, are refused', async () => {
  const bytes = changed('relief.tif', samplesPerPixel, (view, at) => {
    view.setUint16(at + 2, 4, true);
    view.setUint32(at + 8, 4_000_000_000, true);
    const first = view.getUint32(4, true);
    for (let entry = first + 2; entry < first + 2 + 12 * view.getUint16(first, true); entry += 12) {
      const tag = view.getUint16(entry, true);
      // A plane for each band, and no bits of any.
      if (tag === planar) view.setUint16(entry + 8, 2, true);
      if (tag === bitsPerSample) view.setUint16(entry, 257, true);
    }
  });
  await expect(readSignalAs(bytes, asked)).rejects.toMatchObject({ code: 'bad-geotiff' });
});
