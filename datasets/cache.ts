import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BugError } from '../src/core/errors.ts';

/** Where fetched data sets live: `override`, else $FUNCTA_DATA, else ~/.cache/functa/data. */
export function cacheRoot(override?: string): string {
  return override ?? (process.env.FUNCTA_DATA || join(homedir(), '.cache', 'functa', 'data'));
}

/** Written last into a converted data set: its presence and agreement mean that the directory is whole. */
export interface ReadyNote {
  /** Layout of the converted files; another number means that they must be made again. */
  readonly layout: number;
  /** Bytes of every file of the directory but this one. */
  readonly files: Readonly<Record<string, number>>;
}

export const readyFile = 'ready.json';

/** True when `directory` holds a whole data set of this layout: the note is there and every file has its size. */
export function isReady(directory: string, layout: number): boolean {
  try {
    const note = JSON.parse(readFileSync(join(directory, readyFile), 'utf8')) as ReadyNote;
    if (note.layout !== layout) return false;
    return Object.entries(note.files).every(
      ([file, bytes]) => statSync(join(directory, file)).size === bytes,
    );
  } catch {
    return false;
  }
}

/** The package's own directory, from source and from dist/ alike. */
export function packageRoot(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at;
    if (at === dirname(at)) throw new BugError('no package.json above the datasets module');
  }
}
