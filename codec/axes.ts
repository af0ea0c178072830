/**
 * Where the samples of a signal stand, where its model says otherwise: for each axis what it is called, its unit, and places along it;
 * FORMAT.md, "Axes". Values are right without it.
 */
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { shortestDecimal, tens } from '../src/core/decimals.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { gaussianLatitudes, mostGaussian } from '../src/field/gaussian.ts';
import type { Axis } from '../src/field/outputs.ts';
import { isShortText } from './names.ts';

/** Words of one byte, by their numbers from 1; appended to, never changed. */
const words = [
  ...['lat', 'lon', 'latitude', 'longitude', 'time', 'level', 'lev', 'plev', 'depth', 'height'],
  ...['x', 'y', 'z', 't', 'degrees_north', 'degrees_east', 'degrees', 'm', 'km', 'mm'],
  ...['um', 's', 'ms', 'us', 'hPa', 'Pa', 'mb', 'millibar', '1', 'row'],
];

const [hasName, hasUnit, wraps, cosine] = [1, 2, 32, 64];
/** Of places, in bits 2 to 4. */
const places = { told: 0, none: 1, step: 2, regular: 3, list: 4, gaussian: 5 };

/** How a number is written: a decimal of so many digits below 1, as that of the axis before, or as a float. */
const [asBefore, float32, float64] = [253, 254, 255];
/** Folded, whole numbers below it are varints. */
const mostWhole = 0x80000000;
const mostBytes = 4096;

/**
 * What the axes of a signal of `shape` are, where they are not `told`: places as the shortest decimals that are near enough. Undefined where
 * all are told, or are more than a section holds.
 */
export function encodeAxes(
  axes: readonly Axis[],
  told: readonly Axis[],
  shape: readonly number[],
): Uint8Array | undefined {
  if (axes.length !== told.length || axes.every((axis, i) => isSame(axis, told[i]!))) return undefined;
  if (!axes.every(({ name, unit = '' }) => name !== '' && isShortText(name) && isShortText(unit)))
    return undefined;
  const writer = new ByteWriter();
  const rounded = axes.map((axis, i) => (isSamePlace(axis, told[i]!) ? axis : nearby(axis, shape[i]!)));
  for (const [i, axis] of rounded.entries()) writeAxis(writer, axis, told[i]!, rounded[i - 1]);
  return writer.length <= mostBytes ? writer.finish() : undefined;
}

/** The axes of a signal of `shape` whose model has `told`. Throws BadStreamError `sections`, `truncated`, `varint`, `utf8`, `trailing`. */
export function decodeAxes(bytes: Uint8Array, told: readonly Axis[], shape: readonly number[]): Axis[] {
  const reader = new ByteReader(bytes);
  const axes: Axis[] = [];
  for (const [i, own] of told.entries()) axes.push(readAxis(reader, own, axes[i - 1], shape[i]!));
  reader.expectEnd();
  return axes;
}

function isSame(axis: Axis, other: Axis): boolean {
  return (
    axis.name === other.name &&
    axis.unit === other.unit &&
    axis.weight === other.weight &&
    Boolean(axis.wraps) === Boolean(other.wraps) &&
    isSamePlace(axis, other)
  );
}

function isSamePlace({ start, step, at = [] }: Axis, other: Axis): boolean {
  const { at: others = [] } = other;
  return (
    start === other.start &&
    step === other.step &&
    at.length === others.length &&
    at.every((v, i) => v === others[i])
  );
}

/** 2^-16, 2^-24, 2^-10 and 2^-12. */
const near = { step: 1 / 0x10000, single: 1 / 0x1000000, most: 1 / 0x400, grid: 1 / 0x1000 };

/**
 * The axis with places of few digits. They are off by 2^-16 of a step at most, or by what numbers of 32 bits are, where that is below
 * 2^-10 of a step: many files hold such.
 */
function nearby(axis: Axis, size: number): Axis {
  const { start, step, at } = axis;
  const places = at ?? (step === undefined ? [] : [start ?? 0, (start ?? 0) + step * (size - 1)]);
  const largest = places.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const gap = at === undefined ? Math.abs(step ?? 0) : leastGap(at);
  const off = Math.max(near.step * gap, Math.min(near.single * largest, near.most * gap));
  return {
    ...axis,
    ...(start === undefined ? {} : { start: shortestDecimal(start, off) }),
    ...(step === undefined ? {} : { step: shortestDecimal(step, off / size) }),
    ...(at === undefined ? {} : { at: at.map((v) => shortestDecimal(v, off)) }),
  };
}

