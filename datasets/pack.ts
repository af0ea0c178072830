import { closeSync, openSync, readSync } from 'node:fs';
import { BadStreamError, ConflictError } from '../src/core/errors.ts';
import { pointCount } from '../src/field/spec.ts';
import { type Box, checkBox, forEachRow, wholeOf } from '../src/signal/box.ts';
import { type Signal, signalFromBytes } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard, Split } from './dataset.ts';
import { noItem } from './flat.ts';

/** An item of a pack: 8-bit samples [points, channels] from byte `at` on. */
export interface PackItem {
  readonly id: string;
  readonly at: number;
  readonly shape: readonly number[];
}

export interface PackOptions {
  readonly name: string;
  readonly split: Split;
  readonly card: DatasetCard;
  readonly channels: number;
  readonly file: string;
  readonly items: readonly PackItem[];
}

/** Opens items of different sizes that lie decoded in one file: a crop reads its own rows and nothing else. */
export function openPack(options: PackOptions): Dataset {
  return new PackDataset(options);
}

class PackDataset implements Dataset {
  readonly name: string;
  readonly split: Split;
  readonly length: number;
  readonly channels: number;
  readonly card: DatasetCard;
  readonly #items: readonly PackItem[];
  readonly #file: string;
  #fd: number | undefined;

  constructor(options: PackOptions) {
    this.name = options.name;
    this.split = options.split;
    this.card = options.card;
    this.channels = options.channels;
    this.length = options.items.length;
    this.#items = options.items;
    this.#file = options.file;
    this.#fd = openSync(options.file, 'r');
  }

  get(i: number): Signal {
    const { id, shape } = this.#item(i);
    return signalFromBytes(this.cropAt(i, wholeOf(shape)), { id, shape, channels: this.channels });
  }

  idAt(i: number): string {
    return this.#item(i).id;
  }

  shapeAt(i: number): readonly number[] {
    return this.#item(i).shape;
  }

  cropAt(i: number, box: Box): Uint8Array {
    const { at, shape } = this.#item(i);
    checkBox(box, shape, 'an item');
    const fd = this.#fd;
    if (fd === undefined) throw new ConflictError('dataset-closed', `${this.name} is closed; open it again`);
    const { channels } = this;
    const out = new Uint8Array(pointCount(box.count) * channels);
    const read = (from: number, to: number, samples: number) => {
      const [position, run] = [at + from * channels, samples * channels];
      if (readSync(fd, out, to * channels, run, position) === run) return;
      throw new BadStreamError('truncated', position, `${this.#file} ends early; fetch ${this.name} again`);
    };
    // Whole rows lie one after the other: one read for them all.
    const isContiguous = box.count.slice(1).every((n, axis) => n === shape[axis + 1]);
    if (isContiguous) read(box.start[0]! * pointCount(shape.slice(1)), 0, pointCount(box.count));
    else forEachRow(shape, box, read);
    return out;
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #item(i: number): PackItem {
    const item = this.#items[i];
    if (item === undefined) throw noItem(this, i);
    return item;
  }
}
