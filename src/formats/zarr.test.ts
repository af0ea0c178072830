import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { outputsOfKind } from '../field/kinds.ts';
import { packDirectory } from './formats.ts';
import { readSignalAs, readSignalShape } from './read.ts';
import { readZip, storedZip } from './zip.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const maxBytes = defaultLimits.maxFileBytes;
const file = async (name: string) =>
  name.endsWith('.zarr')
    ? (await packDirectory(join(folder, name), { maxBytes }))!
    : new Uint8Array(readFileSync(join(folder, name)));
/** What zarr and NumPy read: null where nothing is. */
const wanted = JSON.parse(readFileSync(join(folder, 'zarrs.json'), 'utf8')) as Record<
  string,
  Record<string, { shape: number[]; values: (number | null)[] }>
>;
const read = async (name: string | Uint8Array, variable?: string, axes = 2, limits = defaultLimits) =>
  readSignalAs(typeof name === 'string' ? await file(name) : name, {
    ...{ id: 'x', axes, outputs: 'any', limits },
    variable,
  });
const zipOf = (files: Record<string, string | Uint8Array>) =>
  storedZip(
    new Map(
      Object.entries(files).map(([name, content]) => [
        name,
        typeof content === 'string' ? new TextEncoder().encode(content) : content,
      ]),
    ),
  );

it.each(
  Object.entries(wanted).flatMap(([name, arrays]) =>
    Object.entries(arrays).map(([variable, own]) => ({ name, variable, ...own })),
  ),
)('$name: $variable is what its writer reads', async ({ name, variable, shape, values }) => {
  // of pictures the channels are no axis
  const axes = name === 'one.npz' ? 2 : shape.length;
  const signal = await read(name, variable, axes);
  expect(signal.shape).toEqual(shape.slice(0, axes));
  const found = [...signal.values].map((v) => (Number.isNaN(v) ? null : v));
  expect(found).toEqual(values.map((v) => (v === null ? null : Math.fround(v))));
});

