/**
 * One function in bytes, little-endian, all offsets even in 4:
 *
 *    0  u8 version = 1, u8 axes, u8 kind of label (0 none, 1 text, 2 number), u8 0
 *    4  u32 numbers of the modulation, u32 coded bytes, u32 label bytes, u32 0
 *   20  f64 psnrDb, f64 bits
 *   36  u32 size of each axis; label (UTF-8 or f64); zeros up to a multiple of 4
 *       float32 modulation; coded bytes; u32 CRC-32C of the id in UTF-8 and of all before
 *
 * The id is the key and not in the record: as the start of the checksum it still ties the two together.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { crc32c } from '../core/hash.ts';
import { plainLabel } from '../core/label.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { FunctionSummary, Label, StoredFunction } from './types.ts';

const version = 1;
const fixedBytes = 36;
const maxAxes = 8;
/** Of an id or of a label that is a text, in UTF-8. */
const maxNameBytes = 255;

/** The record of a function that `checkFunction` has passed. */
export function encodeRecord(fn: StoredFunction): Uint8Array {
  const label = encodeLabel(fn.label);
  const labelAt = fixedBytes + 4 * fn.shape.length;
  const modulationAt = align(labelAt + label.bytes.length);
  const codedAt = modulationAt + fn.modulation.byteLength;
  const crcAt = codedAt + fn.coded.length;
  const bytes = new Uint8Array(crcAt + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([version, fn.shape.length, label.kind]);
  view.setUint32(4, fn.modulation.length, true);
  view.setUint32(8, fn.coded.length, true);
  view.setUint32(12, label.bytes.length, true);
  view.setFloat64(20, fn.psnrDb, true);
  view.setFloat64(28, fn.bits, true);
  fn.shape.forEach((n, axis) => {
    view.setUint32(fixedBytes + 4 * axis, n, true);
  });
  bytes.set(label.bytes, labelAt);
  bytes.set(asBytes(fn.modulation), modulationAt);
  bytes.set(fn.coded, codedAt);
  view.setUint32(crcAt, checksum(fn.id, bytes.subarray(0, crcAt)), true);
  return bytes;
}

/** A function that shares nothing with `bytes`. Throws BadStreamError `truncated` or `record-*`. */
export function decodeRecord(id: string, bytes: Uint8Array): StoredFunction {
  const crcAt = Math.max(0, bytes.length - 4);
  const stored = new ByteReader(bytes.subarray(crcAt)).u32();
  const computed = checksum(id, bytes.subarray(0, crcAt));
  if (stored !== computed) {
    const sums = `stored ${stored.toString(16)}, computed ${computed.toString(16)}`;
    throw new BadStreamError('record-checksum', crcAt, `function ${JSON.stringify(id)}: ${sums}`);
  }
  return viewRecord(id, Uint8Array.from(bytes));
}

/**
 * A function whose arrays are views of `bytes` (a copy of the modulation, where memory is not aligned for it). The
 * checksum is not computed. Throws BadStreamError as `decodeRecord` does.
 */
export function viewRecord(id: string, bytes: Uint8Array): StoredFunction {
  const { facts, modulationLength, codedBytes, modulationAt } = readHead(id, bytes);
  const codedAt = modulationAt + 4 * modulationLength;
  const from = bytes.byteOffset + modulationAt;
  const modulation =
    from % 4 === 0
      ? new Float32Array(bytes.buffer, from, modulationLength)
      : new Float32Array(bytes.slice(modulationAt, codedAt).buffer);
  return { ...facts, modulation, coded: bytes.subarray(codedAt, codedAt + codedBytes) };
}

/** The facts of a record; neither its numbers nor its checksum are looked at. Throws BadStreamError as above. */
export function summariseRecord(id: string, bytes: Uint8Array): FunctionSummary {
  const { facts, modulationLength, codedBytes } = readHead(id, bytes);
  return { ...facts, modulationLength, codedBytes };
}

/** Throws BadInputError `bad-function` naming the member, or LimitError, when `fn` is none that a functaset takes. */
export function checkFunction(fn: StoredFunction, limits: Limits): void {
  checkId(fn.id);
  const bad = (what: string): never => {
    throw new BadInputError('bad-function', `function ${JSON.stringify(fn.id)}: ${what}`);
  };
  if (
    typeof fn.label === 'number' ? !Number.isFinite(fn.label) : fn.label !== undefined && !isName(fn.label)
  ) {
    bad(`a label is a finite number or ${nameRule}`);
  }
  if (
    fn.shape.length < 1 ||
    fn.shape.length > maxAxes ||
    fn.shape.some((n) => !Number.isInteger(n) || n < 1 || n > limits.maxAxis)
  ) {
    bad(`shape [${fn.shape}] is not one of whole numbers above 0`);
  }
  if (Number.isNaN(fn.psnrDb)) bad('psnrDb is not a number');
  if (!(fn.bits >= 0 && fn.bits < Infinity)) bad(`bits is ${fn.bits}, not a finite number from 0 up`);
  checkLimit('symbols', fn.modulation.length, limits.maxSymbols, 'split the signal');
  checkLimit('file-bytes', fn.coded.length, limits.maxFileBytes, 'split the signal');
  const at = firstNotFinite(fn.modulation);
  if (at >= 0) bad(`modulation[${at}] is ${fn.modulation[at]}; adapt it again from finite values`);
}

/** Throws BadInputError `bad-function` for what cannot be an id. */
export function checkId(id: string): void {
  if (!isName(id)) throw new BadInputError('bad-function', `an id is ${nameRule}`);
}

export function firstNotFinite(modulation: Float32Array): number {
  return modulation.findIndex((value) => !Number.isFinite(value));
}

interface Head {
  readonly facts: Omit<StoredFunction, 'modulation' | 'coded'>;
  readonly modulationLength: number;
  readonly codedBytes: number;
  readonly modulationAt: number;
}

function readHead(id: string, bytes: Uint8Array): Head {
  const bad = (at: number, what: string): never => {
    throw new BadStreamError('record-header', at, `function ${JSON.stringify(id)}: ${what}`);
  };
  const reader = new ByteReader(bytes);
  const found = reader.u8();
  if (found !== version) bad(0, `version ${found} of a record, ${version} is read`);
  const axes = reader.u8();
  if (axes > maxAxes) bad(1, `${axes} axes`);
  const kind = reader.u8();
  reader.u8();
  const modulationLength = reader.u32();
  const codedBytes = reader.u32();
  const labelBytes = reader.u32();
  reader.u32();
  const modulationAt = align(fixedBytes + 4 * axes + labelBytes);
  if (modulationAt + 4 * modulationLength + codedBytes + 4 !== bytes.length) {
    bad(
      4,
      `${modulationLength} numbers, ${codedBytes} coded bytes and a head do not make ${bytes.length} bytes`,
    );
  }
  const psnrDb = reader.f64();
  const bits = reader.f64();
  const shape = Array.from({ length: axes }, () => reader.u32());
  const label =
    decodeLabel(reader, kind, labelBytes) ?? bad(2, `kind ${kind} of label in ${labelBytes} bytes`);
  const facts = { id, shape, psnrDb, bits, ...(label.value === undefined ? {} : { label: label.value }) };
  return { facts, modulationLength, codedBytes, modulationAt };
}

function encodeLabel(label: Label | undefined): { kind: number; bytes: Uint8Array } {
  if (label === undefined) return { kind: 0, bytes: new Uint8Array(0) };
  if (typeof label === 'number')
    return { kind: 2, bytes: new ByteWriter().f64(label === 0 ? 0 : label).finish() };
  return { kind: 1, bytes: new TextEncoder().encode(label) };
}

function decodeLabel(reader: ByteReader, kind: number, n: number): { value: Label | undefined } | undefined {
  if (kind === 0 && n === 0) return { value: undefined };
  if (kind === 1) return { value: reader.utf8(n) };
  if (kind === 2 && n === 8) return { value: plainLabel(reader.f64()) };
  return undefined;
}

const nameRule = `1 to ${maxNameBytes} bytes of well-formed text without control characters`;

function isName(text: unknown): boolean {
  if (typeof text !== 'string' || text === '' || /[\p{Cc}\ud800-\udfff]/u.test(text)) return false;
  return new TextEncoder().encode(text).length <= maxNameBytes;
}

function checksum(id: string, bytes: Uint8Array): number {
  return crc32c(bytes, crc32c(new TextEncoder().encode(id)));
}

function align(at: number): number {
  return Math.ceil(at / 4) * 4;
}

function asBytes(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
