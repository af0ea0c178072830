import { BugError } from '../src/core/errors.ts';
import type { DataKind } from '../src/field/outputs.ts';
import type { Box } from '../src/signal/box.ts';
import type { Signal } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard, Split } from './dataset.ts';
import { noItem } from './flat.ts';

/** The splits of one data set, one after the other: what `all` opens. Closes its parts with itself. */
export function joinSplits(parts: readonly Dataset[]): Dataset {
  return joinParts(parts, 'all');
}

/** Parts of one kind as one split, called as the first is. Closes its parts with itself. */
export function joinParts(parts: readonly Dataset[], split: Split | 'all'): Dataset {
  const first = parts[0];
  if (first === undefined) throw new BugError('no parts to join');
  return new JoinedDataset(first, parts, split);
}

class JoinedDataset implements Dataset {
  readonly name: string;
  readonly split: Split | 'all';
  readonly length: number;
  readonly labels?: readonly string[];
  readonly shape?: readonly number[];
  readonly channels: number;
  readonly kind?: DataKind;
  readonly weighted: boolean;
  readonly card: DatasetCard;
  readonly idAt?: (i: number) => string;
  readonly bytesAt?: (i: number) => Uint8Array;
  readonly shapeAt?: (i: number) => Promise<readonly number[]> | readonly number[];
  readonly cropAt?: (i: number, box: Box) => Promise<Uint8Array> | Uint8Array;
  readonly #parts: readonly Dataset[];

  constructor(first: Dataset, parts: readonly Dataset[], split: Split | 'all') {
    this.split = split;
    this.name = first.name;
    this.channels = first.channels;
    this.card = first.card;
    this.length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#parts = parts;
    this.weighted = parts.some(({ weighted = false }) => weighted);
    if (first.kind !== undefined) this.kind = first.kind;
    const labels = parts.find((part) => part.labels !== undefined)?.labels;
    if (labels !== undefined) this.labels = labels;
    const { shape } = first;
    if (shape !== undefined && parts.every((part) => part.shape?.join() === shape.join())) this.shape = shape;
    if (first.idAt !== undefined) this.idAt = (i) => this.#in(i, (part, at) => part.idAt!(at));
    if (first.bytesAt !== undefined) this.bytesAt = (i) => this.#in(i, (part, at) => part.bytesAt!(at));
    if (first.shapeAt !== undefined) this.shapeAt = (i) => this.#in(i, (part, at) => part.shapeAt!(at));
    if (first.cropAt !== undefined)
      this.cropAt = (i, box) => this.#in(i, (part, at) => part.cropAt!(at, box));
  }

  get(i: number): Promise<Signal> | Signal {
    return this.#in(i, (part, at) => part.get(at));
  }

  close(): void {
    for (const part of this.#parts) part.close();
  }

  #in<T>(i: number, use: (part: Dataset, at: number) => T): T {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) throw noItem(this, i);
    let at = i;
    for (const part of this.#parts) {
      if (at < part.length) return use(part, at);
      at -= part.length;
    }
    throw new BugError(`item ${i} lies in no split`);
  }
}
