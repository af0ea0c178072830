/** What was observed of a signal: a mask, a region, or values that are there and others that are missing. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { toField } from '../field/outputs.ts';
import { pointCount, unravel } from '../field/spec.ts';
import type { Box } from '../signal/box.ts';
import { knownSamples, regionMask } from '../signal/mask.ts';
import { modelFor } from '../signal/own-range.ts';
import { type AxisNames, boxOf, namesOfSignal } from '../signal/region.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import type { RelativePoints } from './places.ts';
import type { RequestOf, SignalInput } from './request.ts';
import { allSamples, drawn, type SampledPoints } from './sampling.ts';
import type { QueryContext } from './types.ts';

/** Values [points, outputs], field units, at places of a signal. */
export interface Observed {
  /** Of the signal whose values they are. */
  readonly shape: readonly number[];
  readonly places: RelativePoints;
  readonly values: Float32Array;
  readonly sampled: SampledPoints;
}

type Mask = NonNullable<RequestOf<'near'>['mask']>;

/** Gradients of the inner loop, forward and backward, in multiply-adds of a plain pass. */
const passesOfFit = 12;

/**
 * The signal of a query, or a fragment of one, which a model of one shape takes as well. Throws BadInputError `signal-*`, LimitError, and what
 * reading its bytes throws.
 */
export async function signalOf(
  context: QueryContext,
  input: SignalInput,
  { isFragment = false }: { readonly isFragment?: boolean } = {},
): Promise<Signal> {
  const { model, limits } = context;
  const signal =
    'file' in input
      ? await context.readSignal(Buffer.from(input.file, 'base64'), input, { isFragment })
      : fromNumbers(context, input);
  const taken = modelFor(model, signal);
  checkFits(isFragment ? { ...taken, card: { ...taken.card, anySize: true } } : taken, signal);
  const points = pointCount(signal.shape);
  checkLimit('samples', points, limits.maxSamples, 'give a smaller signal');
  const work = points * multiplyAddsPerPoint(model.card.spec) * passesOfFit;
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'give a smaller signal');
  return signal;
}

/** Samples of a signal that a mask and a region show and that are there. Throws BadInputError `mask-shape`, `bad-region`, `no-observed-points`. */
export function knownOf(
  { model }: QueryContext,
  signal: Signal,
  mask: Mask | undefined,
  region: Box | string | undefined,
): number[] {
  const { shape } = signal;
  const points = pointCount(shape);
  if (mask !== undefined && mask.length !== points) {
    throw new BadInputError(
      'mask-shape',
      `the mask has ${mask.length} entries and the signal [${shape}] has ${points} points; give one entry for each`,
    );
  }
  const masks = [
    ...(mask === undefined ? [] : [{ shape, observed: Uint8Array.from(mask, Number) }]),
    ...(region === undefined ? [] : [regionMask(shape, region, false, namesOfSignal(model.card, signal))]),
  ];
  return knownSamples(signal, masks);
}

/** Values [samples, outputs] of samples of a signal, on the scale of the card. */
export function valuesOfKnown(
  { model }: QueryContext,
  { channels, values }: Signal,
  samples: readonly number[],
): Float32Array {
  const known = samples.flatMap((p) => [...values.subarray(p * channels, (p + 1) * channels)]);
  return Float32Array.from(toField(model.card.outputs, known));
}

/**
 * The observed part of a signal, or at most `most` samples of it; undefined when all of it is observed. Throws BadInputError `mask-shape` (a mask of another
 * shape), `bad-region`, `no-observed-points`.
 */
export function observedOf(
  context: QueryContext,
  signal: Signal,
  mask: Mask | undefined,
  region: Box | string | undefined,
  most: number | undefined,
): Observed | undefined {
  const { shape } = signal;
  const known = knownOf(context, signal, mask, region);
  if (known.length === pointCount(shape)) return undefined;
  const kept = drawn(known, most);
  return {
    shape,
    places: placesOfSamples(shape, kept),
    values: valuesOfKnown(context, signal, kept),
    sampled: { points: kept.length, of: known.length },
  };
}

/** The samples of a region, or at most `most` of them, by their indices in its `shape`, and where they are in the signal. Throws BadInputError `bad-region`. */
export function placesOfRegion(
  whole: readonly number[],
  region: Box | string,
  most: number | undefined,
  names: AxisNames = {},
): {
  readonly shape: readonly number[];
  readonly samples: readonly number[];
  readonly places: RelativePoints;
  readonly sampled: SampledPoints;
} {
  const { start, count: shape } = boxOf(region, whole, { ...names, owner: 'a signal' });
  const samples = drawn(allSamples(shape), most);
  const inWhole = samples.map((i) =>
    unravel(shape, i).reduce((index, x, axis) => index * whole[axis]! + x + start[axis]!, 0),
  );
  const sampled = { points: samples.length, of: pointCount(shape) };
  return { shape, samples, places: placesOfSamples(whole, inWhole), sampled };
}

function fromNumbers({ model }: QueryContext, input: Exclude<SignalInput, { file: string }>): Signal {
  const { shape } = input;
  const points = pointCount(shape);
  const channels = model.card.spec.outputs;
  if (input.values.length !== points * channels) {
    throw new BadInputError(
      'signal-length',
      `${input.values.length} values do not fill shape [${shape}] x ${channels} channels`,
    );
  }
  return {
    id: 'the signal',
    shape,
    channels,
    values: Float32Array.from(input.values, (v) => v ?? Number.NaN),
  };
}

/** Places of samples of a signal, by their indices. */
export function placesOfSamples(shape: readonly number[], samples: readonly number[]): RelativePoints {
  const relative = samples.flatMap((p) => unravel(shape, p).map((x, axis) => (x + 0.5) / shape[axis]!));
  return { axes: shape.length, relative: Float64Array.from(relative) };
}
