/**
 * Zarr stores, versions 2 and 3, kept in a ZIP archive, by the package zarrita. A directory is packed as it is first (zarr-directory.ts). What
 * the package takes on trust is held against limits here: sizes of chunks, and what they unpack to (ADR 58).
 */
import type { DataType, Readable, Array as ZarrArray } from 'zarrita';
import { BadStreamError, FunctaError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { optionalPackage } from '../core/optional-package.ts';
import type { Attributes } from '../field/about.ts';
import type { Box, FieldVariable } from './field-file.ts';
import { copyBox, placeOf, rowMajor } from './strided.ts';
import { boundCodecs, unknownCodec } from './zarr-codecs.ts';
import { readZip, type ZipEntry } from './zip.ts';

type Zarrita = typeof import('zarrita');
type Opened = ZarrArray<DataType, Readable>;

const metadataFiles = { v2: '.zarray', v3: 'zarr.json' } as const;
const mostAxes = 32;
const mostArrays = 4096;

/** Types by the names of version 3; of others none is a number here. Half floats need a newer engine. */
const numbers: ReadonlyMap<string, string> = new Map([
  ...(['int', 'uint'] as const).flatMap((kind) =>
    [8, 16, 32, 64].map((bits): [string, string] => [`${kind}${bits}`, `${kind[0]}${bits / 8}`]),
  ),
  ['float32', 'f4'],
  ['float64', 'f8'],
  ['bool', 'u1'],
]);

/** Throws EnvironmentError `package-absent`, BadStreamError `bad-zarr`, `bad-zip`, LimitError. */
export async function zarrVariables(bytes: Uint8Array, limits: Limits): Promise<readonly FieldVariable[]> {
  const entries = readZip(bytes, limits);
  const zarrita = await optionalPackage('zarrita', () => import('zarrita'), 'give a netCDF-3 or npy file');
  boundCodecs(zarrita.registry);
  const store = storeOf(entries);
  const found: FieldVariable[] = [];
  let file: Attributes | undefined;
  const paths = [...entries.keys()];
  const [root = ''] = paths
    .filter((path) => /(^|\/)(\.z(group|array|metadata)|zarr\.json)$/.test(path))
    .map((path) => path.replace(/[^/]*$/, ''))
    .sort((a, b) => a.length - b.length);
  for (const path of paths) {
    const version = (['v2', 'v3'] as const).find((own) => path.split('/').at(-1) === metadataFiles[own]);
    if (path === `${root}.zattrs` && !entries.has(`${root}.zarray`))
      file = attributesOf(readJson(entries.get(path)!.read(), path));
    if (version === undefined || found.length >= mostArrays) continue;
    const metadata = readJson(entries.get(path)!.read(), path);
    const folder = path.slice(0, -metadataFiles[version].length);
    if (version === 'v3' && metadata.node_type !== 'array') {
      if (folder === root) file = attributesOf((metadata.attributes ?? {}) as Record<string, unknown>);
      continue;
    }
    const name = folder.slice(root.length).replace(/\/$/, '') || 'array';
    found.push(
      variableOf(zarrita, { name, version, metadata, location: `/${folder}`, store, limits }, entries),
    );
  }
  if (found.length === 0)
    throw new BadStreamError('bad-zarr', 0, 'the archive holds no zarr array, and no npy array is its first');
  return found.map((one) => ({ ...one, file }));
}

interface Located {
  readonly name: string;
  readonly version: 'v2' | 'v3';
  readonly metadata: Record<string, unknown>;
  readonly location: `/${string}`;
  readonly store: Readable;
  readonly limits: Limits;
}

function variableOf(zarrita: Zarrita, own: Located, entries: ReadonlyMap<string, ZipEntry>): FieldVariable {
  const { name, version, metadata, location } = own;
  const shape = sizesOf(metadata.shape, 0, name);
  const isV2 = version === 'v2';
  const attributesFile = `${location.slice(1)}.zattrs`;
  const stored = isV2
    ? entries.has(attributesFile)
      ? readJson(entries.get(attributesFile)!.read(), attributesFile)
      : {}
    : (metadata.attributes ?? {});
  const attributes = attributesOf(stored as Record<string, unknown>);
  const dimensions = isV2 ? (stored as Record<string, unknown>)._ARRAY_DIMENSIONS : metadata.dimension_names;
  const names = Array.isArray(dimensions) ? dimensions : [];
  const type = typeOf(isV2 ? metadata.dtype : metadata.data_type, isV2);
  // what xarray writes for a value that stands for none: the fill value itself, or an attribute
  const fill = isV2 && names.length > 0 && '_FillValue' in attributes === false ? metadata.fill_value : null;
  const folder = name.includes('/') ? name.replace(/[^/]*$/, '') : '';
  return {
    ...{ name, type, fills: false },
    attributes: typeof fill === 'number' ? { ...attributes, _FillValue: [fill] } : attributes,
    dimensions: shape.map((size, axis) => ({
      name: typeof names[axis] === 'string' ? `${folder}${names[axis]}` : `axis${axis}`,
      size,
    })),
    values: (box) => tagged(name, async () => valuesOf(await opened(zarrita, own, shape), box)),
  };
}

/** Throws BadStreamError `bad-zarr`, LimitError `limit-samples`. */
async function opened(
  zarrita: Zarrita,
  { name, version, metadata, location, store, limits }: Located,
  shape: readonly number[],
): Promise<Opened> {
  const grid = metadata.chunk_grid as { configuration?: { chunk_shape?: unknown } } | undefined;
  const checkChunk = (chunk: readonly number[]) => {
    if (chunk.length !== shape.length)
      throw new BadStreamError('bad-zarr', 0, `array ${name} has chunks of [${chunk}] in [${shape}]`);
    const hint = `array ${name} is stored in larger chunks; store it in smaller ones`;
    checkLimit(
      'samples',
      chunk.reduce((n, size) => n * size, 1),
      limits.maxSamples,
      hint,
    );
  };
  checkChunk(sizesOf(version === 'v2' ? metadata.chunks : grid?.configuration?.chunk_shape, 1, name));
  const unknown = unknownCodec(zarrita.registry, metadata);
  if (unknown !== undefined)
    throw new BadStreamError('bad-zarr', 0, `array ${name} is packed by ${unknown}, which is not read`);
  const place = zarrita.root(store).resolve(location);
  // each by its own: `open` says of an array whose type it does not know that there is none
  const array =
    version === 'v2'
      ? await zarrita.open.v2(place, { kind: 'array' })
      : await zarrita.open.v3(place, { kind: 'array' });
  checkChunk(sizesOf(array.chunks, 1, name));
  return array;
}

/** Values of a box, row-major, from one chunk after the other. */
async function valuesOf(array: Opened, { start, count }: Box): Promise<Float64Array> {
  const { chunks } = array;
  const values = new Float64Array(count.reduce((n, size) => n * size, 1));
  const strides = rowMajor(count);
  const first = start.map((from, axis) => Math.floor(from / chunks[axis]!));
  const last = start.map((from, axis) => Math.floor((from + count[axis]! - 1) / chunks[axis]!));
  if (count.includes(0)) return values;
  const at = [...first];
  for (;;) {
    const { data, shape, stride } = await array.getChunk(at);
    const from = at.map((chunk, axis) => Math.max(start[axis]!, chunk * chunks[axis]!));
    const to = at.map((chunk, axis) => Math.min(start[axis]! + count[axis]!, (chunk + 1) * chunks[axis]!));
    if (shape.join() !== chunks.join() || data.length !== chunks.reduce((n, size) => n * size, 1))
      throw new Error(`a chunk has ${data.length} values, [${chunks}] are said`);
    copyBox(
      to.map((end, axis) => end - from[axis]!),
      {
        at: placeOf(
          from.map((own, axis) => own - at[axis]! * chunks[axis]!),
          stride,
        ),
        strides: stride,
        numberAt: readerOf(data),
      },
      {
        at: placeOf(
          from.map((own, axis) => own - start[axis]!),
          strides,
        ),
        strides,
        values,
      },
    );
    let axis = at.length - 1;
    for (; axis >= 0 && at[axis] === last[axis]; axis--) at[axis] = first[axis]!;
    if (axis < 0) return values;
    at[axis]!++;
  }
}

/** Booleans are a class of the package's own, whole numbers of 64 bits BigInt. */
function readerOf(data: { readonly length: number }): (index: number) => number {
  if ('get' in data) return (i) => Number((data as unknown as { get(i: number): boolean }).get(i));
  return (i) => Number((data as unknown as ArrayLike<number | bigint>)[i]);
}

function typeOf(type: unknown, isV2: boolean): string | undefined {
  if (typeof type !== 'string') return undefined;
  if (!isV2) return numbers.get(type);
  const own = type.slice(1);
  return own === 'b1' ? 'u1' : [...numbers.values()].find((known) => known === own);
}

/** Throws BadStreamError `bad-zarr`. */
function sizesOf(given: unknown, least: number, name: string): readonly number[] {
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= least;
  if (Array.isArray(given) && given.length <= mostAxes && given.every(isSize)) return given;
  throw new BadStreamError('bad-zarr', 0, `array ${name} has no shape, or its chunks have none`);
}

/** Texts and numbers. A fill value of version 3 is written as xarray does: a float64 in base 64. */
function attributesOf(stored: Readonly<Record<string, unknown>>): Attributes {
  const all: Record<string, string | readonly number[]> = Object.create(null);
  for (const [name, value] of Object.entries(stored)) {
    const list = Array.isArray(value) ? value : [value];
    if (list.every((own) => typeof own === 'number')) all[name] = list;
    else if (name === '_FillValue' && typeof value === 'string') {
      const packed = Buffer.from(value, 'base64');
      if (packed.length === 8) all[name] = [packed.readDoubleLE()];
    } else if (typeof value === 'string') all[name] = value;
  }
  return all;
}

function storeOf(entries: ReadonlyMap<string, ZipEntry>): Readable {
  const read = (key: string) => entries.get(key.slice(1))?.read();
  return {
    get: async (key) => read(key),
    async getRange(key, range) {
      const bytes = read(key);
      if ('suffixLength' in range) return bytes?.slice(-range.suffixLength);
      return bytes?.slice(range.offset, range.offset + range.length);
    },
  };
}

/** Throws BadStreamError `bad-zarr`. */
function readJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found;
  } catch {
    // as what is no object
  }
  throw new BadStreamError('bad-zarr', 0, `${path} is no JSON object`);
}

async function tagged<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const causes = [error, (error as Error).cause];
    const own = causes.find((cause) => cause instanceof FunctaError);
    if (own !== undefined) throw own;
    const why = causes
      .map((cause) => (cause as Error | undefined)?.message ?? '')
      .filter((text) => text !== '');
    throw new BadStreamError('bad-zarr', 0, `array ${name} cannot be read: ${why.join(': ').slice(0, 200)}`);
  }
}
