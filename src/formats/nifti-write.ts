/** NIfTI files of rows as they come: the slowest axis of a signal is the last of the file's. */
import { BadInputError } from '../core/errors.ts';
import { type Axis, type Output, sampleScale } from '../field/outputs.ts';
import type { RowStream } from '../signal/rows.ts';

const headerBytes = { 1: 352, 2: 544 } as const;
/** As NumPy would name it, how a sample is stored: the number of the data type and its bytes. */
const stored = { uint8: [2, 1], int16: [4, 2], float32: [16, 4] } as const;
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
  const { shape, channels, axes = [] } = stream;
  const [output] = outputs;
  if (channels !== 1 || output === undefined || shape.length > 7) {
    const what = `[${shape}] x ${channels} channels`;
    throw new BadInputError(
      'not-a-volume',
      `a NIfTI file here holds one value a voxel, along 7 axes at most, not ${what}; write npy`,
    );
  }
  const [type, bytes] = stored[output.sample];
  const { zero, perUnit } =
    output.sample === 'float32' ? { zero: 0, perUnit: 1 } : sampleScale(output, output.sample);
  yield headerOf(shape, axes, { type, bytes, slope: 1 / perUnit, intercept: zero });
  for await (const { values } of stream.rows) {
    const piece = new DataView(new ArrayBuffer(values.length * bytes));
    for (let i = 0; i < values.length; i++) {
      if (output.sample === 'float32') piece.setFloat32(4 * i, values[i]!, true);
      else {
        const sample = Math.round((values[i]! - zero) * perUnit);
        if (output.sample === 'uint8') piece.setUint8(i, Math.min(255, Math.max(0, sample)));
        else piece.setInt16(2 * i, Math.min(32767, Math.max(-32768, sample)), true);
      }
    }
    yield new Uint8Array(piece.buffer);
  }
}

interface Stored {
  readonly type: number;
  readonly bytes: number;
  readonly slope: number;
  readonly intercept: number;
}

function headerOf(
  shape: readonly number[],
  axes: readonly Axis[],
  { type, bytes, slope, intercept }: Stored,
): Uint8Array {
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
      const value = j === i ? (along[i]?.step ?? 1) : j === 3 ? (along[i]?.start ?? 0) : 0;
      real(isLong ? 400 : 280, 4 * i + j, value);
    }
  }
  return new Uint8Array(view.buffer);
}
