/** NetCDF classic files (CDF-1) of rows as they come: the first axis is the record dimension, so that outputs may be variables of their own. */
import { BadInputError } from '../core/errors.ts';
import { type Axis, axisNames, type Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { coordinateAt } from '../signal/axes.ts';
import type { RowStream } from '../signal/rows.ts';

/** NC_FILL_FLOAT: what readers take for a missing value unless told otherwise. */
const fill = 9.969209968386869e36;
const mostBytes = 2 ** 31 - 4;
const [char, float, double] = [2, 5, 6];

/** A text, a float, or doubles. */
type WrittenAttribute = readonly [name: string, value: string | number | readonly number[]];

interface Written {
  readonly name: string;
  readonly type: number;
  /** Numbers of dimensions. */
  readonly dimensions: readonly number[];
  readonly attributes: readonly WrittenAttribute[];
  /** Of a record, or of all where it has none. */
  readonly bytes: number;
}

/**
 * The pieces of a file: a variable of floats for each output, with its unit, and one of coordinates for each axis that has them. Missing
 * values are written as the fill value. Throws BadInputError `netcdf-length`.
 */
export async function* netcdfChunks(
  stream: RowStream,
  outputs: readonly Output[],
): AsyncGenerator<Uint8Array> {
  const { shape, channels } = stream;
  const names = uniqueNames([...axisNamesOf(stream), ...outputs.map(({ name }) => name)]);
  const axes = shape.map((_, axis): Axis => ({ ...stream.axes?.[axis], name: names[axis]! }));
  const slice = pointCount(shape.slice(1));
  if (!(Math.max(4 * slice * channels, 8 * shape[0]!) <= mostBytes)) {
    throw new BadInputError(
      'netcdf-length',
      `[${shape}] is more than a netCDF file of this kind says; ask for a region, or for npy`,
    );
  }
  const coordinates = axes.flatMap((axis, i) => (coordinateAt(axis, 0) === undefined ? [] : [{ axis, i }]));
  const fixed = coordinates.filter(({ i }) => i > 0);
  const variables: Written[] = [
    ...fixed.map(({ axis, i }) => coordinateOf(axis, i, shape[i]!)),
    ...coordinates.filter(({ i }) => i === 0).map(({ axis }) => coordinateOf(axis, 0, 1)),
    ...outputs.map(({ unit }, o) => ({
      ...{
        name: names[shape.length + o]!,
        type: float,
        dimensions: shape.map((_, i) => i),
        bytes: 4 * slice,
      },
      attributes: [
        ...(unit === undefined ? [] : [['units', unit] as const]),
        ...attributesOf(stream, o),
        ['_FillValue', fill] as const,
      ],
    })),
  ];
  yield headerOf(shape, names, variables);
  for (const { axis, i } of fixed)
    yield doubles(Array.from({ length: shape[i]! }, (_, j) => coordinateAt(axis, j)!));
  const own = coordinates.find(({ i }) => i === 0)?.axis;
  let record = 0;
  for await (const { rows, values } of stream.rows) {
    const step = (own === undefined ? 0 : 8) + 4 * slice * channels;
    const bytes = new DataView(new ArrayBuffer(rows * step));
    for (let r = 0, at = 0; r < rows; r++, record++) {
      if (own !== undefined) {
        bytes.setFloat64(at, coordinateAt(own, record)!);
        at += 8;
      }
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < slice; p++, at += 4) {
          const v = values[(r * slice + p) * channels + c]!;
          bytes.setFloat32(at, Number.isNaN(v) ? fill : v);
        }
      }
    }
    yield new Uint8Array(bytes.buffer);
  }
}

function axisNamesOf({ shape, axes }: RowStream): string[] {
  const plain = axisNames(shape.length);
  return shape.map((_, i) => axes?.[i]?.name ?? plain[i]!);
}

/** Of one output, as its file had them. */
function attributesOf({ about }: RowStream, output: number): WrittenAttribute[] {
  const own = Object.entries(about?.attributes?.[output] ?? {});
  return own.filter(([name]) => plainName(name) === name && !['units', '_FillValue'].includes(name));
}

function plainName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.@+-]/g, '_').replace(/^(?![A-Za-z_])/, '_');
}

/** Names that the format takes, told apart where they are the same. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain = plainName(name);
    let own = plain;
    for (let n = 2; taken.has(own); n++) own = `${plain}_${n}`;
    taken.add(own);
    return own;
  });
}

function coordinateOf({ name, unit, weight, wraps }: Axis, i: number, count: number): Written {
  // A sphere's axes are told by their units (CF 4.1, 4.2).
  const units =
    weight === 'cosine' ? 'degrees_north' : wraps && unit?.startsWith('deg') ? 'degrees_east' : unit;
  return {
    ...{ name, type: double, dimensions: [i], bytes: 8 * count },
    attributes: units === undefined ? [] : [['units', units]],
  };
}

function headerOf(
  shape: readonly number[],
  names: readonly string[],
  variables: readonly Written[],
): Uint8Array {
  const made = (begins: readonly number[]) => {
    const to = new Words();
    to.text('CDF\x01');
    to.word(shape[0]!);
    to.word(10);
    to.word(shape.length);
    for (const [i, n] of shape.entries()) {
      to.name(names[i]!);
      to.word(i === 0 ? 0 : n);
    }
    to.attributes([['Conventions', 'CF-1.8']]);
    to.word(11);
    to.word(variables.length);
    for (const [i, { name, type, dimensions, attributes, bytes }] of variables.entries()) {
      to.name(name);
      to.word(dimensions.length);
      for (const id of dimensions) to.word(id);
      to.attributes(attributes);
      to.word(type);
      to.word(bytes);
      to.word(begins[i]!);
    }
    return to.bytes();
  };
  let at = made(variables.map(() => 0)).length;
  const begins = variables.map(({ bytes }) => {
    at += bytes;
    return at - bytes;
  });
  return made(begins);
}

function doubles(values: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * values.length));
  for (const [i, v] of values.entries()) bytes.setFloat64(8 * i, v);
  return new Uint8Array(bytes.buffer);
}

/** Big-endian words, and texts padded to them. */
class Words {
  readonly #parts: Uint8Array[] = [];

  word(value: number): void {
    const part = new DataView(new ArrayBuffer(4));
    part.setUint32(0, value);
    this.#parts.push(new Uint8Array(part.buffer));
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    this.#parts.push(padded);
  }

  name(text: string): void {
    this.word(new TextEncoder().encode(text).length);
    this.text(text);
  }

  attributes(list: readonly WrittenAttribute[]): void {
    this.word(list.length === 0 ? 0 : 12);
    this.word(list.length);
    for (const [name, value] of list) {
      this.name(name);
      if (typeof value === 'string') {
        this.word(char);
        this.name(value);
      } else if (typeof value === 'number') {
        this.word(float);
        this.word(1);
        const part = new DataView(new ArrayBuffer(4));
        part.setFloat32(0, value);
        this.#parts.push(new Uint8Array(part.buffer));
      } else {
        this.word(double);
        this.word(value.length);
        this.#parts.push(doubles(value));
      }
    }
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
