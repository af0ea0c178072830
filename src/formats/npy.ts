/** The array format of NumPy (NEP 1; numpy.lib.format, versions 1 to 3). */
import { anObject, aSignal, byteArray, check, having, kind } from '../core/check.ts';
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { allocate, type Dtype, elementCount, type Tensor, type TypedArray } from '../core/tensor.ts';
import { checkFinite, checkSignal, type Signal } from '../signal/signal.ts';
import type { Wanted } from './format.ts';
import { scaled } from './npy-samples.ts';

/** How an element is stored and what it becomes. */
interface ElementType {
  readonly bytes: number;
  readonly to: Dtype;
  read(view: DataView, at: number, little: boolean): number;
}

const elementTypes: Readonly<Record<string, ElementType>> = {
  b1: { bytes: 1, to: 'U8', read: (view, at) => Number(view.getUint8(at) !== 0) },
  u1: { bytes: 1, to: 'U8', read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, to: 'I8', read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, to: 'U16', read: (view, at, little) => view.getUint16(at, little) },
  i2: { bytes: 2, to: 'I16', read: (view, at, little) => view.getInt16(at, little) },
  u4: { bytes: 4, to: 'U32', read: (view, at, little) => view.getUint32(at, little) },
  i4: { bytes: 4, to: 'I32', read: (view, at, little) => view.getInt32(at, little) },
  u8: { bytes: 8, to: 'F64', read: (view, at, little) => wholeNumber(view.getBigUint64(at, little), at) },
  i8: { bytes: 8, to: 'F64', read: (view, at, little) => wholeNumber(view.getBigInt64(at, little), at) },
  f2: { bytes: 2, to: 'F32', read: (view, at, little) => halfToNumber(view.getUint16(at, little)) },
  f4: { bytes: 4, to: 'F32', read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, to: 'F64', read: (view, at, little) => view.getFloat64(at, little) },
};

const descriptors: Readonly<Record<Dtype, string>> = {
  F32: '<f4',
  F64: '<f8',
  I32: '<i4',
  I16: '<i2',
  I8: '|i1',
  U8: '|u1',
  U16: '<u2',
  U32: '<u4',
};

const maxHeaderBytes = 65536;
const maxAxes = 32;

/**
 * Reads a .npy file: bool, integers and floats of either byte order, C or Fortran order. Always gives C order and a
 * fresh array; 64-bit integers become float64 (those beyond 2^53 are refused), float16 float32, bool 0 and 1.
 * Throws BadStreamError `bad-npy`, `unsupported-npy`, `truncated` or `trailing-bytes`; LimitError `limit-file-bytes` or
 * `limit-samples` (`maxSamples` bounds the elements).
 *
 * @example
 * const { shape, data } = readNpy(npy);
 */
export function readNpy(bytes: Uint8Array, limits: Limits = defaultLimits): Tensor {
  check('readNpy', byteArray(bytes, 'bytes'), anObject(limits, 'limits'));
  return readElements(bytes, limits).tensor;
}

