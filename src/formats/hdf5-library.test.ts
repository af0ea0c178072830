import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contained, hdf5, libraryReady, openFile, quietly, restore } from './hdf5-library.ts';

const whole = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../../test/fixtures/signals/small/plain.nc4')),
);
const library = await hdf5.ready;
await libraryReady;
const { streams } = library.FS as unknown as { streams: unknown[] };
const open = () => streams.filter((stream) => stream !== undefined && stream !== null).length;
const digits = () => (openFile(whole).get('digits') as hdf5.Dataset).value;

describe('the HDF5 library', () => {
  it('reads a whole file after more errors than its stack and its table of files have room for', () => {
    const wanted = contained(digits);
    restore();
    for (let failed = 0; failed < 5000; failed++) {
      expect(quietly(() => new hdf5.File('/absent', 'r'))).toBeUndefined();
      if (failed % 1000 === 0) expect(open()).toBe(3);
    }
    expect(contained(digits)).toEqual(wanted);
    expect(restore()).toBe(true);
  });

  it('is after a damaged file what it was before one, to the byte', () => {
    restore();
    const before = library.HEAPU8.slice();
    for (let cut = 60; cut < whole.length; cut += 500) {
      quietly(() => openFile(whole.subarray(0, cut)));
      const damaged = whole.slice().fill(0x55, cut, cut + 8);
      quietly(() => {
        const file = openFile(damaged);
        for (const name of file.keys()) quietly(() => (file.get(name) as hdf5.Dataset).value);
      });
      expect(Buffer.compare(library.HEAPU8, before)).not.toBe(0);
      expect(restore()).toBe(true);
      expect(Buffer.compare(library.HEAPU8, before)).toBe(0);
      expect(open()).toBe(3);
      expect(library.FS.analyzePath('/file').exists).toBe(false);
    }
  });

  it('is given up after a trap, which is not passed over in silence', () => {
    const trap = () => {
      throw Object.assign(new Error('unreachable'), { name: 'RuntimeError' });
    };
    expect(() => quietly(trap)).toThrow('unreachable');
    expect(restore()).toBe(false);
  });
});
