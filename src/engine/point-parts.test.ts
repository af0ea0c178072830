import { expect, it } from 'vitest';
import { gridPositions } from '../field/coordinates.ts';
import type { FieldSpec } from '../field/spec.ts';
import type { Points } from './engine.ts';
import { kernelEngine } from './kernel-engine.ts';
import { openNative } from './native/native.ts';
import { pointParts } from './point-parts.ts';
import type { KernelRequest } from './request.ts';
import { randomModulations, randomNetwork, uniformFrom } from './testing.ts';

const grid = { kind: 'grid', start: [0.5, 1, 0.25], step: [1, 2, 0.5], count: [3, 5, 7] } as const;
const list: Points = { kind: 'list', coordinates: Float32Array.from(gridPositions(grid)) };
const placesOf = (points: Points) =>
  points.kind === 'list' ? [...points.coordinates] : [...gridPositions(points)];

it.each([1, 4, 6, 7, 8, 34, 35, 36, 70, 104, 105, 1000])(
  'all points in order, at most %i at a time',
  (most) => {
    for (const points of [grid, list]) {
      const parts = [...pointParts(points, 3, most)];
      let first = 0;
      for (const part of parts) {
        expect(part.first).toBe(first);
        expect(part.count).toBeLessThanOrEqual(most);
        expect(placesOf(part.points)).toHaveLength(3 * part.count);
        first += part.count;
      }
      expect(parts.flatMap(({ points: some }) => placesOf(some))).toEqual(placesOf(points));
    }
  },
);

const spec: FieldSpec = {
  ...{ axes: 1, outputs: 2, width: 8, layers: 2, w0: 10 },
  features: { global: false, local: true, harmonics: 2 },
  levels: [{ cell: [64], interpolation: 'linear', channels: 3 }],
};
const shape = [400_003];
const uniform = uniformFrom(3);
const net = randomNetwork(spec, 0.1, uniform);
const modulations = randomModulations(spec, shape, 2, 0.3, uniform);

it('many points have the values that they have a few at a time', async () => {
  const engine = await openNative({ threads: 2 });
  const whole = { kind: 'grid', start: [0.5], step: [1], count: shape } as const;
  const values = await engine.evaluateMany(net, { shape, count: 2, modulations }, whole);
  for (const from of [0, 130_800, 399_000]) {
    const few = { kind: 'grid', start: [from + 0.5], step: [1], count: [1003] } as const;
    for (const i of [0, 1]) {
      const m = modulations.length / 2;
      const found = await engine.evaluate(net, shape, modulations.subarray(i * m, (i + 1) * m), few);
      const at = 2 * (i * shape[0]! + from);
      expect(values.subarray(at, at + found.length)).toEqual(found);
    }
  }
  await engine.close();
});

it('a kernel is asked for so many points at a time that what it holds is little', async () => {
  const asked: number[] = [];
  const run = async ({ evaluatePoints = 0 }: KernelRequest) => void asked.push(evaluatePoints);
  const engine = kernelEngine({ name: 'native', threads: 1, run, close: async () => {} });
  const coordinates = new Float32Array(shape[0]!).fill(0.5);
  for (const points of [
    { kind: 'grid', start: [0.5], step: [1], count: shape },
    { kind: 'list', coordinates },
  ] as const)
    await engine.evaluateMany(net, { shape, count: 2, modulations }, points);
  expect(asked.reduce((sum, n) => sum + n, 0)).toBe(2 * shape[0]!);
  expect(Math.max(...asked)).toBe(2 ** 17);
});
