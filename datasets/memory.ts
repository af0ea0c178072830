/** Signals of the caller's own as a data set: what jobs read, without a file. */
import { BadInputError, NotFoundError } from '../src/core/errors.ts';
import { checkFinite, checkSignal, type Signal } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard } from './dataset.ts';

export interface MemoryOptions {
  /** Default `signals`. */
  readonly name?: string | undefined;
  /** Name of each class, where labels are numbers. */
  readonly labels?: readonly string[] | undefined;
  /** Default: `unknown`. */
  readonly licence?: string | undefined;
}

/**
 * A data set of these signals, which it keeps as they are. Throws BadInputError `empty-dataset`, `bad-channels` where signals differ in
 * channels, `same-id`, and what `checkSignal` throws.
 *
 * @example
 * const data = datasetOf([{ id: 'ramp', shape: [64], channels: 1, values: Float32Array.from({ length: 64 }, (_, i) => i / 63) }]);
 */
export function datasetOf(signals: readonly Signal[], options: MemoryOptions = {}): Dataset {
  const [first] = signals;
  if (first === undefined)
    throw new BadInputError('empty-dataset', 'a data set needs at least one signal; give some');
  const ids = new Set<string>();
  for (const signal of signals) {
    checkSignal(signal);
    checkFinite(signal.values, signal.id);
    if (signal.channels !== first.channels) {
      const differ = `${first.id} has ${first.channels} and ${signal.id} ${signal.channels}`;
      throw new BadInputError('bad-channels', `signals of a data set have the same channels; ${differ}`);
    }
    if (ids.has(signal.id))
      throw new BadInputError('same-id', `two signals are called ${signal.id}; give each an id of its own`);
    ids.add(signal.id);
  }
  return new MemoryDataset(signals, options);
}

class MemoryDataset implements Dataset {
  readonly name: string;
  readonly split = 'all';
  readonly length: number;
  readonly labels?: readonly string[];
  readonly shape?: readonly number[];
  readonly channels: number;
  readonly card: DatasetCard;
  readonly weighted: boolean;
  readonly #signals: readonly Signal[];

  constructor(signals: readonly Signal[], { name = 'signals', labels, licence = 'unknown' }: MemoryOptions) {
    const { shape, channels } = signals[0]!;
    this.name = name;
    this.length = signals.length;
    if (labels !== undefined) this.labels = labels;
    if (signals.every((signal) => signal.shape.join() === shape.join())) this.shape = shape;
    this.channels = channels;
    this.weighted = signals.some(({ weights }) => weights !== undefined);
    this.#signals = signals;
    this.card = {
      ...{ name, title: name, source: 'the caller', licence },
      ...{ redistributable: false, sha256: {}, split: 'none', downloadBytes: 0 },
    };
  }

  get(i: number): Signal {
    const signal = this.#signals[i];
    if (signal !== undefined) return signal;
    throw new NotFoundError('no-item', `${this.name} has items 0 to ${this.length - 1}, not ${i}`);
  }

  idAt(i: number): string {
    return this.get(i).id;
  }

  shapeAt(i: number): readonly number[] {
    return this.get(i).shape;
  }

  close(): void {}
}
