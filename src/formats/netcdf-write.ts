/** NetCDF classic files (CDF-1) of rows as they come: the first axis is the record dimension, so that outputs may be variables of their own. */
import { BadInputError } from '../core/errors.ts';
import { type StoredAs, wholeRange } from '../field/about.ts';
import { type Axis, axisNames, type Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { coordinateAt } from '../signal/axes.ts';
import type { RowStream } from '../signal/rows.ts';
import { usualFill } from './field-values.ts';

/** NC_FILL_FLOAT: what readers take for a missing value unless told otherwise. */
const fill = 9.969209968386869e36;
const mostBytes = 2 ** 31 - 4;
const [byte, char, short, int, float, double] = [1, 2, 3, 4, 5, 6];
/** What the classic format calls whole numbers of so many bytes; without a sign they are said to be. */
const wholeTypes: Readonly<Record<string, number>> = { 1: byte, 2: short, 4: int };
const unsigned = '_Unsigned';
/** What readers take in, or packing says. */
const taken = ['units', '_FillValue', 'scale_factor', 'add_offset', unsigned];

/** A text, a number of a type, or doubles. */
type WrittenAttribute = readonly [
  name: string,
  value: string | { readonly type: number; readonly number: number } | readonly number[],
];

interface Written {
  readonly name: string;
  readonly type: number;
  /** Numbers of dimensions. */
  readonly dimensions: readonly number[];
  readonly attributes: readonly WrittenAttribute[];
  /** Of a record, or of all where it has none, whole words of 4. */
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
  const numbers = numbersAs(outputs, stream.about?.stored);
  const recordBytes = Math.ceil((numbers.bytes * slice) / 4) * 4;
  if (!(Math.max(recordBytes * channels, 8 * shape[0]!) <= mostBytes)) {
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
        type: numbers.type,
        dimensions: shape.map((_, i) => i),
        bytes: recordBytes,
      },
      attributes: [
        ...(unit === undefined ? [] : [['units', unit] as const]),
        ...attributesOf(stream, o),
        ...numbers.attributes,
      ],
    })),
  ];
  yield headerOf(shape, names, variables, ofFile(stream));
  for (const { axis, i } of fixed)
    yield doubles(Array.from({ length: shape[i]! }, (_, j) => coordinateAt(axis, j)!));
  const own = coordinates.find(({ i }) => i === 0)?.axis;
  // a lone variable of records is not padded: its records follow each other
  const outputBytes = own === undefined && channels === 1 ? numbers.bytes * slice : recordBytes;
  let record = 0;
  for await (const { rows, values } of stream.rows) {
    const step = (own === undefined ? 0 : 8) + outputBytes * channels;
    const bytes = new DataView(new ArrayBuffer(rows * step));
    for (let r = 0, at = 0; r < rows; r++, record++) {
      if (own !== undefined) {
        bytes.setFloat64(at, coordinateAt(own, record)!);
        at += 8;
      }
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < slice; p++)
          numbers.put(bytes, at + p * numbers.bytes, values[(r * slice + p) * channels + c]!);
        at += outputBytes;
      }
    }
    yield new Uint8Array(bytes.buffer);
  }
}

/** How the numbers of outputs are written. */
interface Numbers {
  readonly type: number;
  readonly bytes: number;
  readonly attributes: readonly WrittenAttribute[];
  put(to: DataView, at: number, value: number): void;
}

const asFloats: Numbers = {
  ...{ type: float, bytes: 4, attributes: [['_FillValue', { type: float, number: fill }]] },
  put: (to, at, v) => to.setFloat32(at, Number.isNaN(v) ? fill : v),
};

/** As the whole numbers that the signal's file had, where values are numbers; else as floats. */
function numbersAs(outputs: readonly Output[], stored: StoredAs | undefined): Numbers {
  const range = wholeRange(stored?.type);
  if (stored === undefined || range === undefined || outputs.some(({ sample }) => sample !== 'float32'))
    return asFloats;
  const { slope, intercept } = stored;
  const [least, most] = range;
  const bytes = Number(stored.type[1]);
  const type = wholeTypes[bytes]!;
  const missing = stored.fill ?? usualFill[stored.type];
  const inside = (v: number) => Math.min(most, Math.max(least, v));
  const wholeOf = (v: number) => {
    if (Number.isNaN(v)) return missing ?? least;
    const number = (v - intercept) / slope;
    const whole = inside(Math.round(number));
    if (whole !== missing) return whole;
    return missing === least || (number > missing && missing !== most) ? missing + 1 : missing - 1;
  };
  return {
    ...{ type, bytes },
    attributes: [
      ...(slope === 1 && intercept === 0
        ? []
        : ([
            ['scale_factor', [slope]],
            ['add_offset', [intercept]],
          ] as const)),
      ...(least === 0 ? [[unsigned, 'true'] as const] : []),
      ...(missing === undefined ? [] : [['_FillValue', { type, number: missing }] as const]),
    ],
    put: (to, at, v) => putNumber(to, at, type, wholeOf(v)),
  };
}

/** Whole numbers without a sign have the bytes of those with one. */
function putNumber(to: DataView, at: number, type: number, value: number): void {
  if (type === byte) to.setInt8(at, value);
  else if (type === short) to.setInt16(at, value);
  else if (type === int) to.setInt32(at, value);
  else to.setFloat32(at, value);
}

function axisNamesOf({ shape, axes }: RowStream): string[] {
  const plain = axisNames(shape.length);
  return shape.map((_, i) => axes?.[i]?.name ?? plain[i]!);
}

/** Of one output, as its file had them. */
function attributesOf({ about }: RowStream, output: number): WrittenAttribute[] {
  const all = Object.entries(about?.attributes?.[output] ?? {});
  return all.filter(([name]) => plainName(name) === name && !taken.includes(name));
}

/** Of the file itself, as that of the signal had them. */
function ofFile({ about }: RowStream): WrittenAttribute[] {
  const all = Object.entries(about?.file ?? {});
  return [
    ['Conventions', 'CF-1.8'],
    ...all.filter(([name]) => plainName(name) === name && name !== 'Conventions'),
  ];
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
  attributes: readonly WrittenAttribute[],
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
    to.attributes(attributes);
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
      } else if ('type' in value) {
        this.word(value.type);
        this.word(1);
        const part = new DataView(new ArrayBuffer(4));
        putNumber(part, 0, value.type, value.number);
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
