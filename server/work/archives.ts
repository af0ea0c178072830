/** Archives of files that a request sends: tar, tar by gzip (RFC 1952), and ZIP. */
import { Readable } from 'node:stream';
import { createGunzip, gunzipSync, constants as zlib } from 'node:zlib';
import { isTar, readTar } from '../../datasets/fetch/tar.ts';
import { checkLimit, type Limits } from '../../src/core/limits.ts';
import { sniffFormat } from '../../src/formats/formats.ts';
import { readZip, sniffZip, type ZipEntry } from '../../src/formats/zip.ts';
import { gzipType, tarType, zipType } from '../media.ts';

export interface ArchivedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ArchiveOptions {
  readonly limits: Limits;
  /** Files of it, at most. */
  readonly mostFiles: number;
  readonly signal: AbortSignal;
}

/** What a store of one signal has beside its chunks. */
const zarrFiles = /(^|\/)(zarr\.json|\.zarray|\.zgroup|\.zmetadata)$/;
/** Of a file by gzip: enough for the first header of a tar. */
const headBytes = 4096;

/**
 * The regular files of an archive whose names do not begin with a dot; undefined for what is none. A ZIP that is a signal of its own is
 * none. Throws BadStreamError `bad-tar`, `bad-zip`, `unsupported-zip`, `checksum`, `truncated`; LimitError
 * `limit-functions`, `limit-file-bytes` where the files are too large together, `tar-file-bytes`; AbortedError.
 */
export async function filesOfArchive(
  bytes: Uint8Array,
  type: string,
  options: ArchiveOptions,
): Promise<readonly ArchivedFile[] | undefined> {
  if (type === tarType || isTar(bytes)) return filesOfTar([bytes], options);
  if (isGzip(bytes) && (type === gzipType || isTar(beginning(bytes))))
    return filesOfTar(within(Readable.from([bytes]).pipe(createGunzip()), options.limits), options);
  return sniffZip(bytes) ? filesOfZip(bytes, type, options) : undefined;
}

async function filesOfTar(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { limits, mostFiles, signal }: ArchiveOptions,
): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  const use = (name: string, bytes: Uint8Array) => {
    files.push({ name, bytes });
    checkFiles(files.length, mostFiles);
  };
  await readTar(source, isShown, use, { maxFileBytes: limits.maxFileBytes, signal });
  return files;
}

function filesOfZip(
  bytes: Uint8Array,
  type: string,
  { limits, mostFiles }: ArchiveOptions,
): readonly ArchivedFile[] | undefined {
  const shown = entriesOfZip(bytes, type, limits);
  if (shown === undefined) return undefined;
  checkFiles(shown.length, mostFiles);
  checkTogether(
    shown.reduce((sum, [, { size }]) => sum + size, 0),
    limits,
  );
  return shown.map(([name, entry]) => ({ name, bytes: entry.read() }));
}

/** The files of a ZIP by name, but for what begins with a dot; undefined for one that is a signal of its own. Throws as `readZip`. */
export function entriesOfZip(
  bytes: Uint8Array,
  type: string,
  limits: Limits,
): readonly (readonly [name: string, entry: ZipEntry])[] | undefined {
  const entries = [...readZip(bytes, limits)];
  // a format that is a ZIP of its own kind, and not said to be any ZIP
  const isSignal = type !== zipType && sniffFormat(bytes)?.mediaType !== zipType;
  if (isSignal || entries.some(([name]) => zarrFiles.test(name))) return undefined;
  return entries.filter(([name]) => isShown(name));
}

/** Pieces of no more bytes together than one file may have: what is packed well may unpack to any length. */
async function* within(pieces: AsyncIterable<Uint8Array>, limits: Limits): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    checkTogether(length, limits);
    yield piece;
  }
}

function checkTogether(bytes: number, { maxFileBytes }: Limits): void {
  checkLimit('file-bytes', bytes, maxFileBytes, 'send the files of the archive in several requests');
}

function checkFiles(files: number, most: number): void {
  checkLimit('functions', files, most, 'send them in several requests');
}

function isShown(path: string): boolean {
  return !/(^|\/)\.[^/]*$|(^|\/)__MACOSX\//.test(path);
}

/** RFC 1952. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function beginning(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, headBytes), { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}
