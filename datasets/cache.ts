import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FunctaError } from '../src/core/errors.ts';
import { sealJson, unsealJson } from '../src/core/sealed.ts';
import { digestOfFile } from '../src/disk/file.ts';

/** Where fetched data sets live: `override`, else $FUNCTA_DATA, else ~/.cache/functa/data. */
export function cacheRoot(override?: string): string {
  return override ?? (process.env.FUNCTA_DATA || join(homedir(), '.cache', 'functa', 'data'));
}

const format = 'dataset-ready/2';

/** Written last into a converted data set, sealed: its presence and agreement mean that the directory is whole. */
export interface ReadyNote {
  /** Layout of the converted files; another number means that they must be made again. */
  readonly layout: number;
  /** Bytes of every file of the directory but this one. */
  readonly files: Readonly<Record<string, number>>;
  /** SHA-256 of every file, hex; absent from notes of older versions, which have no seal either. */
  readonly digests?: Readonly<Record<string, string>> | undefined;
}

export const readyFile = 'ready.json';

/** True when `directory` holds a whole data set of this layout: the note is there and every file has its size. */
export function isReady(directory: string, layout: number): boolean {
  try {
    const note = readNote(directory);
    if (note.layout !== layout) return false;
    return Object.entries(note.files).every(
      ([file, bytes]) => statSync(join(directory, file)).size === bytes,
    );
  } catch {
    return false;
  }
}

/** The bytes of a note. */
export function noteBytes(note: ReadyNote): Uint8Array {
  return sealJson(format, note);
}

const looked = new Map<string, Promise<string | undefined>>();

/**
 * The first file of a data set that is ready, but is not what was written: `undefined` where all are. Files are read through
 * once a process.
 */
export function damagedFile(directory: string): Promise<string | undefined> {
  const key = `${directory} ${statSync(join(directory, readyFile)).mtimeMs}`;
  const known = looked.get(key);
  if (known !== undefined) return known;
  const looking = firstDamaged(directory);
  looked.set(key, looking);
  looking.catch(() => looked.delete(key));
  return looking;
}

async function firstDamaged(directory: string): Promise<string | undefined> {
  for (const [file, digest] of Object.entries(readNote(directory).digests ?? {}))
    if ((await digestOfFile(join(directory, file))) !== digest) return file;
  return undefined;
}

/** A note of an older version is JSON and nothing else. */
function readNote(directory: string): ReadyNote {
  const bytes = readFileSync(join(directory, readyFile));
  try {
    const about = { what: join(directory, readyFile), remedy: 'fetch the data set again' };
    return unsealJson(format, bytes, about) as ReadyNote;
  } catch (error) {
    if (!(error instanceof FunctaError)) throw error;
    return JSON.parse(bytes.toString()) as ReadyNote;
  }
}
