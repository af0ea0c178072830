/**
 * One function in bytes, format 2. Numbers that are no floats are LEB128 varints:
 *
 *   u8 bits 0-1 kind of content (0 file, 1 modulation), bits 2-3 kind of label (0 none, 1 text, 2 f64, 3 varint),
 *      bits 4-7 the version: 2, or 3 with metadata
 *   axes, size of each axis; f64 psnrDb, f64 bits; label (a text: its bytes before it)
 *   version 3: metadata, a JSON object as a text
 *   content up to the checksum: the file, or u8 quality and the modulation as float16
 *   u32 CRC-32C of the id in UTF-8 and of all before
 *
 * The id is the key and not in the record: as the start of the checksum it still ties the two together.
 */

import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { BadInputError, BadStreamError, FunctaError } from '../core/errors.ts';
import { fromFloat16, maxFloat16, toFloat16 } from '../core/float16.ts';
import { crc32c } from '../core/hash.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { metadataText, parseMetadata } from '../core/metadata.ts';
import type {
  FunctionContent,
  FunctionFacts,
  FunctionRecord,
  FunctionSummary,
  Label,
  ModulationContent,
  StoredFunction,
} from './types.ts';

const version = 2;
const versionWithMetadata = 3;
const crcBytes = 4;
const maxAxes = 8;
/** Of an id or of a label that is a text, in UTF-8. */
const maxNameBytes = 255;
const maxQuality = 100;

const contentKinds = ['file', 'modulation'] as const satisfies readonly FunctionContent['kind'][];
const labelKinds = ['none', 'text', 'f64', 'varint'] as const;

/**
 * A function as it is put in a transaction. Throws BadInputError `bad-function`, `bad-metadata`, LimitError.
 *
 * @example
 * const record = recordOf(functionOfFile(model, bytes, { id: 'one' }));
 * await set.store.transact(({ put }) => put(record));
 */
export function recordOf(fn: StoredFunction, limits: Limits = defaultLimits): FunctionRecord {
  checkFunction(fn, limits);
  return { id: fn.id, label: fn.label, bytes: encodeRecord(fn) };
}

/** The record of a function that `checkFunction` has passed. */
export function encodeRecord(fn: StoredFunction): Uint8Array {
  const writer = new ByteWriter().bytes(encodeNote(fn));
  if (fn.content.kind === 'file') writer.bytes(fn.content.bytes);
  return writer.u32(checksum(fn.id, writer.finish())).finish();
}

/** All that a record says but its file and its checksum: what goes with the file into an archive. */
export function encodeNote({ label, metadata, shape, psnrDb, bits, content }: StoredFunction): Uint8Array {
  const writer = new ByteWriter();
  const kindOfLabel = labelKindOf(label);
  const ofVersion = metadata === undefined ? version : versionWithMetadata;
  writer.u8(contentKinds.indexOf(content.kind) | (labelKinds.indexOf(kindOfLabel) << 2) | (ofVersion << 4));
  writer.varint(shape.length);
  for (const n of shape) writer.varint(n);
  writer.f64(psnrDb).f64(bits);
  putLabel(writer, label);
  if (metadata !== undefined) putText(writer, metadataText(metadata));
  if (content.kind === 'modulation') {
    writer.u8(content.quality);
    for (const half of toFloat16(content.values)) writer.u16(half);
  }
  return writer.finish();
}

/** A function that shares nothing with `bytes`. Throws BadStreamError `truncated`, `varint`, `utf8` or `record-*`. */
export function decodeRecord(id: string, bytes: Uint8Array): StoredFunction {
  const { facts, kind, reader } = readRecord(id, bytes);
  const size = reader.remaining - crcBytes;
  const content = kind === 'file' ? { kind, bytes: reader.bytes(size) } : readModulation(reader, size);
  return { ...facts, content };
}

/** The function that a note and its file are of. Throws as `decodeRecord`. */
export function decodeNote(id: string, note: Uint8Array, file: Uint8Array): StoredFunction {
  const reader = new ByteReader(note);
  const { facts, kind } = readHead(id, reader);
  const size = reader.remaining;
  if (kind === 'file' ? size !== 0 : size % 2 === 0)
    fail(id, 'record-header', reader.at, 'its note is too long');
  return { ...facts, content: kind === 'file' ? { kind, bytes: file } : readModulation(reader, size) };
}

/** What is known of a function without its content, which is checked all the same. Throws as `decodeRecord`. */
export function summariseRecord(id: string, bytes: Uint8Array): FunctionSummary {
  const { facts, kind, reader } = readRecord(id, bytes);
  const size = reader.remaining - crcBytes;
  return {
    ...facts,
    codedBytes: kind === 'file' ? size : 0,
    modulationBytes: kind === 'file' ? 0 : size - 1,
  };
}

