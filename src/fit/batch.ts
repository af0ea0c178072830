/** Signals in their own units to batches in field units, and back to figures. */
import { BadInputError } from '../core/errors.ts';
import type { Batch } from '../engine/engine.ts';
import type { ValueRange } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import type { SourceSignal } from '../signal/source.ts';

/**
 * In place: `values` [points, channels] become field units by the range of all channels or of each, and a point with a missing value (NaN in any channel)
 * gets weight 0 and targets 0; other weights stay. Returns the number of points that still have weight.
 * Throws BadInputError `infinite-value` or `bad-weight` naming signal and point.
 */
export function toFieldUnits(
  values: Float32Array,
  weights: Float32Array,
  channels: number,
  range: ValueRange | readonly ValueRange[],
  where: string,
): number {
  const ranges = rangesOf(range, channels);
  let observed = 0;
  for (let p = 0, i = 0; p < weights.length; p++) {
    let missing = false;
    for (let c = 0; c < channels; c++, i++) {
      const v = values[i]!;
      if (v - v === 0) values[i] = (v - ranges[c]!.offset) / ranges[c]!.scale;
      else if (Number.isNaN(v)) missing = true;
      else {
        throw new BadInputError(
          'infinite-value',
          `${where}: point ${p} is ${v}; replace it, or make it NaN if it is missing`,
        );
      }
    }
    if (missing) {
      weights[p] = 0;
      values.fill(0, i - channels, i);
    }
    const weight = weights[p]!;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new BadInputError(
        'bad-weight',
        `${where}: the weight of point ${p} is ${weight}; weights are finite and not negative`,
      );
    }
    if (weight > 0) observed++;
  }
  return observed;
}

/**
 * A batch of whole signals of one shape; fresh arrays. Missing values and weights as in `toFieldUnits`.
 * Throws BadInputError `signal-shape` when shapes differ, `no-observed-points` when a signal has nothing to fit.
 */
export function batchOf(
  signals: readonly SourceSignal[],
  channels: number,
  range: ValueRange | readonly ValueRange[],
): Batch {
  const first = signals[0];
  if (first === undefined) throw new BadInputError('empty-batch', 'a batch needs at least one signal');
  const shape = [...first.shape];
  const points = pointCount(shape);
  const targets = new Float32Array(signals.length * points * channels);
  const weights = new Float32Array(signals.length * points).fill(1);
  signals.forEach((signal, s) => {
    if (signal.shape.join() !== shape.join() || signal.values.length !== points * channels) {
      throw new BadInputError(
        'signal-shape',
        `${nameOf(signal, s)}: shape [${signal.shape}] and ${signal.values.length} values; this batch holds [${shape}] x ${channels}`,
      );
    }
    const values = targets.subarray(s * points * channels, (s + 1) * points * channels);
    const own = weights.subarray(s * points, (s + 1) * points);
    values.set(signal.values);
    if (signal.weights !== undefined) own.set(signal.weights);
    if (toFieldUnits(values, own, channels, range, nameOf(signal, s)) === 0) {
      throw new BadInputError(
        'no-observed-points',
        `${nameOf(signal, s)} has no observed value; at least one is needed to fit it`,
      );
    }
  });
  return makeBatch(shape, signals.length, targets, weights);
}

function nameOf({ id }: SourceSignal, s: number): string {
  return id ?? `signal ${s}`;
}

/** Drops weights that are all 1, which engines compute without. */
export function makeBatch(
  shape: readonly number[],
  count: number,
  targets: Float32Array,
  weights: Float32Array,
): Batch {
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] !== 1) return { shape, count, targets, weights };
  }
  return { shape, count, targets };
}

/** Signals `from`..`to` of a batch as views, not copies. */
export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  const points = pointCount(batch.shape);
  const perSignal = batch.targets.length / batch.count;
  return {
    shape: batch.shape,
    count: to - from,
    targets: batch.targets.subarray(from * perSignal, to * perSignal),
    ...(batch.weights && { weights: batch.weights.subarray(from * points, to * points) }),
  };
}

function rangesOf(range: ValueRange | readonly ValueRange[], channels: number): readonly ValueRange[] {
  return 'scale' in range ? new Array<ValueRange>(channels).fill(range) : range;
}

/** MSE in 255ths of the peak of a mean squared error of 1 in field units; `peak` is the range of signal values. */
export function errorScale255(values: ValueRange & { readonly peak: number }): number {
  return ((255 * values.scale) / values.peak) ** 2;
}

/** What a batch's errors are averages over. */
export interface Mass {
  /** Sum of weights over points, times outputs: what a sum of weighted squared errors is divided by. */
  readonly values: number;
  /** Points with weight: what bits are divided by. */
  readonly points: number;
}

export function massOf(batch: Batch): Mass {
  const points = batch.count * pointCount(batch.shape);
  const outputs = batch.targets.length / points;
  if (batch.weights === undefined) return { values: points * outputs, points };
  let sum = 0;
  let observed = 0;
  for (let i = 0; i < batch.weights.length; i++) {
    const weight = batch.weights[i]!;
    sum += weight;
    if (weight > 0) observed++;
  }
  return { values: sum * outputs, points: observed };
}
