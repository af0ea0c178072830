import { expect, test } from 'vitest';
import { observeCoarse } from './observation.ts';
import { placed, putInto, seenSamples } from './placed.ts';

const two = { shape: [2, 2], channels: 1, values: Float32Array.of(1, 2, 3, 4) };

test('a value at a sample stands there afterwards, and the others stay', () => {
  const coordinates = Float32Array.of(0.5, 0.5, 1.5, 0.5);
  const places = placed({ shape: [2, 2], coordinates, group: 1, values: Float64Array.of(9, 7), noise: 1 });
  expect(seenSamples(places)).toEqual(Float32Array.of(1, 0, 1, 0));
  expect(putInto(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), places)).toEqual(
    Float32Array.of(9, 2, 7, 4, 9, 6, 7, 8),
  );
  expect(putInto(two.values.slice(), places, 0.5)).toEqual(Float32Array.of(5, 2, 5, 4));
});

test('the mean over a piece is what was observed of it, and what varies within stays', () => {
  const observed = observeCoarse([2, 2], {
    id: 'one',
    shape: [1, 1],
    channels: 1,
    values: Float32Array.of(5),
  });
  const places = placed({ ...observed, values: Float64Array.from(observed.values), noise: 1 });
  expect(putInto(two.values.slice(), places)).toEqual(Float32Array.of(3.5, 4.5, 5.5, 6.5));
});
