/** Signals of the caller's own as a data set: what jobs read, without a file. */
import { anObject, aSignal, aText, check, listOf, optionsOf } from '../src/core/check.ts';
import { BadInputError, NotFoundError } from '../src/core/errors.ts';
import { parseKind } from '../src/field/card.ts';
import { axisNames, type DataKind } from '../src/field/outputs.ts';
import { checkFinite, checkSignal, type Signal } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard } from './dataset.ts';

export interface MemoryOptions {
  /** Default `signals`. */
  readonly name?: string | undefined;
  /** Name of each class, where labels are numbers. */
  readonly labels?: readonly string[] | undefined;
  /** Default: `unknown`. */
  readonly licence?: string | undefined;
  /** What values are, one for each channel; default: samples from 0 to 1. */
  readonly outputs?: DataKind['outputs'] | undefined;
  /** What coordinates are; default: axes that have names alone. */
  readonly axes?: DataKind['axes'] | undefined;
}

const memoryOptions = optionsOf({
  ...{ name: aText, licence: aText, labels: listOf(aText, 'names') },
  ...{ outputs: listOf(anObject, 'outputs'), axes: listOf(anObject, 'axes') },
});

/**
 * A data set of these signals, which it keeps as they are. Values beyond 0 to 1 are of outputs that are told: their range, unit and
 * samples go into the card of what is learnt. Throws BadInputError `empty-dataset`, `bad-channels` where signals differ in channels or
 * from the outputs, `data-range`, `same-id`, `bad-card`, and what `checkSignal` throws.
 *
 * @example
 * const data = datasetOf([{ id: 'ramp', shape: [64], channels: 1, values: Float32Array.from({ length: 64 }, (_, i) => i / 63) }]);
 */
export function datasetOf(signals: readonly Signal[], options: MemoryOptions = {}): Dataset {
  check('datasetOf', listOf(aSignal, 'signals')(signals, 'signals'), memoryOptions(options, 'options'));
  const [first] = signals;
  if (first === undefined)
    throw new BadInputError('empty-dataset', 'a data set needs at least one signal; give some');
  const kind = kindOf(first, options);
  const ids = new Set<string>();
  for (const signal of signals) {
    checkSignal(signal);
    checkFinite(signal.values, signal.id);
    if (kind === undefined) checkUnit(signal);
    if (signal.channels !== first.channels) {
      const differ = `${first.id} has ${first.channels} and ${signal.id} ${signal.channels}`;
      throw new BadInputError('bad-channels', `signals of a data set have the same channels; ${differ}`);
    }
    if (ids.has(signal.id))
      throw new BadInputError('same-id', `two signals are called ${signal.id}; give each an id of its own`);
    ids.add(signal.id);
  }
  return new MemoryDataset(signals, options, kind);
}

function kindOf({ shape, channels }: Signal, { outputs, axes }: MemoryOptions): DataKind | undefined {
  if (outputs === undefined && axes === undefined) return undefined;
  const unit = { low: 0, peak: 1, sample: 'float32' as const };
  const kind = parseKind({
    outputs: outputs ?? Array.from({ length: channels }, (_, i) => ({ name: `value${i}`, ...unit })),
    axes: axes ?? axisNames(shape.length).map((name) => ({ name })),
  });
  if (kind.outputs.length !== channels || kind.axes.length !== shape.length)
    throw new BadInputError(
      'bad-channels',
      `${kind.outputs.length} outputs and ${kind.axes.length} axes for signals of ${channels} channels and ${shape.length} axes; tell one of each`,
    );
  return kind;
}

/** Whose range nobody told would be learnt as if it were from 0 to 1. */
function checkUnit({ id, values }: Signal): void {
  const beyond = values.find((value) => value < 0 || value > 1);
  if (beyond === undefined) return;
  throw new BadInputError(
    'data-range',
    `${id} has the value ${beyond}; say what values beyond 0 to 1 are: { outputs: [{ name, low, peak, sample }] }, or scale them`,
  );
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
  readonly kind?: DataKind;
  readonly #signals: readonly Signal[];

  constructor(
    signals: readonly Signal[],
    { name = 'signals', labels, licence = 'unknown' }: MemoryOptions,
    kind: DataKind | undefined,
  ) {
    if (kind !== undefined) this.kind = kind;
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
