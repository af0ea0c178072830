/**
 * The thread that reads HDF5 files, by the package h5wasm: the HDF5 library itself, in WebAssembly, with a file system in memory. What the
 * package leaves to its caller is here: errors are thrown, and what would come out wrong without a word is refused (ADR 58).
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Attributes } from '../field/about.ts';
import type { Box, Dimension } from './field-file.ts';
import { contained, hdf5, libraryReady, openFile, quietly, restore, textsOf } from './hdf5-library.ts';
import { copyBox, rowMajor } from './strided.ts';

/** What the thread is asked, one after the other: a file first, then parts of its variables by their number. */
export type Asked =
  | { readonly bytes: Uint8Array }
  | { readonly variable: number; readonly box: Box }
  | 'close';
/** What it answers, once it is ready; text is why it cannot. A thread that is spent reads no other file. */
export type Told = string | readonly ThreadVariable[] | Float64Array | 'ready' | 'closed' | 'spent';

/** A variable, as far as it can be sent. */
export interface ThreadVariable {
  readonly name: string;
  /** As NumPy names it; nothing for what is no number. */
  readonly type: string | undefined;
  readonly dimensions: readonly Dimension[];
  readonly attributes: Attributes;
  /** Those of the file. */
  readonly file: Attributes;
  readonly fills: boolean;
  /** Why it is not read. */
  readonly refused: string | undefined;
  /** Values that are unpacked at once. */
  readonly pieceValues: number;
}

type Metadata = hdf5.Metadata;
type Dataset = hdf5.Dataset;

/** Filters by their numbers that the package has, and that give back what was stored. */
const filters: ReadonlySet<number> = new Set([1, 2, 3, 6]);
/** Numbers of the classes of types. */
const classes = { integer: 0, real: 1, text: 3, enumeration: 8 };
/** Objects of a file, and how deep they lie, at most. */
const most = { objects: 4096, depth: 16, axes: 32 };
/** Values that are read at once, so that what the library holds stays small. */
const blockValues = 2 ** 20;
/** What netCDF calls a dimension that has no variable of its own. */
const noVariable = /^This is a netCDF dimension but not a netCDF variable/;

const port = parentPort as MessagePort;
let found: readonly Found[] = [];
let fileBytes = 0;

const tell = (told: Told, transferred: ArrayBuffer[] = []) => port.postMessage(told, transferred);
libraryReady.then(
  () => tell('ready'),
  (error) => tell(reasonOf(error)),
);
port.on('message', (asked: Asked) => {
  let told: Told;
  try {
    told = asked === 'close' ? close() : contained(() => answer(asked));
  } catch (error) {
    told = reasonOf(error);
  }
  tell(told, told instanceof Float64Array ? [told.buffer as ArrayBuffer] : []);
});

function close(): 'closed' | 'spent' {
  found = [];
  return restore() ? 'closed' : 'spent';
}

function answer(asked: Exclude<Asked, 'close'>): Told {
  if ('bytes' in asked) {
    fileBytes = asked.bytes.length;
    const file = openFile(asked.bytes);
    found = datasetsIn(file);
    return variablesOf(found, attributesOf(file));
  }
  const { dataset, metadata } = found[asked.variable]!;
  return valuesOf(dataset, metadata, asked.box);
}

/** A data set, by its path without the first slash. */
interface Found {
  readonly name: string;
  readonly dataset: Dataset;
  readonly metadata: Metadata & { readonly shape: number[] };
  readonly attributes: Attributes;
  /** Their names, where the file tells them. */
  readonly dimensions: readonly (string | undefined)[];
}

function variablesOf(found: readonly Found[], file: Attributes): ThreadVariable[] {
  /** Samples along the dimensions that netCDF names: a variable may have been written to fewer of them. */
  const sizes = new Map<string, number>();
  for (const { dimensions, metadata } of found)
    for (const [axis, dimension] of dimensions.entries())
      if (dimension !== undefined)
        sizes.set(dimension, Math.max(sizes.get(dimension) ?? 0, metadata.shape[axis]!));
  return found.map(({ name, dataset, metadata, attributes, dimensions }) => ({
    ...{ name, attributes, file, type: typeOf(metadata) },
    // plain HDF5 has no value that stands for none
    fills: dimensions.some((own) => own !== undefined),
    dimensions: metadata.shape.map((size, axis) => {
      const own = dimensions[axis];
      return { name: own ?? `axis${axis}`, size: own === undefined ? size : sizes.get(own)! };
    }),
    refused: refusalOf(dataset, metadata),
    pieceValues: (metadata.chunks ?? []).reduce((n, size) => n * size, 1),
  }));
}

/** Every data set below the root; links to other files, and to groups that a group lies in, are passed over. */
function datasetsIn(root: hdf5.File): Found[] {
  const found: Found[] = [];
  let objects = 0;
  const walk = (group: hdf5.Group, path: string, above: readonly string[]) => {
    const place = placeOf(group);
    if (above.includes(place)) return;
    const groups = [...above, place];
    for (const key of group.keys()) {
      if (++objects > most.objects || above.length > most.depth) return;
      const name = `${path}${key}`;
      const entity = group.get(key);
      if (entity instanceof hdf5.Group) walk(entity, `${name}/`, groups);
      else if (entity instanceof hdf5.Dataset) {
        const { metadata } = entity;
        const { shape } = metadata;
        if (shape === null || shape.length > most.axes) continue;
        const attributes = attributesOf(entity);
        if (noVariable.test(String(attributes.NAME ?? ''))) continue;
        found.push({
          ...{ name, dataset: entity, metadata: { ...metadata, shape }, attributes },
          dimensions:
            attributes.CLASS === 'DIMENSION_SCALE' && shape.length === 1
              ? [name]
              : scalesOf(entity, shape.length),
        });
      }
    }
  };
  walk(root, '', []);
  return found;
}

