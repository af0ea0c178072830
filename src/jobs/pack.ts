/**
 * A functaset as one archive, to hand on and to keep: what is unpacked from it is what was packed, byte for byte. Files of functions
 * are its items; labels, PSNR and bits stand in its notes. A modulation that is not coded stands in its note, and its item is what it
 * would be as a file, so that any reader of archives decodes all of them.
 */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Archive, joinFiles, openArchive, readHeader } from '../../codec/index.ts';
import {
  aFunction,
  aModel,
  anObject,
  aText,
  byteArray,
  check,
  having,
  maybe,
  optionsOf,
} from '../core/check.ts';
import { AbortedError, BadInputError, EnvironmentError, FunctaError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import { Pace } from '../core/pace.ts';
import type { Model } from '../field/model.ts';
import { decodeNote, encodeNote, type Label, type StoredFunction } from '../functaset/index.ts';
import { bestPrior } from '../models/priors.ts';
import { code } from '../session/coding.ts';
import { functionOfFile } from '../session/put.ts';
import { openFunctasetOf } from '../session/store.ts';

/** What was kept beside archives without notes, in their order. */
export interface PackDetails {
  readonly labels: readonly (Label | null)[];
  /** Rounded to a hundredth; null where a function equals its signal. */
  readonly psnrDb: readonly (number | null)[];
}

/** What can be unpacked: an archive, and the details of one that was packed before archives had notes. */
export interface Packed {
  readonly archive: Uint8Array;
  readonly details?: PackDetails | undefined;
}

export interface UnpackOptions {
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Functions stored in one transaction. */
const batch = 64;

/**
 * The archive of all functions of a store, in order of ids. Throws BadInputError `empty-functaset`, ConflictError
 * `functaset-network`, `other-model` for functions that were coded with other priors, EnvironmentError `function-damaged`,
 * AbortedError.
 *
 * @example
 * const { archive } = await packFunctaset(model, 'store.functaset');
 */
export async function packFunctaset(
  model: Model,
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly archive: Uint8Array; readonly functions: number }> {
  check('packFunctaset', aModel(model, 'model'), aText(path, 'path'), optionsOf()(options, 'options'));
  const { signal } = options;
  const store = await openFunctasetOf(model, path, { readOnly: true });
  try {
    const ids: string[] = [];
    const files: Uint8Array[] = [];
    const notes: Uint8Array[] = [];
    const pace = new Pace(signal);
    for (const fn of store.iterate()) {
      if (pace.due) await pace.turn();
      ids.push(fn.id);
      files.push(fileOf(model, fn));
      notes.push(encodeNote(fn));
    }
    if (ids.length === 0) throw new BadInputError('empty-functaset', `${path} holds no functions to pack`);
    const archive = stoppable(signal, () => joinFiles(model, files, { ids, notes }));
    return { archive, functions: ids.length };
  } finally {
    await store.close();
  }
}

/** What became of the functions of an archive. */
export interface Unpacked {
  readonly added: number;
  /** Those whose id the functaset had already: it keeps what it has. */
  readonly there: number;
  /** In the functaset. */
  readonly total: number;
}

/**
 * Stores the functions of an archive that are not in the functaset yet. Any archive of the model will do:
 * without ids its items are called by their numbers, without notes they have no label and their PSNR is not known. Throws
 * BadInputError `pack-details`, and what decoding and storing throw.
 *
 * @example
 * const { archive } = await packFunctaset(model, 'store.functaset');
 * await unpackFunctaset(model, { archive, details: undefined }, 'unpacked.functaset');
 */
export async function unpackFunctaset(
  model: Model,
  packed: Packed,
  path: string,
  options: UnpackOptions = {},
): Promise<Unpacked> {
  check(
    'unpackFunctaset',
    aModel(model, 'model'),
    having({ archive: byteArray, details: maybe(anObject) })(packed, 'packed'),
    aText(path, 'path'),
    optionsOf({ onProgress: aFunction })(options, 'options'),
  );
  const { archive: bytes, details } = packed;
  const { limits = defaultLimits, signal, onProgress } = options;
  const archive = openArchive(model, bytes, limits);
  const { count } = archive;
  if (details !== undefined && (details.labels.length !== count || details.psnrDb.length !== count)) {
    throw new BadInputError(
      'pack-details',
      `details of ${details.labels.length} functions for an archive of ${count}`,
    );
  }
  const store = await openFunctasetOf(model, path);
  try {
    let added = 0;
    let pending: StoredFunction[] = [];
    for (let i = 0; i < count; i++) {
      if (signal?.aborted) throw new AbortedError();
      const id = idAt(archive, i);
      if (!store.has(id)) pending.push(functionAt(model, archive, details, i, { id, limits }));
      if (pending.length < batch && i + 1 < count) continue;
      if (pending.length > 0) await store.putMany(pending);
      added += pending.length;
      pending = [];
      onProgress?.(i + 1, count);
    }
    return { added, there: count - added, total: store.count };
  } finally {
    await store.close();
  }
}

/**
 * The functions of an archive, or of a file of one function, one after the other, as they are unpacked. `id` names the function of a file.
 * Throws what decoding them throws.
 *
 * @example
 * const functions = [...functionsOfArchive(model, (await packFunctaset(model, 'store.functaset')).archive)];
 */
export function* functionsOfArchive(
  model: Model,
  bytes: Uint8Array,
  { id = '0', limits = defaultLimits }: { readonly id?: string; readonly limits?: Limits } = {},
): Generator<StoredFunction> {
  if (readHeader(bytes, limits).container !== 'archive') {
    yield functionOfFile(model, bytes, { id, limits });
    return;
  }
  const archive = openArchive(model, bytes, limits);
  for (let i = 0; i < archive.count; i++)
    yield functionAt(model, archive, undefined, i, { id: idAt(archive, i), limits });
}

/** Without ids its items are called by their numbers. */
function idAt({ ids, count }: Archive, i: number): string {
  return ids?.[i] ?? String(i).padStart(String(count - 1).length, '0');
}

function fileOf(model: Model, { shape, content }: StoredFunction): Uint8Array {
  if (content.kind === 'file') return content.bytes;
  const { quality, values: modulation } = content;
  return code(model, { modulation, shape, quality, prior: bestPrior(model) }).bytes;
}

function functionAt(
  model: Model,
  archive: Archive,
  details: PackDetails | undefined,
  i: number,
  { id, limits }: { readonly id: string; readonly limits: Limits },
): StoredFunction {
  const file = archive.file(i);
  const note = archive.notes?.[i];
  if (note !== undefined) return decodeNote(id, note, file);
  const fn = functionOfFile(model, file, { id, label: details?.labels[i] ?? undefined, limits });
  return details === undefined ? fn : { ...fn, psnrDb: details.psnrDb[i] ?? Number.POSITIVE_INFINITY };
}

const detailsSchema = z.strictObject({
  labels: z.array(z.union([z.string(), z.number(), z.null()])),
  psnrDb: z.array(z.number().nullable()),
});

/** Where the details of an archive without notes stand: beside it, ending in .json. */
export function detailsPath(archivePath: string): string {
  return `${archivePath.replace(/\.functa$/, '')}.json`;
}

/** Reads an archive, and its details where there are any. Throws EnvironmentError `pack-unreadable`, BadInputError `pack-details`. */
export async function readPack(archivePath: string): Promise<Packed> {
  const path = detailsPath(archivePath);
  try {
    const archive = new Uint8Array(await readFile(archivePath));
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return { archive, details: text === undefined ? undefined : detailsSchema.parse(JSON.parse(text)) };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) {
      throw new BadInputError(
        'pack-details',
        `${path} does not describe an archive; remove it, or pack again`,
      );
    }
    if (error instanceof FunctaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError('pack-unreadable', `${archivePath} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}
