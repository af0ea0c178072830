/** Results that cost minutes and do not change: kept as JSON under a digest of what they are of. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ResultStore {
  /** What was kept under `key`, else what `make` gives, kept. */
  get<T>(key: readonly string[], make: () => Promise<T>): Promise<T>;
}

/** A directory of results, made when the first one comes. */
export function directoryStore(directory: string): ResultStore {
  return {
    async get<T>(key: readonly string[], make: () => Promise<T>): Promise<T> {
      const name = createHash('sha256').update(key.join('\n')).digest('hex').slice(0, 32);
      const path = join(directory, `${name}.json`);
      const kept = await readFile(path, 'utf8').catch(() => undefined);
      if (kept !== undefined) return (JSON.parse(kept) as { value: T }).value;
      const value = await make();
      await mkdir(directory, { recursive: true });
      await writeFile(`${path}.${process.pid}`, JSON.stringify({ key, value }));
      await rename(`${path}.${process.pid}`, path);
      return value;
    },
  };
}

/** Keeps nothing. */
export const noStore: ResultStore = { get: (_key, make) => make() };
