/**
 * The safetensors container (format of the Python library, README "Format"): 8 bytes of header length N,
 * little-endian; N bytes of JSON, `{` first, padded with spaces; then the data of all tensors, row-major and
 * little-endian, without holes or overlaps. A typed array has the byte order of its host, which is little-endian
 * wherever JavaScript runs.
 *
 * Stricter than the library in three points, so that no two readers understand one file differently: duplicate keys,
 * unknown fields and numbers not written as plain integers are refused.
 */
import type { ErrorCode } from '../core/error-codes.ts';
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { allocate, type Dtype, dtypeBytes, type Tensor, tensor } from '../core/tensor.ts';

export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}

/** Far above any model of ours, far below what parsing could hurt. */
const maxHeaderBytes = 2 ** 22;
const metadataKey = '__metadata__';

/**
 * Reads a whole file. Tensors are copies: they share nothing with `bytes`. Values are not looked at, NaN passes.
 * Throws BadStreamError `truncated` or `safetensors-*`, LimitError `limit-file-bytes` or `limit-header-bytes`.
 */
export function readSafetensors(bytes: Uint8Array, limits: Limits = defaultLimits): Safetensors {
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'raise the limit to read a file this large');
  if (bytes.length < 8) throw new BadStreamError('truncated', bytes.length, 'a header length takes 8 bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  checkLimit('header-bytes', headerBytes, maxHeaderBytes, 'this is not a safetensors file of ours');
  const dataAt = 8 + headerBytes;
  if (dataAt > bytes.length) {
    throw new BadStreamError('truncated', bytes.length, `the header ends at ${dataAt}, after the file`);
  }

  const { entries, metadata } = parseHeader(bytes.subarray(8, dataAt));
  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const { name, dtype, shape, from, to } of entries.sort((a, b) => a.from - b.from || a.to - b.to)) {
    // Sorted by offset, each must begin where the one before ended: no overlap, no hole.
    if (from !== end)
      fault('safetensors-offsets', `tensor ${show(name)} starts at ${from} of the data, not at ${end}`);
    const count = checkedCount(name, shape);
    if (to - from !== count * dtypeBytes[dtype]) {
      fault(
        'safetensors-size',
        `tensor ${show(name)} has ${to - from} bytes for ${count} elements of ${dtype}`,
      );
    }
    if (to > bytes.length - dataAt) {
      throw new BadStreamError('truncated', bytes.length, `tensor ${show(name)} ends at ${dataAt + to}`);
    }
    const data = allocate(dtype, count);
    new Uint8Array(data.buffer).set(bytes.subarray(dataAt + from, dataAt + to));
    tensors.set(name, tensor(data, shape));
    end = to;
  }
  if (end !== bytes.length - dataAt) {
    throw new BadStreamError('safetensors-trailing', dataAt + end, 'bytes that belong to no tensor');
  }
  return { tensors, metadata };
}

/**
 * One file from tensors and string metadata. The same content gives the same bytes whatever the order of insertion:
 * tensors by falling element size and then by name, so that each is aligned; metadata by name.
 * Throws BadInputError `safetensors-name` for a name that the format cannot carry.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => dtypeBytes[y.dtype] - dtypeBytes[x.dtype] || (a < b ? -1 : 1),
  );
  for (const [, { data, shape }] of ordered) tensor(data, shape);
  const head = safetensorsHead(
    ordered.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    metadata,
  );
  const data = ordered.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const bytes = new Uint8Array(data.reduce((sum, { length }) => sum + length, head.length));
  bytes.set(head);
  let at = head.length;
  for (const part of data) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * All of a file before its data, which follow in the order of `tensors`: for files that are written as they are made. Throws BadInputError
 * `safetensors-name`.
 */
export function safetensorsHead(
  tensors: readonly Pick<Tensor & { readonly name: string }, 'name' | 'dtype' | 'shape'>[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const fields: string[] = [];
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const members = pairs.map(([key, value]) => `${quote(key)}:${quote(value)}`);
  if (members.length > 0) fields.push(`"${metadataKey}":{${members.join(',')}}`);
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    if (name === metadataKey)
      throw new BadInputError('safetensors-name', `"${metadataKey}" cannot name a tensor`);
    const end = at + checkedCount(name, shape) * dtypeBytes[dtype];
    fields.push(`${quote(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${at},${end}]}`);
    at = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes).fill(0x20);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headerBytes, true);
  view.setUint32(4, 0, true);
  bytes.set(json, 8);
  return bytes;
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: number[];
  readonly from: number;
  readonly to: number;
}

function parseHeader(header: Uint8Array): { entries: Entry[]; metadata: Record<string, string> } {
  if (header[0] !== 0x7b) fault('safetensors-header', 'the header does not begin with "{"');
  let text: string;
  let root: Record<string, unknown>;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    root = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return fault('safetensors-header', 'the header is not JSON in UTF-8');
  }
  checkTokens(text);
  const entries: Entry[] = [];
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(root)) {
    if (name !== metadataKey) entries.push(parseEntry(name, value));
    else {
      if (!isObject(value)) return fault('safetensors-metadata', 'the metadata are not an object');
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string')
          return fault('safetensors-metadata', `metadata ${show(key)} is not a string`);
        Object.defineProperty(metadata, key, {
          value: text,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    }
  }
  return { entries, metadata };
}

function parseEntry(name: string, value: unknown): Entry {
  if (!isObject(value))
    return fault('safetensors-entry', `tensor ${show(name)} is not described by an object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) fault('safetensors-entry', `tensor ${show(name)} has a field ${show(unknown)}`);
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypeBytes, dtype)) {
    return fault(
      'safetensors-dtype',
      `tensor ${show(name)} has dtype ${show(dtype)}; read are ${Object.keys(dtypeBytes)}`,
    );
  }
  if (!isCounts(shape))
    return fault('safetensors-entry', `tensor ${show(name)} has no shape of whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2)
    return fault('safetensors-entry', `tensor ${show(name)} has no pair of offsets`);
  const [from, to] = offsets as [number, number];
  if (from > to)
    fault('safetensors-offsets', `tensor ${show(name)} ends at ${to} before its start at ${from}`);
  return { name, dtype: dtype as Dtype, shape, from, to };
}

/** `text` is known to be JSON; what is left to refuse is what JSON.parse lets pass silently. */
function checkTokens(text: string): void {
  const open: Set<string>[] = [];
  let last = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]|-?\d[\d.eE+-]*/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (token === ':') {
      const key = JSON.parse(last) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) fault('safetensors-duplicate', `${show(key)} stands twice`);
      if (/[\ud800-\udfff]/u.test(key)) fault('safetensors-header', 'a name is not well-formed Unicode');
      keys.add(key);
    } else if (token[0] !== '"' && !/^\d+$/.test(token))
      fault('safetensors-header', `${token} is not a plain whole number`);
    last = token;
  }
}

function checkedCount(name: string, shape: readonly number[]): number {
  let count = 1;
  for (const n of shape) {
    count *= n;
    if (!Number.isSafeInteger(count))
      fault('safetensors-size', `shape [${shape}] of tensor ${show(name)} overflows`);
  }
  return count;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** A text from the file as it may stand in a message: on one line, and short. */
function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'none').slice(0, 60);
}

function quote(text: string): string {
  if (/[\ud800-\udfff]/u.test(text)) {
    throw new BadInputError('safetensors-name', 'a name or a metadata value is not well-formed Unicode');
  }
  return JSON.stringify(text);
}

/** A fault of the header: reported at its start. */
function fault(code: ErrorCode, message: string): never {
  throw new BadStreamError(code, 8, message);
}