/** Where in the file a group lies, by whatever name it is reached. */
function placeOf(group: hdf5.Group): string {
  return String(group.create_reference().ref_data);
}

/** The dimension scale that is attached to each axis, else its label. */
function scalesOf(dataset: Dataset, axes: number): (string | undefined)[] {
  const labels = axes === 0 ? [] : (quietly(() => dataset.get_dimension_labels()) ?? []);
  return Array.from({ length: axes }, (_, axis) => {
    const [scale] = quietly(() => dataset.get_attached_scales(axis)) ?? [];
    return scale?.replace(/^\//, '') ?? (labels[axis] || undefined);
  });
}

/** As NumPy names it; nothing for what is no number. */
function typeOf({ type, size, signed, enum_type: members }: Metadata): string | undefined {
  const isWhole =
    type === classes.integer || (type === classes.enumeration && members?.type === classes.integer);
  if (isWhole) return [1, 2, 4, 8].includes(size) ? `${signed ? 'i' : 'u'}${size}` : undefined;
  return type === classes.real && [2, 4, 8].includes(size) ? `f${size}` : undefined;
}

/** Why a variable would come out wrong, and what to do. */
function refusalOf(dataset: Dataset, { type, size, virtual_sources: sources }: Metadata): string | undefined {
  if (type === classes.real && size === 2) return 'is of float16, which is not read; save it as float32';
  if (sources !== undefined && sources.length > 0)
    return 'is made up of other files, which are not here; copy it into one file: h5repack IN OUT';
  const lacking = dataset.filters.find(({ id }) => !filters.has(id));
  if (lacking === undefined) return undefined;
  const filter = lacking.name || `filter ${lacking.id}`;
  return `is packed by ${filter}, which is not read; repack it: h5repack -f GZIP=4 IN OUT`;
}

/** Values of a box, row-major; NaN behind the end of what was written. */
function valuesOf(
  dataset: Dataset,
  { shape, chunks }: Found['metadata'],
  { start, count }: Box,
): Float64Array {
  const total = count.reduce((n, size) => n * size, 1);
  const values = new Float64Array(total);
  const there = count.map((size, axis) => Math.max(0, Math.min(size, shape[axis]! - start[axis]!)));
  if (there.join() !== count.join()) values.fill(Number.NaN);
  if (there.includes(0)) return values;
  if (shape.length === 0) {
    values[0] = Number(dataset.value);
    return values;
  }
  const [rows = 1, ...inner] = there;
  const rowValues = inner.reduce((n, size) => n * size, 1);
  const inPiece = chunks?.[0] ?? 1;
  const step = Math.max(1, Math.floor(blockValues / rowValues / inPiece)) * inPiece;
  for (let from = 0; from < rows; from += step) {
    const block = Math.min(step, rows - from);
    const ranges = there.map((size, axis) => {
      const first = start[axis]! + (axis === 0 ? from : 0);
      return [first, first + (axis === 0 ? block : size)] as [number, number];
    });
    const read = numbersOf(dataset.slice(ranges));
    const strides = rowMajor(count);
    const part = [block, ...inner];
    copyBox(
      part,
      { at: 0, strides: rowMajor(part), numberAt: (i) => read[i]! },
      { at: from * strides[0]!, strides, values },
    );
  }
  return values;
}

/** Whole numbers of 64 bits come as BigInt. */
function numbersOf(read: unknown): ArrayLike<number> {
  if (read instanceof BigInt64Array || read instanceof BigUint64Array) return Float64Array.from(read, Number);
  if (ArrayBuffer.isView(read) && !(read instanceof DataView)) return read as Float64Array;
  throw new Error('its values are no numbers');
}

function attributesOf({ attrs }: Dataset | hdf5.File): Attributes {
  const all: Record<string, string | readonly number[]> = Object.create(null);
  for (const name of Object.keys(attrs)) {
    const value = quietly(() => attributeOf(attrs[name]!));
    if (value !== undefined) all[name] = value;
  }
  return all;
}

/** Texts and numbers; what says that it is longer than the file is not read. */
function attributeOf(attribute: hdf5.Attribute): string | readonly number[] | undefined {
  const { metadata } = attribute;
  if (!(metadata.size * metadata.total_size <= fileBytes)) return undefined;
  const isNumber = typeOf(metadata) !== undefined;
  if (!isNumber && metadata.type !== classes.text) return undefined;
  const value = metadata.vlen ? textsOf(attribute) : attribute.value;
  const all = Array.isArray(value)
    ? value
    : ArrayBuffer.isView(value)
      ? Array.from(numbersOf(value))
      : [value];
  if (isNumber) return all.map(Number);
  return all.length === 1 && typeof all[0] === 'string' ? all[0] : undefined;
}

/** The innermost line of the library's trace, which says what is wrong with the file. */
function reasonOf(error: unknown): string {
  const lines = String((error as Error)?.message ?? error).split('\n');
  const traced = lines.filter((line) => /^ *#\d+: /.test(line)).at(-1);
  return (traced?.replace(/^.*?\(\): /, '') ?? lines[0]!).slice(0, 200);
}
