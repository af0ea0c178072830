/**
 * Is this file an LMDB environment that can be opened? LMDB maps it into memory: one of another kind, or cut off, would
 * end the process with a signal. (Bits that flip inside the tree's own pages may still do that: LMDB trusts them. The
 * checksum of a record guards what is in it.) Layout of the two meta pages: MDB_meta in mdb.c, format 2, 64 bit, little-endian.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EnvironmentError } from '../core/errors.ts';

const magic = 0xbeefc0de;
const formatVersion = 2;
const at = { magic: 24, version: 28, pageBytes: 48, main: 96, lastPage: 144, transaction: 152, end: 160 };

/**
 * Throws EnvironmentError `functaset-damaged` for a file that is no environment, or shorter than its own count of
 * pages. LMDB leaves a file shorter by pages that were taken and freed within one transaction; no transaction of a
 * functaset does so, since it writes no id twice.
 */
export function checkFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    // LMDB makes an empty file before it fills it: a process may have died in between.
    if (fstatSync(file).size === 0) return;
    const newest = readNewestMeta(path, file);
    const wanted = (newest.lastPage + 1) * newest.pageBytes;
    // The size after the meta pages: a writer lengthens the file before it says so in them.
    const size = fstatSync(file).size;
    if (size < wanted) fail(path, `${size} bytes of ${wanted}, it was cut off`);
  } finally {
    closeSync(file);
  }
}

/** The state after the last transaction: size and number of its pages, and the tree of its trees. */
export function readNewestMeta(path: string, file: number) {
  const first = readMeta(path, file, 0);
  const second = readMeta(path, file, first.pageBytes);
  return second.transaction > first.transaction ? second : first;
}

function readMeta(path: string, file: number, offset: number) {
  const view = new DataView(new ArrayBuffer(at.end));
  const read = readSync(file, view, 0, at.end, offset);
  if (read < at.end || view.getUint32(at.magic, true) !== magic) fail(path, 'it is not an LMDB file');
  const version = view.getUint32(at.version, true);
  if (version !== formatVersion) fail(path, `format ${version} of LMDB, ${formatVersion} is read`);
  const pageBytes = view.getUint32(at.pageBytes, true);
  if (pageBytes < 256 || pageBytes > 65536) fail(path, `pages of ${pageBytes} bytes`);
  return {
    pageBytes,
    lastPage: Number(view.getBigUint64(at.lastPage, true)),
    transaction: view.getBigUint64(at.transaction, true),
    main: new DataView(view.buffer, at.main, 48),
  };
}

function fail(path: string, what: string): never {
  throw new EnvironmentError('functaset-damaged', `${path}: ${what}; copy it again, or build it again`);
}
