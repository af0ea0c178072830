/** The functasets that come with models as `demo.functa`, unpacked into the cache at first. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openArchive } from '../../codec/index.ts';
import { cacheRoot } from '../../datasets/cache.ts';
import { AbortedError, EnvironmentError } from '../core/errors.ts';
import { dropScratch, scratchBeside } from '../disk/scratch.ts';
import type { Model } from '../field/model.ts';
import { listModels, loadModel } from '../models/models.ts';
import { openFunctasetOf } from '../session/store.ts';
import { type Packed, readPack, type UnpackOptions, unpackFunctaset } from './pack.ts';

export interface DemoOptions extends UnpackOptions {
  readonly directories?: readonly string[] | undefined;
  readonly cacheDir?: string | undefined;
  /** Called for each demo that cannot be had, with the reason in one line; without it the first one is thrown. */
  readonly onMissing?: ((name: string, reason: string) => void) | undefined;
}

/**
 * Paths by name, the model's with `-demo`. Several processes may make the same one at once. Throws AbortedError, and without
 * `onMissing` what reading a model or unpacking throws, EnvironmentError `cache-denied` where the cache cannot be written.
 */
export async function demoFunctasets(options: DemoOptions = {}): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, path } of await listModels(options.directories)) {
    const archivePath = join(dirname(path), 'demo.functa');
    if (!(await stat(archivePath).catch(() => undefined))) continue;
    try {
      const model = await loadModel(path);
      const packed = await readPack(archivePath);
      const store = join(cacheRoot(options.cacheDir), 'functasets', `${name}-${model.id.slice(0, 16)}-2`);
      await unpackOnce(model, packed, store, options);
      found[`${name}-demo`] = store;
    } catch (error) {
      if (error instanceof AbortedError || options.onMissing === undefined) throw error;
      options.onMissing(`${name}-demo`, error instanceof Error ? error.message : String(error));
    }
  }
  return found;
}

/** Unpacked under a name of its own, and renamed once it is whole: who comes second finds it so, and drops his own. */
async function unpackOnce(model: Model, packed: Packed, path: string, options: UnpackOptions): Promise<void> {
  const { count } = openArchive(model, packed.archive, options.limits);
  if ((await storedCount(model, path)) >= count) return;
  try {
    await mkdir(dirname(path), { recursive: true });
    const fresh = scratchBeside(path);
    try {
      await unpackFunctaset(model, packed, fresh, options);
      await takePlace(model, fresh, path, count);
    } finally {
      dropScratch(fresh);
    }
  } catch (error) {
    throw isDenied(error) ? cacheDenied(path, error) : error;
  }
}

async function takePlace(model: Model, fresh: string, path: string, count: number): Promise<void> {
  try {
    await rename(fresh, path);
  } catch (error) {
    if (isDenied(error)) throw error;
    // Another process was faster; or what is there was never whole.
    if ((await storedCount(model, path)) >= count) return;
    await rm(path, { recursive: true, force: true });
    await rename(fresh, path);
  }
}

/** Functions of a store; 0 where there is none, or none that can be read. */
async function storedCount(model: Model, path: string): Promise<number> {
  try {
    if (!(await stat(path).catch(() => undefined))) return 0;
    const store = await openFunctasetOf(model, path, { readOnly: true });
    const { count } = store;
    await store.close();
    return count;
  } catch {
    return 0;
  }
}

const denials = new Set<unknown>(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'disk-denied']);

function isDenied(error: unknown): boolean {
  return denials.has((error as { code?: unknown }).code);
}

function cacheDenied(path: string, cause: unknown): EnvironmentError {
  return new EnvironmentError(
    'cache-denied',
    `${dirname(path)} cannot be written; name a directory that can with the environment variable FUNCTA_DATA`,
    { cause },
  );
}
