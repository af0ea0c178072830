/** NIfTI files of rows as they come: the slowest axis of a signal is the last of the file's. */
import { BadInputError } from '../core/errors.ts';
import type { StoredAs, StoredType } from '../field/about.ts';
import { type Axis, type Output, sampleScale } from '../field/outputs.ts';
import type { RowStream } from '../signal/rows.ts';

const headerBytes = { 1: 352, 2: 544 } as const;
type Put = (view: DataView, at: number, value: number) => void;
/** By the names of NumPy, how a sample is stored: the number of the data type, its bytes, and its least and greatest value where it is whole. */
const types: Readonly<Record<StoredType, readonly [number, number, Put, least?: number, most?: number]>> = {
  u1: [2, 1, (view, at, v) => view.setUint8(at, v), 0, 255],
  i1: [256, 1, (view, at, v) => view.setInt8(at, v), -128, 127],
  u2: [512, 2, (view, at, v) => view.setUint16(at, v, true), 0, 65535],
  i2: [4, 2, (view, at, v) => view.setInt16(at, v, true), -32768, 32767],
  u4: [768, 4, (view, at, v) => view.setUint32(at, v, true), 0, 4294967295],
  i4: [8, 4, (view, at, v) => view.setInt32(at, v, true), -2147483648, 2147483647],
  f4: [16, 4, (view, at, v) => view.setFloat32(at, v, true)],
  f8: [64, 8, (view, at, v) => view.setFloat64(at, v, true)],
};
const asFloats: StoredAs = { type: 'f4', slope: 1, intercept: 0 };
const spaceUnits: Readonly<Record<string, number>> = { m: 1, mm: 2, um: 3 };
const timeUnits: Readonly<Record<string, number>> = { s: 8, ms: 16, us: 24, Hz: 32, ppm: 40 };

/**
 * The pieces of a file of one output, in samples as its model has them: whole ones with slope and intercept, else floats. NIfTI-1, unless an
 * axis is longer than that says. Throws BadInputError `not-a-volume`.
 */
export async function* niftiChunks(
  stream: RowStream,
  outputs: readonly Output[],
): AsyncGenerator<Uint8Array> {
  const { shape, channels, axes, about } = stream;
  const [output] = outputs;
  if (channels !== 1 || output === undefined || shape.length > 7) {
    const what = `[${shape}] x ${channels} channels`;
    throw new BadInputError(
      'not-a-volume',
      `a NIfTI file here holds one value a voxel, along 7 axes at most, not ${what}; write npy`,
    );
  }
  const as = storedAs(output, about?.stored);
  const { slope, intercept } = as;
  const [, bytes, put, least, most] = types[as.type];
  yield headerOf(shape, { axes, about }, as);
  for await (const { values } of stream.rows) {
    const piece = new DataView(new ArrayBuffer(values.length * bytes));
    for (let i = 0; i < values.length; i++) {
      const sample = (values[i]! - intercept) / slope;
      const isWhole = least !== undefined && most !== undefined;
      put(piece, bytes * i, isWhole ? Math.min(most, Math.max(least, Math.round(sample))) : sample);
    }
    yield new Uint8Array(piece.buffer);
  }
}

/** Whole samples as the model has them, numbers as the signal's file had them, else as floats. */
function storedAs(output: Output, stored: StoredAs | undefined): StoredAs {
  // a missing value has no number in such a file
  if (output.sample === 'float32')
    return stored === undefined || stored.fill !== undefined ? asFloats : stored;
  const { zero, perUnit } = sampleScale(output, output.sample);
  return { type: output.sample === 'uint8' ? 'u1' : 'i2', slope: 1 / perUnit, intercept: zero };
}

function headerOf(
  shape: readonly number[],
  { axes = [], about }: Pick<RowStream, 'axes' | 'about'>,
  { type: name, slope, intercept }: StoredAs,
): Uint8Array {
  const [type, bytes] = types[name];
  const sizes = [...shape].reverse();
  const along = sizes.map((_, i): Axis => axes[shape.length - 1 - i] ?? { name: '' });
  const version = Math.max(...sizes) > 32767 ? 2 : 1;
  const start = headerBytes[version];
  const view = new DataView(new ArrayBuffer(start));
  const isLong = version === 2;
  const text = (at: number, word: string) => {
    for (let i = 0; i < word.length; i++) view.setUint8(at + i, word.charCodeAt(i));
  };
  const whole = (at: number, value: number) =>
    isLong ? view.setInt32(at, value, true) : view.setInt16(at, value, true);
  const real = (at: number, i: number, value: number) =>
    isLong ? view.setFloat64(at + 8 * i, value, true) : view.setFloat32(at + 4 * i, value, true);
  view.setInt32(0, isLong ? 540 : 348, true);
  text(isLong ? 4 : 344, isLong ? 'n+2\0\r\n\x1a\n' : 'n+1\0');
  for (const [i, n] of [sizes.length, ...sizes, ...Array(7 - sizes.length).fill(1)].entries()) {
    if (isLong) view.setBigInt64(16 + 8 * i, BigInt(n), true);
    else view.setInt16(40 + 2 * i, n, true);
  }
  view.setInt16(isLong ? 12 : 70, type, true);
  view.setInt16(isLong ? 14 : 72, 8 * bytes, true);
  for (let i = 0; i < 8; i++) real(isLong ? 104 : 76, i, i === 0 ? 1 : Math.abs(along[i - 1]?.step ?? 1));
  if (isLong) view.setBigInt64(168, BigInt(start), true);
  else view.setFloat32(108, start, true);
  real(isLong ? 176 : 112, 0, slope);
  real(isLong ? 184 : 116, 0, intercept);
  const units = (spaceUnits[along[0]?.unit ?? ''] ?? 0) + (timeUnits[along[3]?.unit ?? ''] ?? 0);
  if (isLong) view.setInt32(500, units, true);
  else view.setUint8(123, units);
  real(isLong ? 216 : 136, 0, along[3]?.start ?? 0);
  // places are those of the scanner or of whatever the model's card means: code 2, aligned to something
  whole(isLong ? 348 : 254, 2);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 4; j++) {
      const upright = j === i ? (along[i]?.step ?? 1) : j === 3 ? (along[i]?.start ?? 0) : 0;
      real(isLong ? 400 : 280, 4 * i + j, about?.affine?.[4 * i + j] ?? upright);
    }
  }
  return new Uint8Array(view.buffer);
}
