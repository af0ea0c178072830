import { existsSync, readdirSync, statSync } from 'node:fs';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  AbortedError,
  BadInputError,
  ConflictError,
  EnvironmentError,
  FunctaError,
} from '../../src/core/errors.ts';
import { digestOfFile } from '../../src/disk/file.ts';
import { cacheRoot, damagedFile, isReady, noteBytes, readyFile } from '../cache.ts';
import type { FetchOptions } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from './context.ts';
import { makeScratch } from './scratch.ts';

/** What `fetchDataset` does once the name is known; see there. */
export async function fetchEntry(entry: DatasetEntry, options: FetchOptions = {}): Promise<string> {
  if (entry.needsPath) {
    throw new BadInputError(
      'nothing-to-fetch',
      `${entry.name} is yours to bring: give its directory as ${entry.name}:DIRECTORY`,
    );
  }
  const emit = options.onEvent ?? (() => {});
  const directory = directoryOf(entry, options.cacheDir);
  const layout = entry.layout ?? 1;
  const ready = entry.fetch !== undefined && isReady(directory, layout);
  const damaged = ready ? await damagedFile(directory) : undefined;
  if (entry.fetch === undefined || (ready && damaged === undefined)) {
    emit({ type: 'done', dataset: entry.name, directory, alreadyThere: true });
    return directory;
  }
  checkOurs(directory);
  const root = cacheRoot(options.cacheDir);
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw new AbortedError();
  let work: string | undefined;
  if (damaged !== undefined) {
    emit({
      type: 'step',
      step: 'verify',
      dataset: entry.name,
      detail: `${damaged} is damaged: fetching it again`,
    });
  }
  try {
    work = await makeScratch(root, `making-${entry.directory}`);
    const context: FetchContext = {
      root,
      directory: work,
      signal,
      step: (step, detail) => emit({ type: 'step', step, dataset: entry.name, detail }),
      progress: (step, done, total, unit) =>
        emit({
          type: 'progress',
          step,
          dataset: entry.name,
          done,
          unit,
          ...(total === undefined ? {} : { total }),
        }),
    };
    await entry.fetch(context);
    if (signal.aborted) throw new AbortedError();
    await writeNote(work, layout);
    await publish(work, directory, (there) => damaged === undefined && isReady(there, layout));
  } catch (error) {
    throw signal.aborted ? new AbortedError() : inOneLine(error, root);
  } finally {
    if (work !== undefined) await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }
  emit({ type: 'done', dataset: entry.name, directory, alreadyThere: false });
  return directory;
}

/** Where an entry's files live; empty for one that has none of its own. */
export function directoryOf(entry: DatasetEntry, cacheDir: string | undefined): string {
  return entry.directory === undefined ? '' : join(cacheRoot(cacheDir), entry.directory);
}

/** A directory that a fetch made has a note, whole or damaged: what has none is somebody's, and stays. */
function checkOurs(directory: string): void {
  if (!existsSync(directory) || existsSync(join(directory, readyFile))) return;
  if (statSync(directory).isDirectory() && readdirSync(directory).length === 0) return;
  throw new ConflictError(
    'cache-taken',
    `${directory} is there and holds no data set of ours; move it away, or set FUNCTA_DATA to another directory`,
  );
}

async function writeNote(directory: string, layout: number): Promise<void> {
  const files: Record<string, number> = {};
  const digests: Record<string, string> = {};
  for (const found of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!found.isFile()) continue;
    const path = join(found.parentPath, found.name);
    files[relative(directory, path)] = (await stat(path)).size;
    digests[relative(directory, path)] = await digestOfFile(path);
  }
  await writeFile(join(directory, readyFile), noteBytes({ layout, files, digests }));
}

/** Renames into place. What stood there was not ready, so it goes; of two fetches at once the first one wins. */
async function publish(work: string, directory: string, isWhole: (there: string) => boolean): Promise<void> {
  if (existsSync(directory)) {
    if (isWhole(directory)) return;
    await rm(directory, { recursive: true, force: true });
  }
  try {
    await rename(work, directory);
  } catch (error) {
    if (!isWhole(directory)) throw error;
  }
}

function inOneLine(error: unknown, root: string): unknown {
  if (error instanceof FunctaError) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT': {
      const message = `no room left under ${root}; free some, or set FUNCTA_DATA to a directory on another disk`;
      return new EnvironmentError('disk-full', message, { cause: error });
    }
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
    case 'EEXIST':
    case 'ENOTDIR': {
      const message = `${root} cannot be written; set FUNCTA_DATA to a directory that can`;
      return new EnvironmentError('cache-not-writable', message, { cause: error });
    }
    default:
      return error;
  }
}