describe('a zarr store', () => {
  it('has the axes that xarray names, with their places', async () => {
    expect((await read('field.zarr')).axes).toEqual([
      { name: 'lat', unit: 'degrees_north', start: -75, step: 30, weight: 'cosine' },
      { name: 'lon', unit: 'degrees_east', start: 0, step: 30, wraps: true },
    ]);
    expect((await read('three.zarr', 'turned')).axes).toEqual([{ name: 'y' }, { name: 'x' }]);
  });

  it.each([2, 3])('of version %i says what CF names of the whole', async (version) => {
    const attributes = { title: 'made up', contact: 'nobody' };
    const array =
      version === 2
        ? { zarr_format: 2, shape: [2, 2], chunks: [2, 2], dtype: '<f4', fill_value: 0, order: 'C' }
        : {
            ...{ zarr_format: 3, node_type: 'array', shape: [2, 2], data_type: 'float32', fill_value: 0 },
            chunk_grid: { name: 'regular', configuration: { chunk_shape: [2, 2] } },
            chunk_key_encoding: { name: 'default' },
            codecs: [{ name: 'bytes', configuration: { endian: 'little' } }],
          };
    const files: Record<string, string> =
      version === 2
        ? {
            'a.zarr/.zgroup': '{"zarr_format":2}',
            'a.zarr/.zattrs': JSON.stringify(attributes),
            'a.zarr/T/.zarray': JSON.stringify({ ...array, compressor: null, filters: null }),
          }
        : {
            'a.zarr/zarr.json': JSON.stringify({ zarr_format: 3, node_type: 'group', attributes }),
            'a.zarr/T/zarr.json': JSON.stringify(array),
          };
    const { about, notes } = await read(zipOf(files));
    expect(about).toEqual({ attributes: [{}], file: { title: 'made up' } });
    expect(notes).toEqual(['attributes of the file are not kept: contact']);
  });

  it('is read in part, from the chunks that the part lies in', async () => {
    const { shape, values } = await read('two.zarr.zip', 'bloscfortran[axis0=3]', 1);
    expect(shape).toEqual([7]);
    expect([...values]).toEqual(
      wanted['two.zarr.zip']!.bloscfortran!.values.slice(21, 28).map((v) => Math.fround(v!)),
    );
  });

  it.each([
    ['complex', 'no-variable'],
    ['half', 'no-variable'],
    ['unread', 'bad-zarr'],
    ['huge', 'limit-samples'],
  ])('is refused where %s is no array that can be read', async (variable, code) => {
    const error = await read('two.zarr.zip', variable).catch((error) => error);
    expect(error).toMatchObject({ code });
    // what it is packed by, and not that there is none
    if (variable === 'unread') expect(error.message).toContain('bz2');
  });

  it.each([
    ['bytes', [{ name: 'transpose', configuration: { order: 'x' } }, {}]],
    [
      'a shard',
      [{ name: 'sharding_indexed', configuration: { codecs: [{ name: 'bytes' }, { name: 'no' }] } }],
    ],
  ])('is refused by a codec of %s that is not there, before any is loaded', async (_, codecs) => {
    const metadata = {
      ...{ zarr_format: 3, node_type: 'array', shape: [2, 2], data_type: 'float32', fill_value: 0 },
      chunk_grid: { name: 'regular', configuration: { chunk_shape: [2, 2] } },
      ...{ chunk_key_encoding: { name: 'default' }, codecs },
    };
    const bytes = zipOf({ 'zarr.json': JSON.stringify(metadata), 'c/0/0': new Uint8Array(16) });
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'bad-zarr',
      message: expect.stringContaining('which is not read'),
    });
  });

  it('is refused by the size of its chunks, and by what they say they unpack to', async () => {
    const limits = { ...defaultLimits, maxSamples: 2 ** 20 };
    await expect(read('two.zarr.zip', 'chunky[axis0=0]', 1, limits)).rejects.toMatchObject({
      code: 'limit-samples',
    });
    const entries = [...readZip(await file('two.zarr.zip'), defaultLimits)];
    for (const [variable, at] of [
      ['blosc', 4],
      ['lz4', 0],
      ['gzip', undefined],
    ] as const) {
      const files = new Map(entries.map(([name, entry]) => [name, entry.read()]));
      const chunk = files.get(`${variable}/0.0`)!;
      if (at === undefined) files.set(`${variable}/0.0`, new Uint8Array(await bomb()));
      else new DataView(chunk.buffer).setUint32(at, 0x7fff_0000, true);
      await expect(read(storedZip(files), variable), variable).rejects.toMatchObject({ code: 'bad-zarr' });
    }
  });

  it.each([
    ['no array', { 'a/b': 'c' }],
    ['text that is no JSON', { 'a/.zarray': '{' }],
    ['a shape of none', { 'a/.zarray': '{"shape":[-1],"chunks":[1],"dtype":"<f4"}' }],
    ['a shape of more than there are', { 'a/.zarray': '{"shape":[1e300],"chunks":[1],"dtype":"<f4"}' }],
    [
      'chunks of none',
      { 'a/.zarray': '{"zarr_format":2,"shape":[4],"chunks":[0],"dtype":"<f4","order":"C"}' },
    ],
    [
      'other chunks',
      { 'a/.zarray': '{"zarr_format":2,"shape":[4],"chunks":[2,2],"dtype":"<f4","order":"C"}' },
    ],
    [
      'a chunk that is too short',
      {
        'a/.zarray':
          '{"zarr_format":2,"shape":[4],"chunks":[4],"dtype":"<f4","order":"C","compressor":null,"filters":null,"fill_value":0}',
        'a/0': new Uint8Array(8),
      },
    ],
    ['a path that leads out of it', { '../../etc/.zarray': '{"shape":[4]}' }],
  ])('of %s is refused', async (_, files) => {
    await expect(read(zipOf(files as Record<string, string>), undefined, 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^(bad-zarr|no-variable)$/),
    });
  });

  it('that is a directory is packed without what its links lead to', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'functa-zarr-'));
    try {
      expect(await packDirectory(directory, { maxBytes })).toBeUndefined();
      symlinkSync('/etc/hostname', join(directory, '.zgroup'));
      const packed = (await packDirectory(directory, { maxBytes }))!;
      expect([...readZip(packed, defaultLimits).keys()]).toEqual([]);
      await expect(packDirectory(join(folder, 'field.zarr'), { maxBytes: 1000 })).rejects.toMatchObject({
        code: 'limit-file-bytes',
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

async function bomb(): Promise<Uint8Array> {
  const { gzipSync } = await import('node:zlib');
  return gzipSync(new Uint8Array(2 ** 20));
}

describe('an npz file', () => {
  it('has integers on the scale of an npy file, and several arrays as channels', async () => {
    const outputs = outputsOfKind('rgb', { offset: 0, scale: 1 });
    const bytes = await file('one.npz');
    const picture = await readSignalAs(bytes, { id: 'x', axes: 2, outputs });
    expect(picture).toMatchObject({ shape: [4, 5], channels: 3 });
    const both = await read('several.npz', 'u,v');
    expect(both).toMatchObject({ shape: [3, 4], channels: 2 });
    expect(both.values[9]).toBe(Math.fround(wanted['several.npz']!.v!.values[4]!));
    await expect(read('several.npz')).rejects.toMatchObject({ code: 'which-variable' });
    expect((await read('several.npz', 'time[axis0=1]')).values[0]).toBe(12);
    // the shape is told by the first bytes of an array, of which the rest may be damaged
    const asked = { axes: 2, outputs: 'any', variable: 'u', limits: defaultLimits } as const;
    const cut = await file('several.npz');
    cut.fill(0, 200, 260);
    expect(await readSignalShape(cut, asked)).toEqual([3, 4]);
    await expect(readSignalAs(cut, { id: 'x', ...asked })).rejects.toMatchObject({ kind: 'stream' });
  });
});

describe('a ZIP archive', () => {
  const bytes = zipOf({ 'a.npy': 'some content', b: '' });

  it('is read as it was written, by others too', () => {
    const read = [...readZip(bytes, defaultLimits)].map(([name, entry]) => [
      name,
      String(Buffer.from(entry.read())),
    ]);
    expect(read).toEqual([
      ['a.npy', 'some content'],
      ['b', ''],
    ]);
  });

  it.each([
    ['cut off', 'truncated', (own: Uint8Array) => own.slice(0, -30)],
    ['of another content than its checksum', 'checksum', (own: Uint8Array) => own.fill(65, 35, 40)],
    [
      'of sizes that are none',
      'bad-zip',
      (own: Uint8Array) =>
        own.fill(127, own.length - 22 - 47 - 46 + 24 - 5, own.length - 22 - 47 - 46 + 28 - 5),
    ],
  ])('that is %s is refused', (_, code, change) => {
    expect(() =>
      [...readZip(change(bytes.slice()), defaultLimits).values()].map((entry) => entry.read()),
    ).toThrow(expect.objectContaining({ code }));
  });
});
