/** ZIP archives held in memory (APPNOTE 6.3.9): what npz files and zarr stores are kept in. Stored and deflated files are read, stored ones written. */
import { constants, crc32, inflateRawSync } from 'node:zlib';
import { BadStreamError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';

/** A file of an archive. */
export interface ZipEntry {
  /** Unpacked. */
  readonly size: number;
  /** Its bytes, held against their checksum. Throws BadStreamError `bad-zip`, `checksum`, LimitError `limit-file-bytes`. */
  read(): Uint8Array;
  /** What its first bytes unpack to, unchecked: enough for a header, and quickly had. Throws BadStreamError `bad-zip`, `truncated`. */
  beginning(): Uint8Array;
}

const signatures = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 };
const bytesOf = { local: 30, central: 46, end: 22 };
const methods = { stored: 0, deflated: 8 };
/** Of its length, at most: a comment follows the end of the directory. */
const mostComment = 65_535;
/** A byte that is deflated stands for so many at most (RFC 1951: 258 by two bits), beside what a block begins with. */
const mostPerByte = 1032;
/** Packed bytes that a beginning is unpacked from. */
const beginningBytes = 4096;

/** Whether bytes begin as an archive. */
export function sniffZip(bytes: Uint8Array): boolean {
  return bytes.length >= bytesOf.local && viewOf(bytes).getUint32(0, true) === signatures.local;
}

/** The name of the file that an archive begins with; empty where it is none. */
export function firstNameInZip(bytes: Uint8Array): string {
  if (!sniffZip(bytes)) return '';
  const length = viewOf(bytes).getUint16(26, true);
  return new TextDecoder().decode(bytes.subarray(bytesOf.local, bytesOf.local + length));
}

/** Files of an archive by their names. Throws BadStreamError `bad-zip`, `unsupported-zip`, `truncated`. */
export function readZip(bytes: Uint8Array, limits: Limits): ReadonlyMap<string, ZipEntry> {
  const { maxFileBytes } = limits;
  checkLimit('file-bytes', bytes.length, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  const view = viewOf(bytes);
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const more = at === 0xffff_ffff || count === 0xffff;
  if (more) throw unsupported(end, 'it has more files or bytes than plain ones: ZIP64');
  const found = new Map<string, ZipEntry>();
  // an archive whose files share bytes unpacks to any size
  let packedBytes = 0;
  for (let n = 0; n < count; n++) {
    if (at + bytesOf.central > end || view.getUint32(at, true) !== signatures.central)
      throw new BadStreamError('bad-zip', at, `file ${n} of its directory is none`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((own) => view.getUint16(at + own, true));
    const name = new TextDecoder().decode(bytes.subarray(at + bytesOf.central).subarray(0, nameBytes));
    packedBytes += view.getUint32(at + 20, true);
    if (packedBytes > bytes.length)
      throw new BadStreamError('bad-zip', at, 'its files say that they are larger than it');
    if (!name.endsWith('/')) found.set(name, entryAt(bytes, at, limits));
    at += bytesOf.central + nameBytes! + extraBytes! + commentBytes!;
  }
  return found;
}

/** An archive of files as they are, in this order. */
export function storedZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const names = [...files.keys()].map((name) => new TextEncoder().encode(name));
  const contents = [...files.values()];
  const headers = names.reduce((sum, { length }) => sum + 2 * length, names.length * 76);
  const total = contents.reduce((sum, { length }) => sum + length, headers + bytesOf.end);
  const out = new Uint8Array(total);
  const view = viewOf(out);
  const starts: number[] = [];
  let at = 0;
  const put = (name: Uint8Array, data: Uint8Array, { start }: { readonly start?: number }) => {
    const isLocal = start === undefined;
    view.setUint32(at, isLocal ? signatures.local : signatures.central, true);
    // names are UTF-8
    view.setUint16(at + (isLocal ? 6 : 8), 0x800, true);
    const sizes = at + (isLocal ? 14 : 16);
    view.setUint32(sizes, crc32(data), true);
    view.setUint32(sizes + 4, data.length, true);
    view.setUint32(sizes + 8, data.length, true);
    view.setUint16(sizes + 12, name.length, true);
    if (!isLocal) view.setUint32(at + 42, start, true);
    at += isLocal ? bytesOf.local : bytesOf.central;
    out.set(name, at);
    at += name.length;
  };
  for (const [n, name] of names.entries()) {
    starts.push(at);
    put(name, contents[n]!, {});
    out.set(contents[n]!, at);
    at += contents[n]!.length;
  }
  const directory = at;
  for (const [n, name] of names.entries()) put(name, contents[n]!, { start: starts[n]! });
  view.setUint32(at, signatures.end, true);
  view.setUint16(at + 8, names.length, true);
  view.setUint16(at + 10, names.length, true);
  view.setUint32(at + 12, at - directory, true);
  view.setUint32(at + 16, directory, true);
  return out;
}

function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - bytesOf.end - mostComment);
  for (let at = view.byteLength - bytesOf.end; at >= first; at--)
    if (view.getUint32(at, true) === signatures.end) return at;
  throw new BadStreamError('truncated', view.byteLength, 'the archive has no end: it may be cut off');
}

function entryAt(bytes: Uint8Array, at: number, { maxFileBytes }: Limits): ZipEntry {
  const view = viewOf(bytes);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const [checksum, packed, size] = [16, 20, 24].map((own) => view.getUint32(at + own, true)) as [
    number,
    number,
    number,
  ];
  const start = view.getUint32(at + 42, true);
  const packedData = () => {
    if ((flags & 1) !== 0) throw unsupported(at, 'it is encrypted');
    if (method !== methods.stored && method !== methods.deflated)
      throw unsupported(at, `it is packed by method ${method}`);
    if (!(start + bytesOf.local <= bytes.length) || view.getUint32(start, true) !== signatures.local)
      throw new BadStreamError('bad-zip', start, 'a file begins where none is');
    const from = start + bytesOf.local + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    if (!(from + packed <= bytes.length))
      throw new BadStreamError('truncated', bytes.length, 'a file of the archive ends behind its end');
    return bytes.subarray(from, from + packed);
  };
  return {
    size,
    beginning() {
      const data = packedData().subarray(0, beginningBytes);
      return method === methods.stored ? data : beginningOf(data, at);
    },
    read() {
      const data = packedData();
      const most = method === methods.stored ? packed : packed * mostPerByte;
      if (size > most || (method === methods.stored && size !== packed))
        throw new BadStreamError('bad-zip', at, `${packed} bytes do not unpack to ${size}`);
      checkLimit('file-bytes', size, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
      const content = method === methods.stored ? data.slice() : inflated(data, size, at);
      if (crc32(content) !== checksum)
        throw new BadStreamError('checksum', at, 'a file of the archive is not the one that was packed');
      return content;
    },
  };
}

function beginningOf(data: Uint8Array, at: number): Uint8Array {
  try {
    return inflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    throw new BadStreamError('bad-zip', at, 'its first bytes do not inflate');
  }
}

function inflated(data: Uint8Array, size: number, at: number): Uint8Array {
  try {
    // one byte more: what is longer than it says is told from what is not
    const content = inflateRawSync(data, { maxOutputLength: size + 1 });
    if (content.length === size) return content;
  } catch {
    // as of another length
  }
  throw new BadStreamError('bad-zip', at, `its ${data.length} bytes do not inflate to ${size}`);
}

function unsupported(at: number, why: string): BadStreamError {
  return new BadStreamError('unsupported-zip', at, `${why}; pack it again: zip -r OUT.zip IN`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
