/**
 * Files that appear whole or not at all, and replace another only where that was asked for. The atomic write of the package: bytes go
 * to a hidden neighbour, are flushed, and get their name when all are on the disk.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { type FileHandle, link, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConflictError } from '../core/errors.ts';
import { writeFailure } from './failure.ts';
import { dropScratch, scratchBeside, sweepScratch } from './scratch.ts';

export interface ReplaceOptions {
  /** Replace a file that is there; without it that is a conflict. */
  readonly replace: boolean;
}

/** Throws ConflictError `output-exists` where the name is taken, unless it may be replaced: to ask before the work starts. */
export async function checkFree(path: string, { replace }: ReplaceOptions): Promise<void> {
  if (replace) return;
  const there = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  if (there) throw taken(path);
}

/**
 * Writes a whole file; its name, too, is on the disk afterwards. Throws ConflictError `output-exists`, EnvironmentError `disk-full` or
 * `cannot-write`, and what `content` throws.
 */
export async function writeWhole(
  path: string,
  content: WholeContent,
  options: ReplaceOptions,
): Promise<void> {
  const files = new WholeFiles(options);
  await files.write(path, content);
  await files.settle();
}

export type WholeContent = Uint8Array | AsyncIterable<Uint8Array>;

/** Files that wait for the disk at the same time, at most. */
const mostUnsettled = 32;

/**
 * Whole files one after the other, which wait for the disk together: many small ones would wait for it twice each. They are on the disk
 * when `settle` says so, and get their names before. Both functions throw as `writeWhole`, for any of the files.
 */
export class WholeFiles {
  readonly #replace: boolean;
  readonly #directories = new Set<string>();
  readonly #unsettled = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor({ replace }: ReplaceOptions) {
    this.#replace = replace;
  }

  async write(path: string, content: WholeContent): Promise<void> {
    while (this.#unsettled.size >= mostUnsettled) await Promise.race(this.#unsettled);
    this.#throwFailure();
    const scratch = scratchBeside(path);
    let file: FileHandle | undefined;
    try {
      file = await told(path, open(scratch, 'wx'));
      if (content instanceof Uint8Array) await told(path, file.writeFile(content));
      else for await (const piece of content) await told(path, file.writeFile(piece));
    } catch (error) {
      await file?.close();
      dropScratch(scratch);
      throw error;
    }
    const settling: Promise<void> = this.#name(file, scratch, path)
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#unsettled.delete(settling));
    this.#unsettled.add(settling);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#unsettled);
    this.#throwFailure();
    for (const directory of this.#directories) await told(directory, flushNames(directory));
    this.#directories.clear();
  }

  async #name(file: FileHandle, scratch: string, path: string): Promise<void> {
    try {
      try {
        await told(path, file.sync());
      } finally {
        await file.close();
      }
      await told(path, this.#replace ? rename(scratch, path) : linkOnce(scratch, path));
      this.#directories.add(dirname(path));
    } finally {
      dropScratch(scratch);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** What the disk says of `path` in our words. */
function told<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error) => Promise.reject(writeFailure(path, error)));
}

/**
 * The same without waiting, for files that may be replaced: `write` fills a name beside `path`, which is flushed and then called
 * `path`, or what `named` says once the bytes are known. Throws what these throw, and what the disk says.
 */
export function replaceWhole(
  path: string,
  write: (fresh: string) => void,
  named: (fresh: string) => string = () => path,
): void {
  // A server writes for months: what others leave while it runs has to go too, not only what was there at first.
  sweepScratch(dirname(path));
  const fresh = scratchBeside(path);
  try {
    write(fresh);
    const name = named(fresh);
    const file = openSync(fresh, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, name);
  } finally {
    dropScratch(fresh);
  }
}

/** `link` fails where the name is taken: no check before it can be overtaken. */
async function linkOnce(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(to);
    // file systems without hard links
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    await checkFree(to, { replace: false });
    await rename(from, to);
  }
}

/** Flushes a directory, where the system has a way to. */
export async function flushNames(directory: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(directory, 'r');
  } catch {
    // Windows opens no directories, and a directory that may be written need not be readable.
    return;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What a name that may not be replaced is refused with. */
export function taken(path: string): ConflictError {
  return new ConflictError('output-exists', `${path} exists; choose another name, or --force to replace it`);
}