/** 0 of a lone place. */
function leastGap(at: readonly number[]): number {
  if (at.length < 2) return 0;
  return at.reduce(
    (least, v, i) => (i === 0 ? least : Math.min(least, Math.abs(v - at[i - 1]!))),
    Number.POSITIVE_INFINITY,
  );
}

function placesOf(axis: Axis, told: Axis): number {
  if (isSamePlace(axis, told)) return places.told;
  if (axis.at !== undefined) return isGaussian(axis.at) ? places.gaussian : places.list;
  if (axis.step === undefined) return places.none;
  return axis.start === undefined ? places.step : places.regular;
}

function writeAxis(writer: ByteWriter, axis: Axis, told: Axis, before: Axis | undefined): void {
  const kind = placesOf(axis, told);
  const [ownName, ownUnit] = [axis.name !== told.name, axis.unit !== told.unit];
  writer.u8(
    (ownName ? hasName : 0) |
      (ownUnit ? hasUnit : 0) |
      (kind << 2) |
      (axis.wraps ? wraps : 0) |
      (axis.weight === undefined ? 0 : cosine),
  );
  if (ownName) writeWord(writer, axis.name);
  if (ownUnit) writeWord(writer, axis.unit ?? '');
  if (kind === places.regular) writeNumber(writer, axis.start!, before?.start);
  if (kind === places.regular || kind === places.step) writeNumber(writer, axis.step!, before?.step);
  if (kind === places.list) writeList(writer, axis.at!);
  if (kind === places.gaussian) writer.u8(Number(isFromSouth(axis.at!)));
}

/** Whether places are the latitudes of a Gaussian grid, to 2^-12 of a step. */
function isGaussian(at: readonly number[]): boolean {
  if (at.length < 2 || at.length > mostGaussian) return false;
  const own = gaussianAlong(at.length, isFromSouth(at));
  const off = leastGap(own) * near.grid;
  return at.every((v, i) => Math.abs(v - own[i]!) <= off);
}

function isFromSouth(at: readonly number[]): boolean {
  return at[0]! < 0;
}

function gaussianAlong(rows: number, fromSouth: boolean): number[] {
  const found = gaussianLatitudes(rows);
  return fromSouth ? found.reverse() : found;
}

function readAxis(reader: ByteReader, told: Axis, before: Axis | undefined, size: number): Axis {
  const at = reader.at;
  const flags = reader.u8();
  const kind = (flags >> 2) & 7;
  if (flags > 127 || kind > places.gaussian)
    throw new BadStreamError('sections', at, `axis ${told.name} is of a later program, or damaged`);
  const name = (flags & hasName) === 0 ? told.name : readWord(reader);
  const unit = (flags & hasUnit) === 0 ? told.unit : readWord(reader);
  if (name === '') throw new BadStreamError('sections', at, 'an axis has a name');
  return {
    name,
    ...(unit === undefined || unit === '' ? {} : { unit }),
    ...readPlaces(reader, kind, { told, before, size }),
    ...((flags & wraps) === 0 ? {} : { wraps: true }),
    ...((flags & cosine) === 0 ? {} : { weight: 'cosine' }),
  };
}

type Places = Pick<Axis, 'start' | 'step' | 'at'>;

function readPlaces(
  reader: ByteReader,
  kind: number,
  { told, before, size }: { readonly told: Axis; readonly before: Axis | undefined; readonly size: number },
): Places {
  if (kind === places.told) {
    const { start, step } = told;
    return { ...(start === undefined ? {} : { start }), ...(step === undefined ? {} : { step }) };
  }
  if (kind === places.list) return { at: readList(reader, size) };
  if (kind === places.gaussian) return { at: readGaussian(reader, size) };
  const start = kind === places.regular ? readNumber(reader, before?.start) : undefined;
  if (kind === places.none) return {};
  const at = reader.at;
  const step = readNumber(reader, before?.step);
  if (step === 0) throw new BadStreamError('sections', at, 'the step of an axis is other than 0');
  return { ...(start === undefined ? {} : { start }), step };
}

/** A byte where it is one of those that are known, else 0 and its text. */
function writeWord(writer: ByteWriter, word: string): void {
  const known = words.indexOf(word) + 1;
  writer.u8(known);
  if (known > 0) return;
  const text = new TextEncoder().encode(word);
  writer.varint(text.length).bytes(text);
}

