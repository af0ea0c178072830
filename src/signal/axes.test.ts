import { expect, it } from 'vitest';
import { axesOf, axesOfGrid } from './axes.ts';
import { parseSize, shapeAt } from './region.ts';

const time = { name: 't', unit: 's', start: 0, step: 1 / 8000 };
const latitude = { name: 'lat', unit: 'degrees', start: -87.5, step: 5, weight: 'cosine' as const };
const longitude = { name: 'lon', unit: 'degrees', start: 2.5, step: 5, wraps: true };

it('a sphere is as large at any number of samples, and a second as long', () => {
  expect(axesOf({ axes: [time], shape: [256] }, [8000])).toEqual([time]);
  const [lat, lon] = axesOf({ axes: [latitude, longitude], shape: [36, 72] }, [18, 144]);
  expect(lat).toEqual({ ...latitude, start: -85, step: 10 });
  expect(lon).toEqual({ ...longitude, start: 1.25, step: 2.5 });
});

it('samples of a grid stand in the middle of what they are of; a part of a circle does not wrap', () => {
  // twice as many samples, from the third on
  const grid = { start: [1.25], step: [0.5], count: [4] };
  expect(axesOfGrid([time], [8], grid)).toEqual([{ ...time, start: (1.25 - 0.5) / 8000, step: 0.5 / 8000 }]);
  const whole = { start: [0.5, 0.5], step: [1, 1], count: [36, 72] };
  expect(axesOfGrid([latitude, longitude], [36, 72], whole)).toEqual([latitude, longitude]);
  const part = { start: [0.5, 10.5], step: [1, 1], count: [36, 30] };
  expect(axesOfGrid([latitude, longitude], [36, 72], part)[1]).toEqual({
    ...longitude,
    start: 52.5,
    wraps: false,
  });
  expect(axesOfGrid([{ name: 'x' }], [4], { start: [0.5], step: [1], count: [4] })).toEqual([{ name: 'x' }]);
});

it('a size may be samples in a unit', () => {
  expect(shapeAt([8000], parseSize('44100/s'), [time])).toEqual([44100]);
  expect(shapeAt([36, 72], parseSize('0.5/degrees'), [latitude, longitude])).toEqual([90, 180]);
  expect(() => shapeAt([8000], parseSize('4/mm'), [time])).toThrow('is along s');
  expect(() => shapeAt([8000], parseSize('4/s'), [{}])).toThrow('does not say how far apart');
  expect(() => shapeAt([8], { rate: 0, unit: 's' }, [time])).toThrow('above 0');
});
