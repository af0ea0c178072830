/** Bytes that were sent for jobs to come: a file for each, which a job takes by a second name. */
import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFoundError } from '../../src/core/errors.ts';
import { checkLimit } from '../../src/core/limits.ts';
import { ensureDirectory } from '../../src/disk/directory.ts';
import { placeFile } from '../../src/disk/place.ts';
import { writeWhole } from '../../src/disk/whole.ts';
import { idPattern, newId } from './ids.ts';
import type { JobLimits } from './limits.ts';

export interface Upload {
  readonly id: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes that jobs to come are about, wherever they are kept. */
export interface UploadStore {
  keep(namespace: string, pieces: AsyncIterable<Uint8Array>): Promise<Upload>;
  remove(namespace: string, id: string): Promise<void>;
}

export interface UploadsOptions {
  readonly directory: string;
  readonly limits: Pick<JobLimits, 'uploadsBytes' | 'uploadAgeMs'>;
  readonly now: () => Date;
}

export class Uploads implements UploadStore {
  readonly #options: UploadsOptions;
  /** Bytes under way, by namespace. */
  readonly #coming = new Map<string, number>();

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /**
   * Keeps bytes as they come; resolves when all are on the disk. Throws LimitError `limit-uploads-bytes`, EnvironmentError `disk-full` or
   * `cannot-write`, and what `pieces` throws; nothing is kept then.
   */
  async keep(namespace: string, pieces: AsyncIterable<Uint8Array>): Promise<Upload> {
    const { directory, limits, now } = this.#options;
    await this.#forgetOld(namespace);
    const id = newId(now());
    const own = join(directory, namespace);
    ensureDirectory(own);
    const held = await this.#bytesOf(namespace);
    const hash = createHash('sha256');
    let bytes = 0;
    const coming = (more: number) => {
      const all = (this.#coming.get(namespace) ?? 0) + more;
      this.#coming.set(namespace, all);
      const hint = 'remove uploads that no job needs any more';
      checkLimit('uploads-bytes', held + all, limits.uploadsBytes, hint);
    };
    async function* counted() {
      for await (const piece of pieces) {
        bytes += piece.length;
        coming(piece.length);
        hash.update(piece);
        yield piece;
      }
    }
    try {
      await writeWhole(join(own, id), counted(), { replace: false });
    } finally {
      this.#coming.set(namespace, (this.#coming.get(namespace) ?? 0) - bytes);
    }
    return { id, bytes, sha256: hash.digest('hex') };
  }

  /** Keeps bytes as `keep` for as long as `use` works with the file of them. Throws as `keep`, and what `use` throws. */
  async whole<T>(
    namespace: string,
    pieces: AsyncIterable<Uint8Array>,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    const { id } = await this.keep(namespace, pieces);
    const path = join(this.#options.directory, namespace, id);
    try {
      return await use(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Gives an upload a second name. Throws NotFoundError `unknown-upload`. */
  async take(namespace: string, id: string, to: string): Promise<void> {
    await placeFile(await this.#find(namespace, id), to, { replace: true });
  }

  /** Throws NotFoundError `unknown-upload`. */
  async remove(namespace: string, id: string): Promise<void> {
    await rm(await this.#find(namespace, id));
  }

  async #find(namespace: string, id: string): Promise<string> {
    const path = join(this.#options.directory, namespace, id);
    if (idPattern.test(id) && (await stat(path).catch(() => undefined)) !== undefined) return path;
    throw unknownUpload(id);
  }

  async #bytesOf(namespace: string): Promise<number> {
    let bytes = 0;
    for (const { size } of await this.#files(namespace)) bytes += size;
    return bytes;
  }

  async #forgetOld(namespace: string): Promise<void> {
    const before = this.#options.now().getTime() - this.#options.limits.uploadAgeMs;
    for (const { path, mtimeMs } of await this.#files(namespace)) {
      if (mtimeMs < before) await rm(path, { force: true });
    }
  }

  async #files(namespace: string) {
    const own = join(this.#options.directory, namespace);
    const names = (await readdir(own).catch(() => [])).filter((name) => idPattern.test(name));
    const found = await Promise.all(
      names.map(async (name) => {
        const path = join(own, name);
        const file = await stat(path).catch(() => undefined);
        return file === undefined ? [] : [{ path, size: file.size, mtimeMs: file.mtimeMs }];
      }),
    );
    return found.flat();
  }
}

export function unknownUpload(id: string): NotFoundError {
  return new NotFoundError(
    'unknown-upload',
    `there is no upload ${id.slice(0, 64)}; send it with POST /v1/uploads, they are kept for a day`,
  );
}
