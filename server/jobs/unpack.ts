/** An upload as a directory of files: what a tar archive or a ZIP holds, or the one file that it is. */
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ReadEntry, Unpack } from 'tar';
import { isTar } from '../../datasets/fetch/tar.ts';
import { BadInputError, BadStreamError, FunctaError, LimitError } from '../../src/core/errors.ts';
import { checkLimit, type Limits } from '../../src/core/limits.ts';
import { writeFailure } from '../../src/disk/failure.ts';
import { placeDirectory } from '../../src/disk/place.ts';
import { formatOfFile } from '../../src/formats/formats.ts';
import { sniffZip, type ZipEntry } from '../../src/formats/zip.ts';
import { entriesOfZip, isGzip } from '../work/archives.ts';
import type { DataContext } from './data.ts';
import type { JobLimits } from './limits.ts';

/** Bytes that tell a format, or an archive. */
const headBytes = 4096;

/**
 * The directory, made once. Throws BadStreamError `bad-tar`, `bad-zip`, `unsupported-zip`, `checksum`, `truncated`, BadInputError
 * `unknown-format`, LimitError `limit-archive-files`, `limit-archive-bytes`, `limit-file-bytes` for a ZIP, which is read whole, and
 * EnvironmentError `disk-full`.
 */
export async function unpacked({
  places,
  jobLimits,
  limits,
  signal,
}: Pick<DataContext, 'places' | 'jobLimits' | 'limits' | 'signal'>): Promise<string> {
  const directory = join(places.work, 'files');
  if (existsSync(directory)) return directory;
  const fresh = join(places.work, 'unpacking');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const head = await headOf(places.upload);
  const { size } = await stat(places.upload);
  const own = { limits: jobLimits, most: jobLimits.archiveGrowth * size, signal };
  const zipped = sniffZip(head) ? await entriesOfUpload(places.upload, size, limits) : undefined;
  if (isTar(head) || isGzip(head)) await unpackTar(places.upload, fresh, own);
  else if (zipped !== undefined) await unpackZip(zipped, fresh, own);
  else {
    const format = formatOfFile(head, undefined);
    if (format === undefined)
      throw new BadInputError(
        'unknown-format',
        'the upload is neither an archive (tar, ZIP) nor a signal; send one',
      );
    await copyFile(places.upload, join(fresh, `signal${format.suffixes[0]}`));
  }
  await placeDirectory(fresh, directory);
  return directory;
}

interface UnpackOptions {
  readonly limits: JobLimits;
  /** Bytes of all files together. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Regular files of an archive alone, below `directory`; links and devices are passed over. */
async function unpackTar(
  path: string,
  directory: string,
  { limits, most, signal }: UnpackOptions,
): Promise<void> {
  let [files, bytes] = [0, 0];
  let fault: LimitError | undefined;
  const take = (_path: string, entry: unknown): boolean => {
    const { type, size } = entry as ReadEntry;
    if (fault !== undefined || (type !== 'File' && type !== 'OldFile' && type !== 'Directory')) return false;
    files++;
    bytes += size;
    fault = growthFault({ files, bytes }, { limits, most });
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

/** Files of a ZIP, one after the other. */
async function unpackZip(
  entries: readonly (readonly [name: string, entry: ZipEntry])[],
  directory: string,
  { limits, most, signal }: UnpackOptions,
): Promise<void> {
  const bytes = entries.reduce((sum, [, { size }]) => sum + size, 0);
  const fault = growthFault({ files: entries.length, bytes }, { limits, most });
  if (fault !== undefined) throw fault;
  for (const [name, entry] of entries) {
    signal.throwIfAborted();
    if (!isBelow(name))
      throw new BadStreamError(
        'bad-zip',
        0,
        `${JSON.stringify(name.slice(0, 64))} names no file below the archive`,
      );
    const path = join(directory, name);
    const content = entry.read();
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content, { flag: 'wx' });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' || code === 'ENOTDIR')
        throw new BadStreamError(
          'bad-zip',
          0,
          `${JSON.stringify(name.slice(0, 64))} is a file and a directory`,
        );
      throw writeFailure(directory, error);
    }
  }
}

/** Of a ZIP that is a directory of files. */
async function entriesOfUpload(path: string, size: number, limits: Limits) {
  checkLimit(
    'file-bytes',
    size,
    limits.maxFileBytes,
    'send a larger archive as tar, which is read as it comes',
  );
  return entriesOfZip(await readFile(path), '', limits);
}

/** Whether a name says a place below a directory, on any system. */
function isBelow(name: string): boolean {
  return (
    !/[\\:\0]/.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function growthFault(
  { files, bytes }: { readonly files: number; readonly bytes: number },
  { limits, most }: Omit<UnpackOptions, 'signal'>,
): LimitError | undefined {
  if (files > limits.archiveFiles)
    return new LimitError('archive-files', limits.archiveFiles, files, 'send fewer at once');
  return bytes > most ? new LimitError('archive-bytes', most, bytes, 'send files that say more') : undefined;
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
