import { expect, test } from 'vitest';
import { openGenerative } from '../models/generative.ts';
import { loadModel } from '../models/models.ts';
import { pathBetween, pathSpaceOf, type Term } from './index.ts';

const model = await loadModel('fashion-mnist');
const { shape } = model.card;
const drawn = (await openGenerative(model, 'gaussian')).sample({ count: 2, seed: 1 });
const [a, b] = drawn.map((modulation): Term => ({ modulation, shape, quality: 50 })) as [Term, Term];

test('a path in the latent of the flow keeps to its sphere, and is the same every time', async () => {
  const space = (await pathSpaceOf(model, 'flow'))!;
  const path = pathBetween(a, b, 5, space);
  expect([path[0], path[4]]).toEqual([a, b]);
  expect(pathBetween(a, b, 5, space)).toEqual(path);
  expect(path[2]).not.toEqual(pathBetween(a, b, 5)[2]);
  const radius = ({ modulation }: Term) => Math.hypot(...space.toSpace({ modulation, shape, quality: 50 }));
  const [from, middle, to] = [radius(a), radius(path[2]!), radius(b)];
  // The straight line between two normal points in the latent would pass at 0.7 of their radius.
  expect(middle).toBeGreaterThan(0.95 * Math.min(from, to));
  expect(middle).toBeLessThan(1.05 * Math.max(from, to));
});

test('the space metric is the straight line', async () => {
  expect(await pathSpaceOf(model, 'metric')).toBeUndefined();
});

test('a model without a flow, and a function that the flow does not know, are refused', async () => {
  const { path: _, ...alone } = model;
  await expect(pathSpaceOf(alone, 'flow')).rejects.toMatchObject({
    code: 'prior',
    message: expect.stringContaining('functa prior train --kinds flow'),
  });
  const space = await pathSpaceOf(model, 'flow');
  const large = { ...a, shape: [56, 14] };
  expect(() => pathBetween(large, { ...b, shape: [56, 14] }, 3, space)).toThrow(
    expect.objectContaining({ code: 'prior-shape' }),
  );
});