function readWord(reader: ByteReader): string {
  const at = reader.at;
  const known = reader.u8();
  const word = known > 0 ? words[known - 1] : reader.utf8(reader.varint());
  if (word !== undefined && isShortText(word)) return word;
  throw new BadStreamError('sections', at, 'names and units are words of 128 letters at most');
}

/** Digits below 1 of the shortest decimal that is all of the values, as whole numbers below 2^31; undefined where there is none. */
function decimalsOf(values: readonly number[]): { digits: number; wholes: number[] } | undefined {
  for (const [digits, ten] of tens.entries()) {
    const wholes = values.map((v) => Math.round(v * ten));
    if (wholes.some((whole) => Math.abs(whole) >= mostWhole)) return undefined;
    if (wholes.every((whole, i) => whole / ten === values[i])) return { digits, wholes };
  }
  return undefined;
}

function writeNumber(writer: ByteWriter, value: number, before: number | undefined): void {
  const decimal = decimalsOf([value]);
  if (value === before) writer.u8(asBefore);
  else if (decimal !== undefined) writer.u8(decimal.digits).varint(folded(decimal.wholes[0]!));
  else if (Math.fround(value) === value) writer.u8(float32).f32(value);
  else writer.u8(float64).f64(value);
}

/** Throws BadStreamError `sections`. */
function readNumber(reader: ByteReader, before: number | undefined): number {
  const at = reader.at;
  const kind = reader.u8();
  const ten = tens[kind];
  if (ten !== undefined) return unfolded(reader.varint()) / ten;
  const value = kind === asBefore ? before : readFloat(reader, kind);
  if (value !== undefined && Number.isFinite(value)) return value;
  throw new BadStreamError('sections', at, 'places along an axis are finite numbers');
}

function readFloat(reader: ByteReader, kind: number): number | undefined {
  if (kind === float32) return reader.f32();
  return kind === float64 ? reader.f64() : undefined;
}

/** Decimals as what each is off the line through the two before it. */
function writeList(writer: ByteWriter, values: readonly number[]): void {
  const decimal = decimalsOf(values);
  const offs = decimal && offLine(decimal.wholes);
  if (decimal !== undefined && offs?.every((off) => Math.abs(off) < mostWhole)) {
    writer.u8(decimal.digits);
    for (const off of offs) writer.varint(folded(off));
  } else if (values.every((v) => Math.fround(v) === v)) {
    writer.u8(float32);
    for (const v of values) writer.f32(v);
  } else {
    writer.u8(float64);
    for (const v of values) writer.f64(v);
  }
}

function offLine(wholes: readonly number[]): number[] {
  return wholes.map((whole, i) => whole - 2 * (wholes[i - 1] ?? 0) + (wholes[i - 2] ?? 0));
}

/** Every number takes a byte or more: a size beyond the bytes that are left is refused first. Throws BadStreamError `sections`. */
function readList(reader: ByteReader, size: number): number[] {
  const at = reader.at;
  const kind = reader.u8();
  if (size > reader.remaining)
    throw new BadStreamError('sections', at, `${size} places along an axis in ${reader.remaining} bytes`);
  const values: number[] = [];
  const ten = tens[kind];
  if (ten !== undefined) {
    let [last, before] = [0, 0];
    for (let i = 0; i < size; i++) {
      [last, before] = [unfolded(reader.varint()) + 2 * last - before, last];
      values.push(last / ten);
    }
  } else for (let i = 0; i < size; i++) values.push(readFloat(reader, kind) ?? Number.NaN);
  if (values.every(Number.isFinite)) return values;
  throw new BadStreamError('sections', at, 'places along an axis are finite numbers');
}

/** Throws BadStreamError `sections`. */
function readGaussian(reader: ByteReader, rows: number): number[] {
  const at = reader.at;
  const side = reader.u8();
  if (side < 2 && rows <= mostGaussian) return gaussianAlong(rows, side === 1);
  throw new BadStreamError(
    'sections',
    at,
    `a Gaussian grid has ${mostGaussian} rows at most and one of two sides first`,
  );
}

/** 0, -1, 1, -2, ... to 0, 1, 2, 3, ... */
function folded(whole: number): number {
  return whole < 0 ? -2 * whole - 1 : 2 * whole;
}

function unfolded(number: number): number {
  return number % 2 === 1 ? -(number + 1) / 2 : number / 2;
}
