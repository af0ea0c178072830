import { join } from 'node:path';
import { defaultLimits, type Limits } from '../src/core/limits.ts';
import { formatOfName, pictureFormats } from '../src/formats/formats.ts';
import { type Pixels, readImageSize, readPixels } from '../src/formats/image.ts';
import { type Box, cutBox } from '../src/signal/box.ts';
import { type Signal, signalFromBytes } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard, Split } from './dataset.ts';
import { noItem } from './flat.ts';
import { type FolderFiles, filesOf, labelOf, readItem } from './folder-files.ts';

export interface FolderOptions {
  readonly name: string;
  readonly directory: string;
  readonly split: Split | 'all';
  readonly card: DatasetCard;
  readonly rule: FolderFiles['rule'];
  /** What pictures are read as: transparent ones are laid on white for 1 and 3, 1 is grey. Default 3. */
  readonly channels?: 1 | 3 | 4 | undefined;
  readonly limits?: Limits;
}

/** Decoded pictures kept, so that many crops of few pictures are cheap. */
const keptBytes = 64 << 20;

/**
 * Pictures of any size below a directory, in the order of their paths; splits are those of `filesOf`. The folder a picture lies in (below
 * its split's) is its label. Throws NotFoundError `no-directory` or `empty-split`.
 */
export async function openFolder(options: FolderOptions): Promise<Dataset> {
  const files = await filesOf({
    ...options,
    takes: (name) => pictureFormats.some((format) => format === formatOfName(name)),
    items: 'pictures',
    toldBy: pictureFormats.flatMap(({ suffixes }) => suffixes).join(', '),
  });
  return new FolderDataset(options, files);
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
    return readItem(join(this.#directory, this.#file(i)), decode);
  }

  #file(i: number): string {
    const file = this.#files[i];
    if (file === undefined) throw noItem(this, i);
    return file;
  }
}
