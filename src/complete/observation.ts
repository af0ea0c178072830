/** What is known of a signal: values at places, or means over pieces of it. */

import { aNumber, aShape, aSignal, check, having, maybe, numbers } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import type { Model } from '../field/model.ts';
import type { Axis, NamedOutput } from '../field/outputs.ts';
import { knownSamples, type Mask } from '../signal/mask.ts';
import type { Signal } from '../signal/signal.ts';

export interface Observation {
  /** Shape of the whole signal, axes in array order. */
  readonly shape: readonly number[];
  readonly channels: number;
  /** [count * group, axes], signal units: `group` places for each observed value. */
  readonly coordinates: Float32Array;
  /** An observed value is the mean of the signal over so many places; 1: the value at one place. */
  readonly group: number;
  /** [count, channels], signal values. */
  readonly values: Float32Array;
  /** Where the samples of the whole signal lie, and what its channels are, where that is known. */
  readonly axes?: readonly Axis[] | undefined;
  readonly outputs?: readonly NamedOutput[] | undefined;
}

export const anObservation = having(
  { shape: aShape, channels: aNumber, coordinates: numbers, group: aNumber, values: numbers },
  'an observation, as observeMasked gives it',
);

/**
 * The samples of a signal that a mask shows; NaN is never observed. Throws BadInputError `mask-shape`, `no-observed-points`.
 *
 * @example
 * const observation = observeMasked(signal); // all but NaN
 */
export function observeMasked(signal: Signal, mask?: Mask): Observation {
  check(
    'observeMasked',
    aSignal(signal, 'signal'),
    maybe(having({ shape: aShape, observed: numbers }))(mask, 'mask'),
  );
  const { shape, channels, values } = signal;
  const known = knownSamples(signal, mask === undefined ? [] : [mask]);
  const all = gridPositions(coveringGrid(shape));
  const axes = shape.length;
  const coordinates = new Float32Array(known.length * axes);
  const seen = new Float32Array(known.length * channels);
  known.forEach((p, i) => {
    coordinates.set(all.subarray(p * axes, (p + 1) * axes), i * axes);
    seen.set(values.subarray(p * channels, (p + 1) * channels), i * channels);
  });
  const { axes: places, outputs } = signal;
  return checked({ shape, channels, coordinates, group: 1, values: seen, axes: places, outputs });
}

/**
 * A mask from numbers, one for each sample: known where they are 0.5 or more.
 *
 * @example
 * const mask = maskOf({ shape: [28, 28], values: signal.values });
 */
export function maskOf(of: { shape: readonly number[]; values: ArrayLike<number> }): Mask {
  check('maskOf', having({ shape: aShape, values: numbers })(of, 'mask'));
  const { shape, values } = of;
  return { shape, observed: Uint8Array.from(values, (value) => Number(value >= 0.5)) };
}

/**
 * Values at scattered places: a row of `table` [n, axes + channels] holds coordinates in signal units (sample i of an axis
 * stands at i + 0.5; axes in array order), then values. Throws BadInputError `points-shape`, `points-outside`,
 * `no-observed-points`.
 *
 * @example
 * const table = { shape: [2, 3], data: [3.5, 4.5, 0.2, 20.5, 7.5, 0.9] };
 * const observation = observePoints([28, 28], 1, table);
 */
export function observePoints(
  shape: readonly number[],
  channels: number,
  table: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
): Observation {
  check(
    'observePoints',
    aShape(shape, 'shape'),
    aNumber(channels, 'channels'),
    having({ shape: numbers, data: numbers })(table, 'table'),
  );
  const axes = shape.length;
  const columns = axes + channels;
  const [n = 0, width] = table.shape;
  if (table.shape.length !== 2 || width !== columns) {
    throw new BadInputError(
      'points-shape',
      `a table of points has a row for each, of ${axes} coordinates and ${channels} values; this one is of shape [${table.shape}]`,
    );
  }
  const coordinates = new Float32Array(n * axes);
  const values = new Float32Array(n * channels);
  for (let p = 0; p < n; p++) {
    for (let c = 0; c < columns; c++) {
      const value = table.data[p * columns + c]!;
      if (c >= axes) values[p * channels + c - axes] = value;
      else if (value >= 0 && value <= shape[c]!) coordinates[p * axes + c] = value;
      else {
        throw new BadInputError(
          'points-outside',
          `point ${p} has the coordinate ${value}, outside a signal of [${shape}]`,
        );
      }
    }
  }
  return checked({ shape, channels, coordinates, group: 1, values });
}

/**
 * A version of a signal at a lower resolution: each of its samples is the mean over the piece of the signal that it stands
 * for, taken at the signal's own density. Throws BadInputError `coarse-shape` when it has more samples along an axis.
 *
 * @example
 * const coarse = { ...signal, shape: [14, 14], values: new Float32Array(196).fill(0.5) };
 * const observation = observeCoarse([28, 28], coarse);
 */
export function observeCoarse(shape: readonly number[], coarse: Signal): Observation {
  check('observeCoarse', aShape(shape, 'shape'), aSignal(coarse, 'coarse'));
  if (coarse.shape.length !== shape.length || coarse.shape.some((n, axis) => n > shape[axis]!)) {
    throw new BadInputError(
      'coarse-shape',
      `a version of [${coarse.shape}] samples is no coarser one of a signal of [${shape}]`,
    );
  }
  const axes = shape.length;
  const pieces = gridPositions(coveringGrid(shape, coarse.shape));
  // Places within a piece, around its middle.
  const size = shape.map((n, axis) => n / coarse.shape[axis]!);
  const within = gridPositions(coveringGrid(size, size.map(Math.ceil)));
  const group = within.length / axes;
  const { values, channels } = coarse;
  const coordinates = new Float32Array((pieces.length / axes) * group * axes);
  for (let i = 0; i < coordinates.length; i++) {
    const axis = i % axes;
    const place = Math.floor(i / axes);
    const piece = Math.floor(place / group);
    coordinates[i] = pieces[piece * axes + axis]! + within[(place % group) * axes + axis]! - size[axis]! / 2;
  }
  return checked({ shape, channels, coordinates, group, values });
}

/** Throws BadInputError `observed-shape`. */
export function checkWhole({ card }: Model, { shape, channels }: Observation): void {
  if (shape.join() === card.shape.join() && channels === card.spec.outputs) return;
  throw new BadInputError(
    'observed-shape',
    `a signal of [${shape}] with ${channels} channels was observed in part; the priors of ${card.name} know whole signals of [${card.shape}] with ${card.spec.outputs}`,
  );
}

/** What was observed as a signal, for its range of values. */
export function observedSignal({ channels, values, outputs }: Observation): Signal {
  const shape = [values.length / channels];
  return { id: 'the observation', shape, channels, values, ...(outputs === undefined ? {} : { outputs }) };
}

function checked(observation: Observation): Observation {
  const { values } = observation;
  if (values.length === 0) {
    throw new BadInputError(
      'no-observed-points',
      'nothing is observed; show at least one value to complete from',
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new BadInputError(
      'infinite-value',
      `observed value ${bad} is ${values[bad]}; leave it out or replace it`,
    );
  }
  return observation;
}
