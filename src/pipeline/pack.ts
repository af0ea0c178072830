/**
 * A functaset as an archive, to hand on: codes, ids, labels and PSNR of its functions, a hundredth of its size. What
 * comes out of an archive are the functions that its files decode to.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { joinFiles, openArchive } from '../../codec/index.ts';
import { cacheRoot } from '../../datasets/cache.ts';
import { symbolLayout } from '../../prior/prior.ts';
import { AbortedError, BadInputError, EnvironmentError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import type { Label, StoredFunction } from '../functaset/types.ts';
import { bitsOf } from './coding.ts';
import { listModels, loadModel } from './models.ts';
import { openFunctasetOf } from './store.ts';

/** What an archive does not say of its functions, in its order. */
export interface PackDetails {
  readonly labels: readonly (Label | null)[];
  /** Rounded to a hundredth; null where a function equals its signal. */
  readonly psnrDb: readonly (number | null)[];
}

export interface Packed {
  readonly archive: Uint8Array;
  readonly details: PackDetails;
}

export interface UnpackOptions {
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Functions stored in one transaction. */
const batch = 64;

/** Throws BadInputError `empty-functaset`, `archive-mixed`, ConflictError `functaset-network`. */
export async function packFunctaset(model: Model, path: string): Promise<Packed> {
  const store = await openFunctasetOf(model, path, { readOnly: true });
  try {
    const ids: string[] = [];
    const files: Uint8Array[] = [];
    const labels: (Label | null)[] = [];
    const psnrDb: (number | null)[] = [];
    for (const fn of store.iterate()) {
      ids.push(fn.id);
      if (fn.content.kind !== 'file') {
        throw new BadInputError(
          'pack-uncoded',
          `function ${fn.id} is not coded; an archive holds files alone`,
        );
      }
      files.push(fn.content.bytes);
      labels.push(fn.label ?? null);
      psnrDb.push(Number.isFinite(fn.psnrDb) ? Math.round(fn.psnrDb * 100) / 100 : null);
    }
    if (ids.length === 0) throw new BadInputError('empty-functaset', `${path} holds no functions to pack`);
    return { archive: joinFiles(model, files, ids), details: { labels, psnrDb } };
  } finally {
    await store.close();
  }
}

/**
 * Stores the functions of an archive that are not in the functaset yet; how many it holds then. Throws BadInputError
 * `archive-ids`, `pack-details`, and what decoding and storing throw.
 */
export async function unpackFunctaset(
  model: Model,
  { archive: bytes, details }: Packed,
  path: string,
  { limits = defaultLimits, signal, onProgress }: UnpackOptions = {},
): Promise<number> {
  const archive = openArchive(model, bytes, limits);
  const { ids, count, at, file } = archive;
  if (ids === undefined)
    throw new BadInputError('archive-ids', 'only an archive with ids can become a functaset');
  if (details.labels.length !== count || details.psnrDb.length !== count) {
    throw new BadInputError(
      'pack-details',
      `details of ${details.labels.length} functions for an archive of ${count}`,
    );
  }
  const store = await openFunctasetOf(model, path);
  try {
    let pending: StoredFunction[] = [];
    for (let i = 0; i < count; i++) {
      if (signal?.aborted) throw new AbortedError();
      const id = ids[i]!;
      if (!store.has(id)) {
        const item = at(i);
        const { shape } = item;
        const bits =
          item.prior === 'samples'
            ? 8 * archive.byteLength(i)
            : bitsOf(model, symbolLayout(model.card.spec, shape), item.quality, item.prior, item.symbols);
        const label = details.labels[i] ?? undefined;
        const psnrDb = details.psnrDb[i] ?? Number.POSITIVE_INFINITY;
        const content = { kind: 'file', bytes: file(i) } as const;
        pending.push({ id, label, shape, psnrDb, bits, content });
      }
      if (pending.length < batch && i + 1 < count) continue;
      if (pending.length > 0) await store.putMany(pending);
      pending = [];
      onProgress?.(i + 1, count);
    }
    return store.count;
  } finally {
    await store.close();
  }
}

const detailsSchema = z.strictObject({
  labels: z.array(z.union([z.string(), z.number(), z.null()])),
  psnrDb: z.array(z.number().nullable()),
});

/** Where the details of an archive stand: beside it, ending in .json. */
export function detailsPath(archivePath: string): string {
  return `${archivePath.replace(/\.functa$/, '')}.json`;
}

/** Reads an archive and its details. Throws EnvironmentError `pack-unreadable`, BadInputError `pack-details`. */
export async function readPack(archivePath: string): Promise<Packed> {
  const details = detailsPath(archivePath);
  try {
    const archive = new Uint8Array(await readFile(archivePath));
    return { archive, details: detailsSchema.parse(JSON.parse(await readFile(details, 'utf8'))) };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) {
      throw new BadInputError(
        'pack-details',
        `${details} does not describe an archive; pack the store again`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError('pack-unreadable', `${archivePath} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

/**
 * The functasets that come with models as `demo.functa`, unpacked into the cache at first; by name, the model's with
 * `-demo`.
 */
export async function demoFunctasets(
  options: UnpackOptions & {
    readonly directories?: readonly string[] | undefined;
    readonly cacheDir?: string | undefined;
  } = {},
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, path } of await listModels(options.directories)) {
    const archivePath = join(dirname(path), 'demo.functa');
    if (!(await stat(archivePath).catch(() => undefined))) continue;
    const model = await loadModel(path);
    const packed = await readPack(archivePath);
    const store = join(cacheRoot(options.cacheDir), 'functasets', `${name}-${model.id.slice(0, 16)}-2`);
    if ((await storedCount(model, store)) < packed.details.labels.length) {
      await unpackFunctaset(model, packed, store, options);
    }
    found[`${name}-demo`] = store;
  }
  return found;
}

async function storedCount(model: Model, path: string): Promise<number> {
  if (!(await stat(path).catch(() => undefined))) return 0;
  const store = await openFunctasetOf(model, path, { readOnly: true });
  const { count } = store;
  await store.close();
  return count;
}
