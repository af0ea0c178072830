/** Files below a directory as the items of a data set: which there are, which split each is in, what its label is. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { BadInputError, BadStreamError, FunctaError, NotFoundError } from '../src/core/errors.ts';
import { sha256Hex } from '../src/core/hash.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { formatOfName, packDirectory } from '../src/formats/formats.ts';
import { type Split, splits } from './dataset.ts';

const splitFolders: readonly string[] = splits;

export interface FolderFiles {
  readonly directory: string;
  readonly split: Split | 'all';
  /** `by-folder`: see `filesOf`; `all-test`: every file is for test. */
  readonly rule: 'by-folder' | 'all-test';
  /** Whether a file of this name is an item. */
  takes(name: string): boolean;
  /** What items are called, and how they are told, for messages. */
  readonly items: string;
  readonly toldBy: string;
}

/**
 * Files of a split, paths below the directory with `/`, in the order of those. Where folders are called train, validation or test these
 * are the splits; else a tenth of the files, by the hash of their path, is validation, a tenth test. `all` is every file: those of the
 * splits in turn, then what lies in none of their folders. Throws NotFoundError `no-directory` or `empty-split`.
 */
export async function filesOf(options: FolderFiles): Promise<string[]> {
  const { directory, split, rule, items, toldBy } = options;
  const all = await list(options);
  const splitOf = divisionOf(all, rule);
  const of = (part: Split | undefined) => all.filter((file) => splitOf(file) === part);
  const files = split === 'all' ? [...splits, undefined].flatMap(of) : of(split);
  if (files.length > 0) return files;
  const hint =
    split === 'all'
      ? `they are told by ${toldBy}`
      : rule === 'all-test'
        ? `its ${items} are all for test`
        : `put some into ${join(directory, split)}, or take the split all (--split all)`;
  const which = split === 'all' ? '' : ` ${split}`;
  throw new NotFoundError(
    'empty-split',
    `${directory} holds no${which} ${items} (of ${all.length}); ${hint}`,
  );
}

/** The split that a file belongs to when nothing but its name is known: tenths of a SHA-256. */
export function splitByHash(name: string): Split {
  const tenth = Number.parseInt(sha256Hex(new TextEncoder().encode(name)).slice(0, 8), 16) % 10;
  return tenth === 0 ? 'test' : tenth === 1 ? 'validation' : 'train';
}

/** The folder that a file lies in, below its split's. */
export function labelOf(file: string): string | undefined {
  const folders = file.split('/').slice(0, -1);
  if (splitFolders.includes(folders[0] ?? '')) folders.shift();
  return folders.length === 0 ? undefined : basename(folders.join('/'));
}

async function list({ directory, takes }: FolderFiles): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new NotFoundError('no-directory', `${directory} cannot be read as a directory (${error.code})`);
    },
  );
  return found
    .filter(
      (entry) => takes(entry.name) && (!entry.isDirectory() || formatOfName(entry.name)?.pack !== undefined),
    )
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Which split each of these files is in; undefined: in the folder of none. */
function divisionOf(all: readonly string[], rule: FolderFiles['rule']): (file: string) => Split | undefined {
  if (rule === 'all-test') return () => 'test';
  const byFolder = (file: string) => splits.find((split) => file.startsWith(`${split}/`));
  return all.some((file) => byFolder(file) !== undefined) ? byFolder : splitByHash;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  if (formatOfName(path)?.pack !== undefined && (await stat(path)).isDirectory()) {
    const bytes = await packDirectory(path, { maxBytes: defaultLimits.maxFileBytes });
    if (bytes !== undefined) return bytes;
  }
  return readFile(path);
}

/** What `decode` makes of a file. Faults of either say which file; throws BadInputError with the code of the fault, NotFoundError `no-file`. */
export async function readItem<T>(path: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await decode(await bytesOf(path));
  } catch (error) {
    if (error instanceof FunctaError) {
      const advice = error instanceof BadStreamError ? '; replace it, or take it out of the folder' : '';
      throw new BadInputError(error.code, `${path}: ${error.message}${advice}`, { cause: error });
    }
    throw new NotFoundError('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
