/** An upload as a directory of files: what a tar archive holds, or the one file that it is. */
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ReadEntry, Unpack } from 'tar';
import { isTar } from '../../datasets/fetch/tar.ts';
import { BadInputError, BadStreamError, FunctaError, LimitError } from '../../src/core/errors.ts';
import { placeDirectory } from '../../src/disk/place.ts';
import { writeFailure } from '../../src/disk/whole.ts';
import { formatOfFile } from '../../src/formats/formats.ts';
import type { DataContext } from './data.ts';
import type { JobLimits } from './limits.ts';

/** Bytes that tell a format, or an archive. */
const headBytes = 4096;

/**
 * The directory, made once. Throws BadStreamError `bad-tar`, BadInputError `unknown-format`, LimitError `limit-archive-files`,
 * `limit-archive-bytes`, EnvironmentError `disk-full`.
 */
export async function unpacked({
  places,
  jobLimits,
  signal,
}: Pick<DataContext, 'places' | 'jobLimits' | 'signal'>): Promise<string> {
  const directory = join(places.work, 'files');
  if (existsSync(directory)) return directory;
  const fresh = join(places.work, 'unpacking');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const head = await headOf(places.upload);
  if (isArchive(head)) await unpackTar(places.upload, fresh, { limits: jobLimits, signal });
  else {
    const format = formatOfFile(head, undefined);
    if (format === undefined)
      throw new BadInputError('unknown-format', 'the upload is neither a tar archive nor a signal; send one');
    await copyFile(places.upload, join(fresh, `signal${format.suffixes[0]}`));
  }
  await placeDirectory(fresh, directory);
  return directory;
}

/** Regular files of an archive alone, below `directory`; links and devices are passed over. */
async function unpackTar(
  path: string,
  directory: string,
  { limits, signal }: { readonly limits: JobLimits; readonly signal: AbortSignal },
): Promise<void> {
  const most = limits.archiveGrowth * (await stat(path)).size;
  let [files, bytes] = [0, 0];
  let fault: Error | undefined;
  const take = (_path: string, entry: unknown): boolean => {
    const { type, size } = entry as ReadEntry;
    if (fault !== undefined || (type !== 'File' && type !== 'OldFile' && type !== 'Directory')) return false;
    files++;
    bytes += size;
    if (files > limits.archiveFiles)
      fault = new LimitError('archive-files', limits.archiveFiles, files, 'send fewer at once');
    if (bytes > most) fault = new LimitError('archive-bytes', most, bytes, 'send files that say more');
    return fault === undefined;
  };
  // an archive cannot name a place above the directory, nor write through a link, since there are none
  const unpack = new Unpack({
    cwd: directory,
    strict: true,
    filter: take,
    maxMetaEntrySize: 65536,
    noMtime: true,
  });
  try {
    await pipeline(createReadStream(path), unpack, { signal });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof FunctaError || signal.aborted) throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw writeFailure(directory, error);
    throw (
      fault ??
      new BadStreamError('bad-tar', 0, `the upload is no whole tar archive: ${(error as Error).message}`)
    );
  }
  if (fault !== undefined) throw fault;
}

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const head = new Uint8Array(headBytes);
    const { bytesRead } = await file.read(head, 0, headBytes, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Plain, or compressed by gzip (RFC 1952). */
function isArchive(head: Uint8Array): boolean {
  return isTar(head) || (head[0] === 0x1f && head[1] === 0x8b);
}
