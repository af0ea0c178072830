import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { Rng } from '../core/rng.ts';
import type { Output } from '../field/outputs.ts';
import { signalRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { formatOfName, sniffFormat, type WrittenName, writtenFormatFor } from './formats.ts';
import { readNiftiHeader } from './nifti.ts';
import { readSignalAs, readSignalShape } from './read.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
/** What nibabel reads, the fastest axis last. */
const wanted = JSON.parse(readFileSync(join(folder, 'volumes.json'), 'utf8')) as Record<
  string,
  { shape: number[]; values: number[]; affine: number[][] }
>;
const density: Output = {
  name: 'density',
  offset: 0,
  scale: 1000,
  low: -1000,
  peak: 2000,
  sample: 'float32',
};
const read = (bytes: Uint8Array, axes = 3, more: object = {}) =>
  readSignalAs(bytes, { id: 'x', axes, outputs: 'any', ...more });
const patched = (name: string, at: number, ...own: number[]) => {
  const bytes = file(name);
  bytes.set(own, at);
  return bytes;
};

describe('a NIfTI file of another program', () => {
  it.each(Object.entries(wanted))(
    '%s has the voxels and the affine that its writer reads',
    async (name, own) => {
      const signal = await read(file(name), own.shape.length);
      expect(signal.shape).toEqual(own.shape);
      own.values.forEach((v, i) => void expect(signal.values[i]).toBeCloseTo(v, 4));
      if (name.endsWith('.gz')) return;
      const { affine } = readNiftiHeader(file(name));
      affine.flat().forEach((v, i) => void expect(v).toBeCloseTo(own.affine.flat()[i]!, 4));
    },
  );

  it('says that a qform is not kept which places voxels elsewhere than the sform that counts', async () => {
    // second.nii is of version 2: the codes of both stand at 344 and 348, and the quaternion at 352 is one without a turn
    const both = patched('second.nii', 344, 1, 0, 0, 0, 1, 0, 0, 0, ...new Uint8Array(24));
    const lost = 'its qform, which places voxels elsewhere than its sform, is not kept';
    expect((await read(both)).notes).toEqual([lost]);
    expect((await read(file('second.nii'))).notes).toBeUndefined();
  });

  it('has places along axes that stand upright, and how others are turned', async () => {
    const upright = await read(file('packed.nii'));
    expect(upright.axes).toEqual([
      { name: 'z', unit: 'mm', start: -72, step: 2.5 },
      { name: 'y', unit: 'mm', start: -126, step: 2 },
      { name: 'x', unit: 'mm', start: 90, step: -2 },
    ]);
    expect(upright.notes).toBeUndefined();
    const turned = await read(file('second.nii'));
    expect(turned.axes!.map(({ step, start }) => [step!.toFixed(3), start])).toEqual([
      ['2.500', undefined],
      ['2.000', undefined],
      ['2.000', undefined],
    ]);
    expect(turned.notes).toBeUndefined();
    const { affine } = wanted['second.nii']!;
    turned.about!.affine!.forEach((v, i) => void expect(v).toBeCloseTo(affine.flat()[i]!, 4));
    const again = readNiftiHeader(await written(turned, [density]));
    again.affine.flat().forEach((v, i) => void expect(v).toBeCloseTo(affine.flat()[i]!, 4));
    const slice = await read(file('second.nii'), 2, { variable: '[z=0]' });
    expect(slice.about!.affine).toBeUndefined();
    expect(slice.notes).toEqual(['how its axes are turned is not kept']);
  });

  it('of a series is of four axes, or one volume of it', async () => {
    const { axes } = await read(file('series.nii'), 4);
    expect(axes![0]).toEqual({ name: 't', unit: 's', start: 0, step: 0.75 });
    const one = await read(file('series.nii'), 3, { variable: '[t=3]' });
    expect(one.shape).toEqual([2, 2, 3]);
    expect([...one.values]).toEqual(wanted['series.nii']!.values.slice(36, 48));
    await expect(read(file('series.nii'))).rejects.toMatchObject({ code: 'which-part' });
  });

  it('of colours has them by name; of more axes than a signal is refused with what to choose', async () => {
    const green = await read(file('colours.nii'), 3, { variable: 'green' });
    expect(green.values[0]).toBe(file('colours.nii')[353]);
    const all = await read(file('colours.nii'), 3, { variable: 'red,green,blue' });
    expect([...all.values]).toEqual([...file('colours.nii').subarray(352, 376)]);
    await expect(read(file('six.nii'))).rejects.toThrow('[v=0]');
  });

  it.each([
    ['0', 0, 0, 0, 0],
    ['NaN', 0, 0, 0xc0, 0x7f],
  ])('with a slope of %s has none', async (_what, ...slope) => {
    const { values } = await read(patched('packed.nii', 112, ...slope));
    expect(values[0]).toBe((wanted['packed.nii']!.values[0]! - 100) / 0.5);
  });

  it('of whole numbers has no missing values, whatever netCDF fills with', async () => {
    const bytes = file('plain.nii');
    new DataView(bytes.buffer).setInt16(352, -32767, true);
    expect((await read(bytes)).values[0]).toBe(-32767);
  });

  it('has its shape read from its header, by gzip too', async () => {
    const asked = { axes: 3, outputs: 'any', limits: defaultLimits } as const;
    for (const name of ['packed.nii', 'members.nii.gz'])
      expect(await readSignalShape(file(name), asked), name).toEqual([2, 3, 4]);
  });

  it('has its shape read from the first bytes by gzip, whatever follows', async () => {
    const rng = new Rng(3);
    const voxels = new Uint8Array(60 * 50 * 40).map(() => 256 * rng.uniform());
    const header = file('plain.nii').slice(0, 352);
    const view = new DataView(header.buffer);
    for (const [i, n] of [40, 50, 60].entries()) view.setInt16(42 + 2 * i, n, true);
    view.setInt16(70, 2, true);
    const whole = new Uint8Array(gzipSync(Buffer.concat([header, voxels])));
    const cut = whole.subarray(0, 5000);
    expect(whole.length).toBeGreaterThan(cut.length);
    const asked = { axes: 3, outputs: 'any', limits: defaultLimits } as const;
    for (const bytes of [whole, cut]) expect(await readSignalShape(bytes, asked)).toEqual([60, 50, 40]);
    await expect(read(cut)).rejects.toMatchObject({ code: 'bad-gzip' });
  });
});

describe('a file that is no good', () => {
  const singular = file('packed.nii');
  singular.fill(0, 280, 328);
  it.each([
    ['an affine that places no volume', singular, 'bad-nifti'],
    ['an affine of NaN', patched('packed.nii', 280, 0, 0, 0xc0, 0x7f), 'bad-nifti'],
    ['no axes', patched('packed.nii', 40, 0, 0), 'bad-nifti'],
    ['eight axes', patched('packed.nii', 40, 8, 0), 'bad-nifti'],
    ['an axis of no voxels', patched('packed.nii', 42, 0, 0), 'bad-nifti'],
    ['more voxels than bytes', patched('packed.nii', 42, 0xff, 0x7f), 'truncated'],
    ['complex voxels', patched('packed.nii', 70, 32, 0), 'unsupported-nifti'],
    ['voxels in another file', patched('packed.nii', 344, 0x6e, 0x69, 0x31), 'unsupported-nifti'],
    ['a gzip stream that is cut off', file('members.nii.gz').subarray(0, -9), 'bad-gzip'],
  ])('%s', async (_what, bytes, code) => {
    await expect(read(bytes)).rejects.toMatchObject({ code });
  });

  it('a gzip stream beyond the limits is refused as it grows', async () => {
    const bytes = new Uint8Array(gzipSync(Buffer.concat([file('packed.nii'), Buffer.alloc(2 ** 22)])));
    const limits = { ...defaultLimits, maxFileBytes: 2 ** 20 };
    await expect(read(bytes, 3, { limits })).rejects.toMatchObject({ code: 'limit-file-bytes' });
  });
});

describe('a NIfTI file that is written', () => {
  it.each(['nifti', 'nifti-gzip'] as const)('as %s reads the same again, with its axes', async (name) => {
    const signal = await read(file('packed.nii'));
    const bytes = await written(signal, [density], name);
    expect(sniffFormat(bytes)?.name).toBe(name);
    const again = await read(bytes);
    expect(again.values).toEqual(signal.values);
    expect(again.axes).toEqual(signal.axes);
  });

  it('is of the samples of its model, with slope and intercept', async () => {
    const signal = await read(file('packed.nii'));
    const shorts = { ...density, sample: 'int16' as const, low: -1000, peak: 2000 };
    const bytes = await written(signal, [shorts]);
    expect(readNiftiHeader(bytes).type.name).toBe('i2');
    const again = await read(bytes);
    signal.values.forEach((v, i) => void expect(Math.abs(again.values[i]! - v)).toBeLessThan(2000 / 65536));
  });

  it('is of version 2 where an axis is long, and of four axes in time', async () => {
    const long = {
      id: 'x',
      shape: [1, 1, 40000],
      channels: 1,
      values: new Float32Array(40000).map((_, i) => i),
    };
    const bytes = await written(long, [density]);
    expect(new DataView(bytes.buffer).getInt32(0, true)).toBe(540);
    expect((await read(bytes)).values).toEqual(long.values);
    const series = await read(file('series.nii'), 4);
    const again = await read(await written(series, [density]), 4);
    expect(again.axes).toEqual(series.axes);
    expect(again.values).toEqual(series.values);
  });

  it('is told by either suffix', () => {
    expect(formatOfName('a.nii.gz')?.name).toBe('nifti-gzip');
    expect(formatOfName('a.NII')?.name).toBe('nifti');
  });
});

async function written(
  signal: Signal,
  outputs: readonly Output[],
  name: WrittenName = 'nifti',
): Promise<Uint8Array> {
  const format = writtenFormatFor({ axes: signal.shape.length, outputs }, name, 'a test');
  const all: Uint8Array[] = [];
  for await (const piece of format.write(signalRows(signal), outputs)) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}
