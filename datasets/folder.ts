import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { BadInputError, FunctaError, NotFoundError } from '../src/core/errors.ts';
import { sha256Hex } from '../src/core/hash.ts';
import { defaultLimits, type Limits } from '../src/core/limits.ts';
import { formatOfName, pictureFormats } from '../src/formats/formats.ts';
import { type Pixels, readImageSize, readPixels } from '../src/formats/image.ts';
import { type Box, cutBox } from '../src/signal/box.ts';
import { type Signal, signalFromBytes } from '../src/signal/signal.ts';
import { type Dataset, type DatasetCard, type Split, splits } from './dataset.ts';
import { noItem } from './flat.ts';

export interface FolderOptions {
  readonly name: string;
  readonly directory: string;
  readonly split: Split | 'all';
  readonly card: DatasetCard;
  /** `by-folder`: see `openFolder`; `all-test`: every picture is a test picture. */
  readonly rule: 'by-folder' | 'all-test';
  /** What pictures are read as: transparent ones are laid on white for 1 and 3, 1 is grey. Default 3. */
  readonly channels?: 1 | 3 | 4 | undefined;
  readonly limits?: Limits;
}

const splitFolders: readonly string[] = splits;
/** Decoded pictures kept, so that many crops of few pictures are cheap. */
const keptBytes = 64 << 20;

/**
 * Pictures of any size below a directory, in the order of their paths. Where folders are called train, validation or
 * test these are the splits; else a tenth of the pictures, by the hash of their path, is validation, a tenth test. `all` is
 * every picture: those of the splits in turn, then what lies in none of their folders. The folder a picture lies in (below its split's) is its label. Throws NotFoundError `no-directory` or `empty-split`.
 */
export async function openFolder(options: FolderOptions): Promise<Dataset> {
  const all = await listPictures(options.directory);
  const { split, rule } = options;
  const splitOf = divisionOf(all, rule);
  const of = (part: Split | undefined) => all.filter((file) => splitOf(file) === part);
  const files = split === 'all' ? [...splits, undefined].flatMap(of) : of(split);
  if (files.length === 0) {
    const hint =
      split === 'all'
        ? `they are told by ${pictureFormats.flatMap(({ suffixes }) => suffixes).join(', ')}`
        : rule === 'all-test'
          ? 'its pictures are all for test'
          : `put some into ${join(options.directory, split)}, or take all`;
    const which = split === 'all' ? '' : ` ${split}`;
    throw new NotFoundError(
      'empty-split',
      `${options.directory} holds no${which} pictures (of ${all.length}); ${hint}`,
    );
  }
  return new FolderDataset(options, files);
}

/** The split a picture belongs to when nothing but its name is known: tenths of a SHA-256. */
export function splitByHash(name: string): Split {
  const tenth = Number.parseInt(sha256Hex(new TextEncoder().encode(name)).slice(0, 8), 16) % 10;
  return tenth === 0 ? 'test' : tenth === 1 ? 'validation' : 'train';
}

class FolderDataset implements Dataset {
  readonly name: string;
  readonly split: Split | 'all';
  readonly length: number;
  readonly channels: 1 | 3 | 4;
  readonly card: DatasetCard;
  readonly #directory: string;
  readonly #files: readonly string[];
  readonly #limits: Limits;
  readonly #kept = new Map<number, Pixels>();
  #held = 0;

  constructor(options: FolderOptions, files: readonly string[]) {
    this.name = options.name;
    this.split = options.split;
    this.card = options.card;
    this.length = files.length;
    this.channels = options.channels ?? 3;
    this.#directory = options.directory;
    this.#files = files;
    this.#limits = options.limits ?? defaultLimits;
  }

  async get(i: number): Promise<Signal> {
    const file = this.#file(i);
    const { bytes, shape, channels, notes } = await this.#pixels(i);
    const label = labelOf(file);
    return signalFromBytes(bytes, {
      ...{ id: file, shape, channels },
      ...(label === undefined ? {} : { label }),
      ...(notes.length === 0 ? {} : { notes }),
    });
  }

  idAt(i: number): string {
    return this.#file(i);
  }

  async shapeAt(i: number): Promise<readonly number[]> {
    const kept = this.#kept.get(i);
    return kept?.shape ?? this.#read(i, (bytes) => readImageSize(bytes, this.#limits));
  }

  async cropAt(i: number, box: Box): Promise<Uint8Array> {
    const { bytes, shape, channels } = await this.#pixels(i);
    return cutBox(bytes, shape, channels, box);
  }

  close(): void {
    this.#kept.clear();
    this.#held = 0;
  }

  /** Decoded, from those kept if it is there; the one used longest ago goes first. */
  async #pixels(i: number): Promise<Pixels> {
    const kept = this.#kept.get(i);
    const pixels =
      kept ??
      (await this.#read(i, (bytes) => readPixels(bytes, { channels: this.channels, limits: this.#limits })));
    if (this.#kept.delete(i)) this.#held -= pixels.bytes.length;
    if (pixels.bytes.length > keptBytes) return pixels;
    this.#kept.set(i, pixels);
    this.#held += pixels.bytes.length;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#held <= keptBytes) break;
      this.#kept.delete(oldest);
      this.#held -= bytes.length;
    }
    return pixels;
  }

  async #read<T>(i: number, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const path = join(this.#directory, this.#file(i));
    try {
      return await decode(await readFile(path));
    } catch (error) {
      if (error instanceof FunctaError) {
        throw new BadInputError(error.code, `${path}: ${error.message}`, { cause: error });
      }
      throw new NotFoundError('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }

  #file(i: number): string {
    const file = this.#files[i];
    if (file === undefined) throw noItem(this, i);
    return file;
  }
}

async function listPictures(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new NotFoundError('no-directory', `${directory} cannot be read as a directory (${error.code})`);
    },
  );
  return found
    .filter((entry) => !entry.isDirectory() && formatOfName(entry.name)?.raw === false)
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Which split each of these files is in; undefined: in the folder of none. */
function divisionOf(
  all: readonly string[],
  rule: FolderOptions['rule'],
): (file: string) => Split | undefined {
  if (rule === 'all-test') return () => 'test';
  const byFolder = (file: string) => splits.find((split) => file.startsWith(`${split}/`));
  return all.some((file) => byFolder(file) !== undefined) ? byFolder : splitByHash;
}

function labelOf(file: string): string | undefined {
  const folders = file.split('/').slice(0, -1);
  if (splitFolders.includes(folders[0] ?? '')) folders.shift();
  return folders.length === 0 ? undefined : basename(folders.join('/'));
}