/** With the type of the elements in the file, without its byte order: `u2`. */
function readElements(bytes: Uint8Array, limits: Limits): { readonly tensor: Tensor; readonly type: string } {
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  const { descr, isFortran, shape, start } = readHeader(bytes);
  const name = descr.slice(1);
  const type = elementTypes[name];
  if (type === undefined || !'<>|='.includes(descr[0]!)) {
    throw new BadStreamError(
      'unsupported-npy',
      0,
      `type ${descr} is not read; save it as float32: a.astype('<f4')`,
    );
  }
  const count = elementCount(shape);
  checkLimit('samples', count, limits.maxSamples, 'send a smaller array, or raise maxSamples');
  const want = start + count * type.bytes;
  if (bytes.length < want) {
    throw new BadStreamError('truncated', bytes.length, `shape [${shape}] of ${descr} needs ${want} bytes`);
  }
  if (bytes.length > want) {
    throw new BadStreamError('trailing-bytes', want, `${bytes.length - want} bytes follow the array`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = allocate(type.to, count);
  const little = descr[0] !== '>';
  for (let i = 0; i < count; i++) data[i] = type.read(view, start + i * type.bytes, little);
  const tensor = { dtype: type.to, shape, data: isFortran ? fromFortranOrder(data, shape) : data };
  return { tensor, type: name };
}

/**
 * Writes a tensor as .npy in C order, little-endian: version 1, as NumPy itself would.
 *
 * @example
 * const npy = writeNpy({ dtype: 'F32', shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) });
 */
export function writeNpy(tensor: Tensor): Uint8Array {
  check(
    'writeNpy',
    having({ dtype: aType, shape: kind('a list', Array.isArray), data: anArray })(tensor, 'tensor'),
  );
  const { dtype, shape, data } = tensor;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descriptors[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const header = `${dictionary.padEnd(start - 11)}\n`;
  const elementBytes = data.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(start + data.length * elementBytes);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  for (let i = 0; i < header.length; i++) bytes[10 + i] = header.charCodeAt(i);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  if (!isLittleEndian) reverseElements(bytes.subarray(start), elementBytes);
  return bytes;
}

const aType = kind(`one of ${Object.keys(descriptors).join(', ')}`, (value) =>
  Object.hasOwn(descriptors, String(value)),
);
const anArray = kind('a typed array', (value) => ArrayBuffer.isView(value) && !(value instanceof DataView));

/** Signals of an array, and what its numbers stand for. */
export interface NpySignalOptions {
  readonly axes: number;
  /** What values are to be; default `any`, samples from 0 to 1. */
  readonly outputs?: Wanted['outputs'] | undefined;
  readonly id?: string | undefined;
  readonly label?: string | number | undefined;
  readonly limits?: Limits | undefined;
  /** Called with the shape that the header says, before a sample is read; what it throws ends the reading. */
  readonly onShape?: ((shape: readonly number[]) => void) | undefined;
}

/** The shape of the array, from its header alone. Throws BadStreamError `bad-npy`, `unsupported-npy`, `truncated`. */
export function readNpyShape(bytes: Uint8Array): readonly number[] {
  return readHeader(bytes).shape;
}

/**
 * A signal of `axes` axes from a .npy file of shape [...axes] (one channel) or [...axes, channels]. Integers are
 * brought to the ranges of the outputs (uint8 of one from 0 to 1: v / 255); floats, and integers of outputs that are no whole samples, are
 * taken as they are.
 * NaN is a missing value. Throws as `readNpy`, and BadInputError `npy-scale` (an integer type that such signals are not
 * kept in), `infinite-value` (names the index), `empty-signal` or `bad-shape`.
 *
 * @example
 * const signal = signalFromNpy(npy, { id: 'array', axes: 2 });
 */
export function signalFromNpy(bytes: Uint8Array, options: NpySignalOptions): Signal {
  check('signalFromNpy', byteArray(bytes, 'bytes'), anObject(options, 'options'));
  const { axes, outputs = 'any', id = 'npy', limits = defaultLimits, onShape } = options;
  onShape?.(readNpyShape(bytes).slice(0, axes));
  const { tensor, type } = readElements(bytes, limits);
  const { shape: whole, data } = tensor;
  if (whole.length !== axes && whole.length !== axes + 1) {
    const wanted = `${axes} axes, or ${axes + 1} with the channels last`;
    throw new BadInputError(
      'bad-shape',
      `${id}: the array has shape [${whole}]; a signal here needs ${wanted}`,
    );
  }
  checkFinite(data, id);
  const values = scaled(data, type, outputs, id);
  checkFinite(values, `${id} (as float32)`);
  const signal: Signal = {
    id,
    shape: whole.slice(0, axes),
    channels: whole[axes] ?? 1,
    values,
    ...(options.label === undefined ? {} : { label: options.label }),
  };
  checkSignal(signal);
  return signal;
}

/**
 * float32 .npy of shape [...axes, channels], without the last axis where there is one channel.
 *
 * @example
 * const npy = signalToNpy(signal);
 */
export function signalToNpy(signal: Signal): Uint8Array {
  check('signalToNpy', aSignal(signal, 'signal'));
  const shape = signal.channels === 1 ? signal.shape : [...signal.shape, signal.channels];
  return writeNpy({ dtype: 'F32', shape, data: signal.values });
}

interface Header {
  readonly descr: string;
  readonly isFortran: boolean;
  readonly shape: number[];
  /** Where the elements begin. */
  readonly start: number;
}

function readHeader(bytes: Uint8Array): Header {
  const isMagic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59].every((byte, i) => bytes[i] === byte);
  if (!isMagic) throw new BadStreamError('bad-npy', 0, 'not a .npy file: it begins otherwise');
  const version = bytes[6];
  if (version === undefined || version < 1 || version > 3) {
    throw new BadStreamError(
      'unsupported-npy',
      6,
      `version ${version} of the format is not read; 1, 2 and 3 are`,
    );
  }
  const lengthBytes = version === 1 ? 2 : 4;
  const from = 8 + lengthBytes;
  if (bytes.length < from) throw new BadStreamError('truncated', bytes.length, 'the .npy header ends early');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes)
    throw new BadStreamError('bad-npy', 8, `a header of ${length} bytes is not plausible`);
  const start = from + length;
  if (bytes.length < start) throw new BadStreamError('truncated', bytes.length, 'the .npy header ends early');
  const text = new TextDecoder('latin1').decode(bytes.subarray(from, start));
  return { ...readDictionary(text, from), start };
}

/** A Python dictionary of three known keys; the order is free, nothing else is. */
function readDictionary(text: string, at: number): Omit<Header, 'start'> {
  if (/'descr'\s*:\s*\[/.test(text)) {
    throw new BadStreamError('unsupported-npy', at, 'structured arrays are not read; save one field of it');
  }
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const tuple = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (!/^\s*\{.*\}\s*$/s.test(text) || descr === undefined || order === undefined || tuple === undefined) {
    throw new BadStreamError('bad-npy', at, 'the header is no dictionary of descr, fortran_order and shape');
  }
  const sizes = tuple.split(',').map((size) => size.trim());
  if (sizes.at(-1) === '') sizes.pop();
  const shape = sizes.map(Number);
  if (
    shape.length > maxAxes ||
    sizes.some((size) => !/^\d+$/.test(size)) ||
    !shape.every(Number.isSafeInteger)
  ) {
    throw new BadStreamError(
      'bad-npy',
      at,
      `shape (${tuple.slice(0, 80)}) is not a tuple of up to ${maxAxes} sizes`,
    );
  }
  return { descr, isFortran: order === 'True', shape };
}

/** From first axis fastest to last axis fastest. */
function fromFortranOrder(data: TypedArray, shape: readonly number[]): TypedArray {
  const out = data.slice();
  const index = shape.map(() => 0);
  for (let from = 0; from < data.length; from++) {
    let to = 0;
    for (let axis = 0; axis < shape.length; axis++) to = to * shape[axis]! + index[axis]!;
    out[to] = data[from]!;
    for (let axis = 0; axis < shape.length && ++index[axis]! === shape[axis]; axis++) index[axis] = 0;
  }
  return out;
}

function wholeNumber(value: bigint, at: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new BadStreamError('unsupported-npy', at, `${value} is beyond 2^53; save the array as float64`);
  }
  return number;
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function reverseElements(bytes: Uint8Array, elementBytes: number): void {
  for (let at = 0; at < bytes.length; at += elementBytes) bytes.subarray(at, at + elementBytes).reverse();
}