/** Undefined as well where the record cannot be read. */
export function labelOfRecord(id: string, bytes: Uint8Array): Label | undefined {
  try {
    return summariseRecord(id, bytes).label;
  } catch (error) {
    if (error instanceof FunctaError) return undefined;
    throw error;
  }
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
  if (fn.metadata !== undefined) metadataText(fn.metadata);
  if (typeof fn.psnrDb !== 'number') bad('psnrDb is not a number');
  if (!(fn.bits >= 0 && fn.bits < Infinity)) bad(`bits is ${fn.bits}, not a finite number from 0 up`);
  const { content } = fn;
  switch (content.kind) {
    case 'file':
      if (content.bytes.length === 0) bad('its file is empty; put a modulation, or a whole file');
      checkLimit('file-bytes', content.bytes.length, limits.maxFileBytes, 'split the signal');
      return;
    case 'modulation': {
      const { quality, values } = content;
      if (!(Number.isInteger(quality) && quality >= 1 && quality <= maxQuality)) {
        bad(`quality ${quality} of its modulation is not a whole number from 1 to ${maxQuality}`);
      }
      checkLimit('symbols', values.length, limits.maxSymbols, 'split the signal');
      const at = values.findIndex((value) => !(Math.abs(value) <= maxFloat16));
      if (at >= 0)
        bad(`modulation[${at}] is ${values[at]}, not a number within ±${maxFloat16}; adapt it again`);
      return;
    }
    default:
      content satisfies never;
      bad('its content is neither a file nor a modulation');
  }
}

/** Throws BadInputError `bad-function` for what cannot be an id. */
export function checkId(id: string): void {
  if (!isName(id)) throw new BadInputError('bad-function', `an id is ${nameRule}`);
}

interface Head {
  readonly facts: FunctionFacts;
  readonly kind: FunctionContent['kind'];
}

/** Of a record whose checksum holds; the reader stands at the content. */
function readRecord(id: string, bytes: Uint8Array): Head & { readonly reader: ByteReader } {
  const crcAt = bytes.length - crcBytes;
  if (crcAt < 0) fail(id, 'truncated', 0, `${bytes.length} bytes are no record`);
  const stored = new ByteReader(bytes.subarray(crcAt)).u32();
  const computed = checksum(id, bytes.subarray(0, crcAt));
  if (stored !== computed) {
    const sums = `stored ${stored.toString(16)}, computed ${computed.toString(16)}`;
    fail(id, 'record-checksum', crcAt, `its record is damaged: checksum ${sums}`);
  }
  const reader = new ByteReader(bytes);
  const head = readHead(id, reader);
  const size = reader.remaining - crcBytes;
  if (size < 1 || (head.kind === 'modulation' && size % 2 === 0)) {
    fail(id, 'record-header', reader.at, `${size} bytes of content are no ${head.kind}`);
  }
  return { ...head, reader };
}

function readHead(id: string, reader: ByteReader): Head {
  const head = reader.u8();
  const ofVersion = head >> 4;
  if (ofVersion !== version && ofVersion !== versionWithMetadata)
    fail(
      id,
      'record-header',
      0,
      `version ${ofVersion} of a record, ${version} and ${versionWithMetadata} are read; update functa`,
    );
  const kind = contentKinds[head & 3] ?? fail(id, 'record-header', 0, `content of kind ${head & 3}`);
  const axes = reader.varint();
  if (axes < 1 || axes > maxAxes) fail(id, 'record-header', 1, `${axes} axes`);
  const shape = Array.from({ length: axes }, () => reader.varint());
  const psnrDb = reader.f64();
  const bits = reader.f64();
  const label = readLabel(reader, labelKinds[(head >> 2) & 3]!);
  const facts = { id, shape, psnrDb, bits, ...(label === undefined ? {} : { label }) };
  if (ofVersion === version) return { facts, kind };
  const metadata =
    parseMetadata(reader.utf8(reader.varint())) ??
    fail(id, 'record-header', reader.at, 'its metadata is no JSON object');
  return { facts: { ...facts, metadata }, kind };
}

/** The kind of a label and the label, as a record holds them. */
export function labelBytes(label: Label): Uint8Array {
  const writer = new ByteWriter().u8(labelKinds.indexOf(labelKindOf(label)));
  putLabel(writer, label);
  return writer.finish();
}

function putLabel(writer: ByteWriter, label: Label | undefined): void {
  const kind = labelKindOf(label);
  if (kind === 'varint') writer.varint(label as number);
  else if (kind === 'f64') writer.f64(label as number);
  else if (kind === 'text') putText(writer, label as string);
}

function putText(writer: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  writer.varint(bytes.length).bytes(bytes);
}

/** Of `size` bytes. */
function readModulation(reader: ByteReader, size: number): ModulationContent {
  const quality = reader.u8();
  const bytes = reader.bytes(size - 1);
  const halves = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < halves.length; i++) halves[i] = bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
  return { kind: 'modulation', quality, values: fromFloat16(halves) };
}

function fail(id: string, code: ErrorCode, at: number, what: string): never {
  throw new BadStreamError(code, at, `function ${JSON.stringify(id)}: ${what}`);
}

function labelKindOf(label: Label | undefined): (typeof labelKinds)[number] {
  if (label === undefined) return 'none';
  if (typeof label === 'string') return 'text';
  return Number.isInteger(label) && label >= 0 && label <= 0xffffffff ? 'varint' : 'f64';
}

function readLabel(reader: ByteReader, kind: (typeof labelKinds)[number]): Label | undefined {
  switch (kind) {
    case 'none':
      return undefined;
    case 'text':
      return reader.utf8(reader.varint());
    case 'f64':
      return reader.f64();
    case 'varint':
      return reader.varint();
    default:
      return kind satisfies never;
  }
}

const nameRule = `1 to ${maxNameBytes} bytes of well-formed text without control characters`;

function isName(text: unknown): boolean {
  if (typeof text !== 'string' || text === '' || /[\p{Cc}\ud800-\udfff]/u.test(text)) return false;
  return new TextEncoder().encode(text).length <= maxNameBytes;
}

function checksum(id: string, bytes: Uint8Array): number {
  return crc32c(bytes, crc32c(new TextEncoder().encode(id)));
}
