/** What a completion is shown as. */

import { pointCount } from '../field/spec.ts';
import { contactSheet } from '../formats/contact-sheet.ts';
import type { Signal } from '../signal/signal.ts';
import type { Completion } from './complete.ts';
import type { Observation } from './observation.ts';

/** Deviations are small: in pictures they are this many times as bright. */
const brighter = 4;

/** What was observed, as a signal: every sample that a place falls in; the others half grey. */
export function shownObservation({ shape, channels, coordinates, group, values }: Observation): Signal {
  const axes = shape.length;
  const shown = new Float32Array(pointCount(shape) * channels).fill(0.5);
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

/** A row of pictures: what was observed, then `signalsOf`, the deviation four times as bright. */
export function completionSheet(observation: Observation, completion: Completion): Signal {
  const { spread } = completion;
  const pictures = [shownObservation(observation), ...signalsOf(completion)].map((picture) =>
    picture === spread?.deviation
      ? { ...picture, values: picture.values.map((value) => Math.min(1, brighter * value)) }
      : picture,
  );
  return contactSheet(pictures, { columns: pictures.length });
}
