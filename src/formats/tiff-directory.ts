/**
 * The first two directories of a TIFF or BigTIFF file, held against its size: the package makes room for as many values of a field as the
 * file says that there are (TIFF 6.0, section 2; BigTIFF).
 */
import { BadStreamError } from '../core/errors.ts';

/** Bytes of a value of each type. */
const valueBytes: Readonly<Record<number, number>> = {
  ...{ 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4 },
  ...{ 16: 8, 17: 8, 18: 8 },
};
const directories = 2;

/** Throws BadStreamError `bad-geotiff`. `bytes` begin as a TIFF file does. */
export function checkDirectories(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = bytes[0] === 0x49;
  const isBig = bytes[little ? 2 : 3] === 43;
  const has = (at: number, count: number) => at + count <= bytes.length;
  const word = (at: number) => {
    if (!has(at, isBig ? 8 : 4)) throw beyond(at, 'a directory');
    return isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  };
  const [entryBytes, headBytes, inPlace] = isBig ? [20, 8, 8] : [12, 2, 4];
  let at = word(isBig ? 8 : 4);
  for (let n = 0; n < directories && at !== 0; n++) {
    if (!has(at, headBytes)) throw beyond(at, 'a directory');
    const entries = isBig ? word(at) : view.getUint16(at, little);
    const end = at + headBytes + entries * entryBytes;
    if (!has(end, 0)) throw beyond(at, `a directory of ${entries} fields`);
    for (let entry = at + headBytes; entry < end; entry += entryBytes) {
      const count = word(entry + 4);
      const needed = count * (valueBytes[view.getUint16(entry + 2, little)] ?? 1);
      if (needed > inPlace && !has(word(entry + entryBytes - inPlace), needed))
        throw beyond(entry, `a field of ${count} values`);
    }
    if (!has(end, inPlace)) return;
    at = word(end);
  }
}

function beyond(at: number, what: string): BadStreamError {
  return new BadStreamError('bad-geotiff', at, `${what} lies beyond the end of the file`);
}
