/** Signals of numbers that lie one after the other in a file, of any shapes and of any kind. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BadStreamError, ConflictError } from '../src/core/errors.ts';
import type { Label } from '../src/core/label.ts';
import { writeWhole } from '../src/disk/whole.ts';
import type { Axis, DataKind } from '../src/field/outputs.ts';
import { pointCount } from '../src/field/spec.ts';
import type { Signal } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard, Split } from './dataset.ts';
import { noItem } from './flat.ts';

/** How numbers are stored: floats, little-endian, or whole numbers of 16 bits over -1 to 1. */
export type Stored = 'float32' | 'int16';

/** An item: numbers [points, channels] from byte `at` on. */
export interface NumbersItem {
  readonly id: string;
  readonly at: number;
  readonly shape: readonly number[];
  readonly split: Split;
  readonly label?: Label;
  /** Where samples lie, in array order, where items differ in it. */
  readonly axes?: readonly Axis[];
}

export interface NumbersOptions {
  readonly name: string;
  readonly split: Split;
  readonly card: DatasetCard;
  readonly kind: DataKind;
  readonly stored: Stored;
  /** Where `NumbersWriter` wrote. */
  readonly directory: string;
  /** Name of each class, where labels are numbers. */
  readonly labels?: readonly string[];
  /** Items of the index that count; default: those of the split. */
  readonly takes?: (item: NumbersItem) => boolean;
}

const numbersFile = 'numbers.bin';
const indexFile = 'index.json';
const storedBytes: Readonly<Record<Stored, number>> = { float32: 4, int16: 2 };

/** Opens one split: an item is one positioned read, so memory stays flat. */
export function openNumbers(options: NumbersOptions): Dataset {
  const { directory, split, takes = (item) => item.split === split } = options;
  const all = JSON.parse(readFileSync(join(directory, indexFile), 'utf8')) as NumbersItem[];
  return new NumbersDataset(options, all.filter(takes));
}

/** Whether a writer was closed there: the index comes last. */
export function isWritten(directory: string): boolean {
  return existsSync(join(directory, indexFile));
}

/** Writes items as they come; `close` writes the index. */
export class NumbersWriter {
  readonly #directory: string;
  readonly #stored: Stored;
  readonly #out: FileHandle;
  readonly #items: NumbersItem[] = [];
  #at = 0;

  private constructor(directory: string, stored: Stored, out: FileHandle) {
    this.#directory = directory;
    this.#stored = stored;
    this.#out = out;
  }

  static async open(directory: string, stored: Stored): Promise<NumbersWriter> {
    return new NumbersWriter(directory, stored, await open(join(directory, numbersFile), 'w'));
  }

  get length(): number {
    return this.#items.length;
  }

  async add(item: Omit<NumbersItem, 'at'>, values: Float32Array): Promise<void> {
    const bytes = toBytes(values, this.#stored);
    await this.#out.write(bytes, 0, bytes.length, this.#at);
    this.#items.push({ ...item, at: this.#at });
    this.#at += bytes.length;
  }

  async close(): Promise<void> {
    await this.#out.close();
    const index = new TextEncoder().encode(JSON.stringify(this.#items));
    await writeWhole(join(this.#directory, indexFile), index, { replace: true });
  }
}

class NumbersDataset implements Dataset {
  readonly name: string;
  readonly split: Split;
  readonly length: number;
  readonly labels?: readonly string[];
  readonly shape?: readonly number[];
  readonly channels: number;
  readonly kind: DataKind;
  readonly weighted: boolean;
  readonly card: DatasetCard;
  readonly #items: readonly NumbersItem[];
  readonly #file: string;
  readonly #stored: Stored;
  #fd: number | undefined;

  constructor({ name, split, card, kind, labels, directory, stored }: NumbersOptions, items: NumbersItem[]) {
    this.name = name;
    this.split = split;
    this.card = card;
    this.kind = kind;
    this.channels = kind.outputs.length;
    this.length = items.length;
    if (labels !== undefined) this.labels = labels;
    this.weighted = items.some(({ axes = [] }) => axes.some(({ weight }) => weight !== undefined));
    const [first] = items;
    if (first !== undefined && items.every(({ shape }) => shape.join() === first.shape.join()))
      this.shape = first.shape;
    this.#items = items;
    this.#file = join(directory, numbersFile);
    this.#stored = stored;
    this.#fd = openSync(this.#file, 'r');
  }

  get(i: number): Signal {
    const { id, shape, label, axes, at } = this.#item(i);
    const { channels } = this;
    const values = this.#read(at, pointCount(shape) * channels);
    return {
      ...{ id, shape: [...shape], channels, values },
      ...(label === undefined ? {} : { label }),
      ...(axes === undefined ? {} : { axes }),
    };
  }

  idAt(i: number): string {
    return this.#item(i).id;
  }

  shapeAt(i: number): readonly number[] {
    return this.#item(i).shape;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #read(at: number, count: number): Float32Array {
    if (this.#fd === undefined)
      throw new ConflictError('dataset-closed', `${this.name} is closed; open it again`);
    const bytes = new Uint8Array(count * storedBytes[this.#stored]);
    const read = readSync(this.#fd, bytes, 0, bytes.length, at);
    if (read !== bytes.length)
      throw new BadStreamError('truncated', at + read, `${this.#file} ends early; fetch ${this.name} again`);
    return fromBytes(bytes, this.#stored);
  }

  #item(i: number): NumbersItem {
    const item = this.#items[i];
    if (item === undefined) throw noItem(this, i);
    return item;
  }
}

function toBytes(values: Float32Array, stored: Stored): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * storedBytes[stored]));
  for (const [i, v] of values.entries()) {
    if (stored === 'float32') view.setFloat32(4 * i, v, true);
    else view.setInt16(2 * i, Math.min(32767, Math.max(-32768, Math.round(v * 32768))), true);
  }
  return new Uint8Array(view.buffer);
}

function fromBytes(bytes: Uint8Array, stored: Stored): Float32Array {
  const view = new DataView(bytes.buffer);
  const values = new Float32Array(bytes.length / storedBytes[stored]);
  for (let i = 0; i < values.length; i++)
    values[i] = stored === 'float32' ? view.getFloat32(4 * i, true) : view.getInt16(2 * i, true) / 32768;
  return values;
}
