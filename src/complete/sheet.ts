/** What a completion is shown as. */

import type { Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import type { Completion } from './complete.ts';
import type { Observation } from './observation.ts';

/** Deviations are small: where they are seen they are so many times as large. */
const larger = 4;

/** What was observed, as a signal: every sample that a place falls in; the others in the middle of the range. */
export function shownObservation(
  { shape, channels, coordinates, group, values }: Observation,
  outputs: readonly Output[],
): Signal {
  const axes = shape.length;
  const middle = outputs.map(({ low, peak }) => low + peak / 2);
  const shown = Float32Array.from({ length: pointCount(shape) * channels }, (_, i) => middle[i % channels]!);
  for (let place = 0; place < coordinates.length / axes; place++) {
    const at = shape.reduce((index, n, axis) => {
      const sample = Math.min(n - 1, Math.floor(coordinates[place * axes + axis]!));
      return index * n + sample;
    }, 0);
    const from = Math.floor(place / group) * channels;
    shown.set(values.subarray(from, from + channels), at * channels);
  }
  return { id: 'observed', shape, channels, values: shown };
}

/** The completed signal, the draws, and their mean and standard deviation where there are two. */
export function signalsOf({ completed, draws, spread }: Completion): Signal[] {
  return [completed, ...draws, ...(spread === undefined ? [] : [spread.mean, spread.deviation])];
}

/** For the eye: what was observed, then `signalsOf`, the deviation four times as large, from the least value of the range on. */
export function shownSignals(
  observation: Observation,
  completion: Completion,
  outputs: readonly Output[],
): Signal[] {
  const { spread } = completion;
  const grown = (value: number, i: number) => {
    const { low, peak } = outputs[i % outputs.length]!;
    return low + Math.min(peak, larger * value);
  };
  const { shape, axes } = completion.completed;
  // Signals in one file have the places of the first, which a WAV file says as its rate.
  const places = observation.shape.join() === shape.join() ? axes : observation.axes;
  const observed = { ...shownObservation(observation, outputs), axes: places };
  return [observed, ...signalsOf(completion)].map((signal) =>
    signal === spread?.deviation ? { ...signal, values: signal.values.map(grown) } : signal,
  );
}
