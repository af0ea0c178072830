/**
 * Records of format 1, which kept each function twice: the modulation of a second fit, at quality 50, beside the coded bytes. They
 * are read to be written as format 2. Little-endian, all offsets even in 4:
 *
 *    0  u8 version = 1, u8 axes, u8 kind of label (0 none, 1 text, 2 number), u8 0
 *    4  u32 numbers of the modulation, u32 coded bytes, u32 label bytes, u32 0
 *   20  f64 psnrDb, f64 bits
 *   36  u32 size of each axis; label (UTF-8 or f64); zeros up to a multiple of 4
 *       float32 modulation; coded bytes; u32 CRC-32C of the id in UTF-8 and of all before
 */

import { ByteReader } from '../core/bytes.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { BadStreamError } from '../core/errors.ts';
import { crc32c } from '../core/hash.ts';
import { plainLabel } from '../core/label.ts';
import type { FunctionContent, Label, StoredFunction } from './types.ts';

/** What modulations of format 1 are of. */
const quality = 50;

/** The function of a record: its file, or, where it has none, its modulation. Throws BadStreamError `truncated` or `record-*`. */
export function decodeRecord1(id: string, bytes: Uint8Array): StoredFunction {
  const bad = (code: ErrorCode, at: number, what: string): never => {
    throw new BadStreamError(code, at, `function ${JSON.stringify(id)}: ${what}`);
  };
  const crcAt = Math.max(0, bytes.length - 4);
  const stored = new ByteReader(bytes.subarray(crcAt)).u32();
  const computed = crc32c(bytes.subarray(0, crcAt), crc32c(new TextEncoder().encode(id)));
  if (stored !== computed) bad('record-checksum', crcAt, 'its record is damaged');
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== 1) bad('record-header', 0, `version ${version} of a record in a store of format 1`);
  const axes = reader.u8();
  const kind = reader.u8();
  reader.u8();
  const numbers = reader.u32();
  const codedBytes = reader.u32();
  const labelBytes = reader.u32();
  reader.u32();
  const psnrDb = reader.f64();
  const bits = reader.f64();
  const shape = Array.from({ length: axes }, () => reader.u32());
  const label: Label | undefined =
    kind === 1 ? reader.utf8(labelBytes) : kind === 2 ? plainLabel(reader.f64()) : undefined;
  reader.bytes(-reader.at & 3);
  const modulationAt = reader.at;
  if (modulationAt + 4 * numbers + codedBytes !== crcAt) bad('record-header', 4, 'its lengths do not add up');
  const values = Float32Array.from({ length: numbers }, () => reader.f32());
  const content: FunctionContent =
    codedBytes > 0
      ? { kind: 'file', bytes: reader.bytes(codedBytes) }
      : { kind: 'modulation', quality, values };
  return { id, shape, psnrDb, bits, ...(label === undefined ? {} : { label }), content };
}
