/**
 * Training modulations in memory, in units in which a generative prior learns them: less the mean of each number, over the
 * quantiser step of its channel, over one number that makes the mean variance 1. Steps are what an error in a channel costs
 * in the signal, so that distances between such modulations are about distances between signals.
 */
import { AbortedError, BadInputError } from '../../src/core/errors.ts';
import { type Label, labelText, plainLabel } from '../../src/core/label.ts';
import { checkLimit } from '../../src/core/limits.ts';
import { type ModulationLayout, ofEachNumber } from '../../src/field/layout.ts';
import type { ModulationSource } from './source.ts';

export type { Label };

export interface ModulationStandard {
  /** [m]. */
  readonly mean: Float32Array;
  /** [m], above 0. */
  readonly scale: Float32Array;
}

export interface TrainingSet {
  readonly layout: ModulationLayout;
  readonly count: number;
  /** [count, m], as adapted. */
  readonly modulations: Float32Array;
  /** All labels, numbers before texts, each in order. */
  readonly labels: readonly Label[];
  /** [count]: index into `labels`; `labels.length` where there is none. */
  readonly labelOf: Uint16Array;
}

/** A GiB of numbers. */
const maxNumbers = 2 ** 28;

/**
 * Reads modulations `start` to `end`. Throws BadInputError `one-layout` when signals differ in shape, LimitError
 * `limit-training-numbers`.
 */
export async function readTrainingSet(
  source: ModulationSource,
  start: number,
  end: number,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<TrainingSet> {
  const { layout } = await source.at(start);
  const { length } = layout;
  const count = end - start;
  checkLimit('training-numbers', count * length, maxNumbers, 'train on fewer functions');
  const modulations = new Float32Array(count * length);
  const seen: (Label | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const item = await source.at(start + i);
    if (item.modulation.length !== length) {
      throw new BadInputError(
        'one-layout',
        `a generative prior is learnt from signals of one shape; item ${start + i} has ${item.modulation.length} numbers, not ${length}`,
      );
    }
    modulations.set(item.modulation, i * length);
    seen.push(item.label);
    if (i % 1024 === 1023) {
      if (signal?.aborted) throw new AbortedError();
      onProgress?.(i + 1, count);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const named = seen.filter((label) => label !== undefined);
  const labels = [...new Map(named.map((label) => [labelText(label), plainLabel(label)])).values()].sort(
    byLabel,
  );
  const indices = new Map(labels.map((label, i) => [labelText(label), i]));
  const labelOf = Uint16Array.from(seen, (label) =>
    label === undefined ? labels.length : indices.get(labelText(label))!,
  );
  return { layout, count, modulations, labels, labelOf };
}

/** `steps` [channels]: the quantiser's at quality 50. */
export function standardOf(
  { layout, count, modulations }: TrainingSet,
  steps: Float32Array,
): ModulationStandard {
  const { length } = layout;
  const sums = new Float64Array(length);
  const squares = new Float64Array(length);
  for (let i = 0, at = 0; i < count; i++) {
    for (let d = 0; d < length; d++, at++) sums[d]! += modulations[at]!;
  }
  const mean = Float32Array.from(sums, (sum) => sum / count);
  for (let i = 0, at = 0; i < count; i++) {
    for (let d = 0; d < length; d++, at++) squares[d]! += (modulations[at]! - mean[d]!) ** 2;
  }
  const stepOf = stepsOf(layout, steps);
  const variance = squares.reduce((sum, square, d) => sum + square / count / stepOf[d]! ** 2, 0) / length;
  const unit = Math.sqrt(Math.max(variance, 1e-12));
  return { mean, scale: stepOf.map((step) => step * unit) };
}

/** Modulations [count, m] less their mean, over their scale. */
export function standardised({ mean, scale }: ModulationStandard, modulations: Float32Array): Float32Array {
  const m = mean.length;
  return modulations.map((value, i) => (value - mean[i % m]!) / scale[i % m]!);
}

/** And back. */
export function unstandardised({ mean, scale }: ModulationStandard, z: Float32Array): Float32Array {
  const m = mean.length;
  return z.map((value, i) => value * scale[i % m]! + mean[i % m]!);
}

/** The step of every number, [m], from those of the channels, [channels]. */
export function stepsOf(layout: ModulationLayout, steps: ArrayLike<number>): Float32Array {
  return Float32Array.from(ofEachNumber(layout, steps));
}

function byLabel(a: Label, b: Label): number {
  if (typeof a === typeof b) return a < b ? -1 : 1;
  return typeof a === 'number' ? -1 : 1;
}
