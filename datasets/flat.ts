import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { BadStreamError, ConflictError, NotFoundError } from '../src/core/errors.ts';
import { pointCount } from '../src/field/spec.ts';
import { type Signal, signalFromBytes } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard, Split } from './dataset.ts';

/** Items of one shape, 8 bits a sample, one after the other in a file. */
export interface FlatOptions {
  readonly name: string;
  readonly split: Split;
  readonly card: DatasetCard;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly labels?: readonly string[];
  /** File of items, each [points, storedChannels]; or the items themselves. */
  readonly file: string | Uint8Array;
  /** One byte an item, the class; all items of the file. */
  readonly labelFile?: string | Uint8Array;
  /** Positions in the file that make the split, in order. */
  readonly rows: readonly number[] | { readonly first: number; readonly count: number };
  readonly idOf: (row: number) => string;
  /** From the stored samples to [points, channels], where they differ. */
  readonly storedChannels?: number;
  readonly convert?: (stored: Uint8Array) => Uint8Array;
}

/** Opens a flat file: an item is one positioned read, so memory stays flat and the page cache does the work. */
export function openFlat(options: FlatOptions): Dataset {
  return new FlatDataset(options);
}

class FlatDataset implements Dataset {
  readonly name: string;
  readonly split: Split;
  readonly length: number;
  readonly labels?: readonly string[];
  readonly shape: readonly number[];
  readonly channels: number;
  readonly card: DatasetCard;
  readonly #options: FlatOptions;
  readonly #itemBytes: number;
  readonly #classes: Uint8Array | undefined;
  #fd: number | undefined;
  #isClosed = false;

  constructor(options: FlatOptions) {
    this.name = options.name;
    this.split = options.split;
    this.card = options.card;
    this.shape = options.shape;
    this.channels = options.channels;
    if (options.labels !== undefined) this.labels = options.labels;
    this.length = 'count' in options.rows ? options.rows.count : options.rows.length;
    this.#options = options;
    this.#itemBytes = pointCount(options.shape) * (options.storedChannels ?? options.channels);
    const { file, labelFile } = options;
    this.#classes = typeof labelFile === 'string' ? readFileSync(labelFile) : labelFile;
    this.#fd = typeof file === 'string' ? openSync(file, 'r') : undefined;
  }

  get(i: number): Signal {
    const row = this.#row(i);
    const label = this.#classes?.[row];
    const meta = { id: this.#options.idOf(row), shape: this.shape, channels: this.channels };
    return signalFromBytes(this.bytesAt(i), label === undefined ? meta : { ...meta, label });
  }

  idAt(i: number): string {
    return this.#options.idOf(this.#row(i));
  }

  bytesAt(i: number): Uint8Array {
    if (this.#isClosed) throw new ConflictError('dataset-closed', `${this.name} is closed; open it again`);
    const at = this.#row(i) * this.#itemBytes;
    const stored = this.#read(at);
    return this.#options.convert === undefined ? stored : this.#options.convert(stored);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #read(at: number): Uint8Array {
    const { file } = this.#options;
    if (typeof file !== 'string') return new Uint8Array(file.subarray(at, at + this.#itemBytes));
    const stored = new Uint8Array(this.#itemBytes);
    const read = readSync(this.#fd!, stored, 0, this.#itemBytes, at);
    if (read !== this.#itemBytes) {
      throw new BadStreamError('truncated', at + read, `${file} ends early; fetch ${this.name} again`);
    }
    return stored;
  }

  #row(i: number): number {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) throw noItem(this, i);
    const { rows } = this.#options;
    return 'count' in rows ? rows.first + i : rows[i]!;
  }
}

/** The error for an index outside a data set. */
export function noItem(dataset: { name: string; split: string; length: number }, i: number): NotFoundError {
  return new NotFoundError(
    'no-item',
    `${dataset.name} ${dataset.split} has no item ${i}; it has ${dataset.length}, from 0`,
  );
}

/** Rows of a split where validation is the last tenth of the training items. */
export function tailSplit(
  split: Split,
  trainItems: number,
  testItems: number,
): { first: number; count: number } {
  const validation = Math.floor(trainItems / 10);
  switch (split) {
    case 'train':
      return { first: 0, count: trainItems - validation };
    case 'validation':
      return { first: trainItems - validation, count: validation };
    case 'test':
      return { first: 0, count: testItems };
  }
}
