import { gunzipSync } from 'node:zlib';
import { BadStreamError, LimitError } from '../src/core/errors.ts';

/** An IDX file of unsigned bytes, the format of the MNIST family (type 0x08). */
export interface IdxArray {
  readonly shape: readonly number[];
  /** Row-major; a view of the bytes read. */
  readonly data: Uint8Array;
}

export const defaultMaxIdxBytes = 256 << 20;

/**
 * Reads IDX, gzipped or not: 0 0 type axes, then big-endian uint32 sizes, then samples.
 * Throws BadStreamError `bad-idx` or `truncated`, LimitError `idx-bytes`.
 */
export function readIdx(bytes: Uint8Array, options: { maxBytes?: number } = {}): IdxArray {
  const maxBytes = options.maxBytes ?? defaultMaxIdxBytes;
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, maxBytes) : bytes;
  if (plain.length < 4)
    throw new BadStreamError('truncated', plain.length, 'an IDX file is at least 4 bytes');
  const axes = plain[3]!;
  if (plain[0] !== 0 || plain[1] !== 0 || plain[2] !== 8 || axes < 1 || axes > 8) {
    throw new BadStreamError('bad-idx', 0, 'not an IDX file of unsigned bytes with 1 to 8 axes');
  }
  const start = 4 + 4 * axes;
  if (plain.length < start) throw new BadStreamError('truncated', plain.length, 'the IDX header ends early');
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, n) => product * n, 1);
  if (count > maxBytes)
    throw new LimitError('idx-bytes', maxBytes, count, 'raise maxBytes if the file is yours');
  if (plain.length !== start + count) {
    throw new BadStreamError('truncated', plain.length, `shape [${shape}] needs ${start + count} bytes`);
  }
  return { shape, data: plain.subarray(start) };
}

/** The mirror of `readIdx`, without gzip. */
export function writeIdx(array: IdxArray): Uint8Array {
  const start = 4 + 4 * array.shape.length;
  const bytes = new Uint8Array(start + array.data.length);
  bytes.set([0, 0, 8, array.shape.length]);
  const view = new DataView(bytes.buffer);
  array.shape.forEach((n, axis) => {
    view.setUint32(4 + 4 * axis, n);
  });
  bytes.set(array.data, start);
  return bytes;
}

function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    const plain = gunzipSync(bytes, { maxOutputLength: maxBytes + 64 });
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new LimitError(
        'idx-bytes',
        maxBytes,
        maxBytes + 1,
        'it unpacks to more; raise maxBytes if the file is yours',
      );
    }
    throw new BadStreamError('bad-gzip', 0, `not a whole gzip file: ${(error as Error).message}`);
  }
}
