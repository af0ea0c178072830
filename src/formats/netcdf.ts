/** NetCDF classic files: CDF-1, CDF-2 and CDF-5 (NetCDF Classic Format Specification, Unidata; PnetCDF CDF-5). */
import { BadStreamError } from '../core/errors.ts';
import type { Attributes } from '../field/about.ts';
import type { Dimension } from './field-file.ts';

/** How a value is stored. */
export interface NetcdfType {
  readonly name: string;
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

export interface NetcdfVariable {
  readonly name: string;
  readonly type: NetcdfType;
  /** The record dimension has the size of the records that there are. */
  readonly dimensions: readonly Dimension[];
  readonly attributes: Attributes;
  /** Those of the file, which all of its variables have in common. */
  readonly file: Attributes;
  /** Where its values begin. */
  readonly begin: number;
  /** Bytes from one record to the next; 0: it has none. */
  readonly recordStep: number;
}

/** By the numbers of the format. */
const types: Readonly<Record<number, NetcdfType>> = {
  1: { name: 'i1', bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { name: 'char', bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { name: 'i2', bytes: 2, read: (view, at) => view.getInt16(at) },
  4: { name: 'i4', bytes: 4, read: (view, at) => view.getInt32(at) },
  5: { name: 'f4', bytes: 4, read: (view, at) => view.getFloat32(at) },
  6: { name: 'f8', bytes: 8, read: (view, at) => view.getFloat64(at) },
  7: { name: 'u1', bytes: 1, read: (view, at) => view.getUint8(at) },
  8: { name: 'u2', bytes: 2, read: (view, at) => view.getUint16(at) },
  9: { name: 'u4', bytes: 4, read: (view, at) => view.getUint32(at) },
  10: { name: 'i8', bytes: 8, read: (view, at) => Number(view.getBigInt64(at)) },
  11: { name: 'u8', bytes: 8, read: (view, at) => Number(view.getBigUint64(at)) },
};

const tags = { dimension: 10, variable: 11, attribute: 12 };
/** A number of records that nobody went back to write. */
const streaming = [0xffff_ffff, 2 ** 64];

/** Everything but the values. Throws BadStreamError `bad-netcdf`, `truncated`. */
export function readNetcdf(bytes: Uint8Array): readonly NetcdfVariable[] {
  const version = bytes[3];
  if (String.fromCharCode(...bytes.subarray(0, 3)) !== 'CDF' || ![1, 2, 5].includes(version ?? 0))
    throw new BadStreamError(
      'bad-netcdf',
      0,
      'not a netCDF file of the classic formats: it begins otherwise',
    );
  const cursor = new Cursor(bytes, version === 5, version === 1 ? 4 : 8);
  const written = cursor.count();
  const sizes = cursor.list(tags.dimension, 8, () => ({ name: cursor.name(), size: cursor.count() }));
  const file = cursor.attributes();
  const found = cursor.list(tags.variable, 12, () => cursor.variable(sizes));
  const isRecord = ({ dimensions }: Found) => dimensions.length > 0 && sizes[dimensions[0]!]!.size === 0;
  const records = found.filter(isRecord);
  // A lone record variable is not padded: its records follow each other.
  const padding = records.length === 1 ? 1 : 4;
  const sliceBytes = ({ type, dimensions }: Found) =>
    dimensions.slice(1).reduce((n, id) => n * sizes[id]!.size, type.bytes);
  const recordStep = records.reduce((sum, one) => sum + Math.ceil(sliceBytes(one) / padding) * padding, 0);
  const there = records.length === 0 ? 0 : recordsIn(bytes.length, records, recordStep);
  const count = streaming.includes(written) ? there : written;
  return found.map((one) => ({
    name: one.name,
    type: one.type,
    attributes: one.attributes,
    file,
    begin: one.begin,
    recordStep: isRecord(one) ? recordStep : 0,
    dimensions: one.dimensions.map((id) => {
      const { name, size } = sizes[id]!;
      return { name, size: size === 0 ? count : size };
    }),
  }));
}

/**
 * Values of a box of a variable as they are stored, row-major. Throws BadStreamError `truncated` unless all of the variable lies in the file, before
 * anything is sized by it.
 */
export function readNetcdfBox(
  bytes: Uint8Array,
  variable: NetcdfVariable,
  { start, count }: { readonly start: readonly number[]; readonly count: readonly number[] },
): Float64Array {
  const { type, dimensions, begin, recordStep } = variable;
  const inner = recordStep > 0 ? dimensions.slice(1) : dimensions;
  const innerBytes = inner.reduce((n, { size }) => n * size, type.bytes);
  const records = recordStep > 0 ? dimensions[0]!.size : 1;
  const end = records === 0 ? begin : begin + (records - 1) * recordStep + innerBytes;
  if (!(end <= bytes.length)) {
    const shape = dimensions.map(({ name, size }) => `${name} ${size}`).join(', ');
    throw new BadStreamError(
      'truncated',
      bytes.length,
      `variable ${variable.name} (${shape}) ends at byte ${end}, behind the end`,
    );
  }
  const steps = dimensions.map((_, axis) => {
    if (axis === 0 && recordStep > 0) return recordStep;
    return dimensions.slice(axis + 1).reduce((n, { size }) => n * size, type.bytes);
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(count.reduce((n, size) => n * size, 1));
  const index = count.map(() => 0);
  let at = start.reduce((sum, first, axis) => sum + first * steps[axis]!, begin);
  for (let i = 0; i < values.length; i++) {
    values[i] = type.read(view, at);
    for (let axis = count.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++index[axis]! < count[axis]!) break;
      at -= count[axis]! * steps[axis]!;
      index[axis] = 0;
    }
  }
  return values;
}

interface Found {
  readonly name: string;
  /** Numbers of dimensions. */
  readonly dimensions: readonly number[];
  readonly attributes: Attributes;
  readonly type: NetcdfType;
  readonly begin: number;
}

/** Records that are whole, where the last one may lack its padding. */
function recordsIn(length: number, records: readonly Found[], step: number): number {
  const first = Math.min(...records.map(({ begin }) => begin));
  return step === 0 ? 0 : Math.max(0, Math.floor((length - first + 3) / step));
}

/** Reads on through a header: every count is held against the bytes that are left before anything is made of it. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLong: boolean;
  readonly #offsetBytes: number;
  #at = 4;

  constructor(bytes: Uint8Array, isLong: boolean, offsetBytes: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLong = isLong;
    this.#offsetBytes = offsetBytes;
  }

  /** A whole number that is not negative, as the version writes it. */
  count(): number {
    return this.#isLong ? this.#long() : this.#word();
  }

  /** `least`: bytes of an entry, at least. */
  list<T>(tag: number, least: number, entry: () => T): T[] {
    const at = this.#at;
    const found = this.#word();
    const length = this.count();
    if (found !== tag && (found !== 0 || length !== 0))
      throw new BadStreamError('bad-netcdf', at, `a list of kind ${found} where one of ${tag} belongs`);
    this.#need(length * least, 'a list');
    return Array.from({ length }, entry);
  }

  name(): string {
    const length = this.count();
    return new TextDecoder().decode(this.#take(length, 'a name'));
  }

  attributes(): Attributes {
    const all: Record<string, string | readonly number[]> = Object.create(null);
    for (const [name, value] of this.list(tags.attribute, 12, () => this.#attribute())) all[name] = value;
    return all;
  }

  variable(sizes: readonly Dimension[]): Found {
    const name = this.name();
    const at = this.#at;
    const length = this.count();
    this.#need(length * 4, 'dimensions');
    const dimensions = Array.from({ length }, () => this.count());
    const unknown = dimensions.find((id) => id >= sizes.length);
    if (unknown !== undefined)
      throw new BadStreamError(
        'bad-netcdf',
        at,
        `variable ${name} has dimension ${unknown}, of ${sizes.length}`,
      );
    if (dimensions.some((id, axis) => axis > 0 && sizes[id]!.size === 0))
      throw new BadStreamError('bad-netcdf', at, `variable ${name} has its records behind another dimension`);
    const attributes = this.attributes();
    const type = this.#type();
    this.count();
    return {
      name,
      dimensions,
      attributes,
      type,
      begin: this.#offsetBytes === 4 ? this.#word() : this.#long(),
    };
  }

  #attribute(): [string, string | readonly number[]] {
    const name = this.name();
    const type = this.#type();
    const length = this.count();
    const bytes = this.#take(length * type.bytes, `attribute ${name}`);
    if (type.name === 'char') return [name, new TextDecoder().decode(bytes).replace(/\0+$/, '')];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return [name, Array.from({ length }, (_, i) => type.read(view, i * type.bytes))];
  }

  #type(): NetcdfType {
    const at = this.#at;
    const number = this.#word();
    const type = types[number];
    if (type === undefined) throw new BadStreamError('bad-netcdf', at, `there is no type ${number}`);
    return type;
  }

  /** Padded to four bytes. */
  #take(length: number, what: string): Uint8Array {
    this.#need(length, what);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += Math.ceil(length / 4) * 4;
    return bytes;
  }

  #word(): number {
    this.#need(4, 'its header');
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  #long(): number {
    this.#need(8, 'its header');
    this.#at += 8;
    return Number(this.#view.getBigUint64(this.#at - 8));
  }

  #need(length: number, what: string): void {
    if (!(this.#at + length <= this.#bytes.length))
      throw new BadStreamError('truncated', this.#bytes.length, `${what} ends behind the end of the file`);
  }
}
