import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, EnvironmentError } from '../../src/core/errors.ts';
import type { FetchContext } from './context.ts';
import { runTool } from './run-tool.ts';
import { makeScratch } from './scratch.ts';

/** A package that a registry serves under a name. */
export interface PackageSource {
  readonly kind: 'npm' | 'debian';
  readonly name: string;
  /** Fixed for npm; Debian gives the release's own. */
  readonly version?: string;
  /** Of the file, in hex; absent where releases differ and the contents are checked instead. */
  readonly sha256?: string;
  /** Size of the download, for progress. */
  readonly bytes: number;
}

/**
 * Gives the path of the package's file: one that the user copied to ROOT/packages, else one downloaded before, else
 * a fresh download through npm or apt-get. A digest that is known is checked. Throws EnvironmentError
 * `download-failed` (says how to go on without a network), `digest-mismatch`, `tool-missing`; AbortedError.
 */
export async function packageFile(source: PackageSource, context: FetchContext): Promise<string> {
  const label = source.version === undefined ? source.name : `${source.name}@${source.version}`;
  const brought = findPackage(join(context.root, 'packages'), source);
  if (brought !== undefined) {
    await checkDigest(brought, source, context, false);
    return brought;
  }
  const downloads = join(context.root, 'downloads');
  const earlier = findPackage(downloads, source);
  if (earlier !== undefined) {
    await checkDigest(earlier, source, context, true);
    return earlier;
  }
  context.step('download', `${label} from the ${source.kind === 'npm' ? 'npm registry' : 'Debian archive'}`);
  await mkdir(downloads, { recursive: true });
  const work = await makeScratch(downloads, 'part');
  try {
    await download(source, label, work, context);
    const file = findPackage(work, source);
    if (file === undefined) {
      throw new EnvironmentError('download-failed', `${label}: the download left no file; fetch again`);
    }
    await checkDigest(file, source, context, true);
    const kept = join(downloads, fileName(file));
    await rename(file, kept);
    return kept;
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Removes a file that `packageFile` downloaded; one that the user brought stays. */
export async function discardDownload(path: string, context: FetchContext): Promise<void> {
  if (path.startsWith(join(context.root, 'downloads'))) await rm(path, { force: true });
}

/** Quiet, and a minute of waiting between retries is too long where there is no network. */
const npmSettings = ['--loglevel=error', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];

async function download(
  source: PackageSource,
  label: string,
  work: string,
  context: FetchContext,
): Promise<void> {
  const offline = `without a network, copy its file (${pattern(source)}) to ${join(context.root, 'packages')} and fetch again`;
  let isOver = false;
  const timer = setInterval(async () => {
    const done = await largestFile(work).catch(() => 0);
    if (!isOver) context.progress('download', Math.min(done, source.bytes), source.bytes, 'bytes');
  }, 250);
  const ifMissing = source.kind === 'npm' ? 'it comes with Node' : 'it comes with Debian';
  try {
    if (source.kind === 'npm') {
      // A cache of its own: the download does not stay in the user's, and the file that grows there is the progress.
      const args = [
        'pack',
        label,
        '--ignore-scripts',
        '--pack-destination',
        work,
        '--cache',
        join(work, 'npm'),
      ];
      await runTool('npm', [...args, ...npmSettings], { signal: context.signal, ifMissing });
    } else {
      await runTool('apt-get', ['download', source.name], {
        cwd: work,
        signal: context.signal,
        ifMissing,
      });
    }
  } catch (error) {
    if (error instanceof AbortedError || (error instanceof EnvironmentError && error.code === 'disk-full'))
      throw error;
    const hint = source.kind === 'debian' ? ' (apt-get update may be needed first)' : '';
    const why = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError('download-failed', `${label}: ${why}${hint}; ${offline}`, { cause: error });
  } finally {
    clearInterval(timer);
    isOver = true;
  }
  context.progress('download', source.bytes, source.bytes, 'bytes');
}

async function checkDigest(
  file: string,
  source: PackageSource,
  context: FetchContext,
  ours: boolean,
): Promise<void> {
  if (source.sha256 === undefined) return;
  context.step('verify', fileName(file));
  const found = await sha256OfFile(file, context.signal);
  if (found === source.sha256) return;
  if (ours) await rm(file, { force: true });
  const todo = ours ? 'it was removed; fetch again' : 'replace that file';
  throw new EnvironmentError('digest-mismatch', `${file}: sha256 is ${found}, not ${source.sha256}; ${todo}`);
}

/** SHA-256 of a file in hex, read in pieces. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (signal?.aborted) throw new AbortedError();
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

function findPackage(directory: string, source: PackageSource): string | undefined {
  if (!existsSync(directory)) return undefined;
  const name = readdirSync(directory).find((file) => isFileOf(file, source));
  if (name === undefined || !statSync(join(directory, name)).isFile()) return undefined;
  return join(directory, name);
}

function isFileOf(file: string, source: PackageSource): boolean {
  if (source.kind === 'npm') return file === pattern(source);
  return file.startsWith(`${source.name}_`) && file.endsWith('.deb');
}

function pattern(source: PackageSource): string {
  return source.kind === 'npm' ? `${source.name}-${source.version}.tgz` : `${source.name}_VERSION_all.deb`;
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1)!;
}

/** npm keeps one copy in its cache while it downloads and writes the package at the end: the largest file has it all. */
async function largestFile(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { size } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }));
    bytes = Math.max(bytes, size);
  }
  return bytes;
}
