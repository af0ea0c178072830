import { expect, test } from 'vitest';
import { modulationLength } from '../field/spec.ts';
import { recipePresets, systems } from './presets.ts';
import { type DataShape, systemRecipe, withSteps } from './systems.ts';

const withCode = (code: string) => expect.objectContaining({ code });
const garments: DataShape = { shape: [28, 28], outputs: 1, uniform: true };
const photos: DataShape = { shape: [160, 240], outputs: 3, uniform: false };
const clips: DataShape = { shape: [4000], outputs: 1, uniform: true };

test.each(systems)('%s takes its shape, outputs and batch from the data', (system) => {
  const recipe = systemRecipe(system, garments);
  expect(recipe).toMatchObject({ name: system, shape: [28, 28], crops: false, batch: 32 });
  expect(recipe.spec).toMatchObject({ axes: 2, outputs: 1 });
});

test('large or differing signals are learnt from crops, fewer at a time, but for the system that cannot', () => {
  for (const system of ['coinpp', 'spatial', 'pyramid'] as const) {
    expect(systemRecipe(system, photos)).toMatchObject({ shape: [64, 64], crops: true, batch: 8 });
    expect(systemRecipe(system, clips)).toMatchObject({ shape: [64], crops: true, batch: 32 });
  }
  expect(() => systemRecipe('functa', photos)).toThrow(withCode('recipe-data'));
});

test('latent is the length of a modulation, or of a cell of it; cell is its size', () => {
  const length = (...[system, options]: [Parameters<typeof systemRecipe>[0], object]) =>
    modulationLength(systemRecipe(system, { ...garments, shape: [32, 32] }, options).spec, [32, 32]);
  expect(length('functa', { latent: 64 })).toBe(64);
  expect(length('coinpp', { latent: 64 })).toBe(64);
  expect(length('coinpp', { latent: 64, cell: 16 })).toBe(4 * 64);
  expect(length('spatial', { latent: 16, cell: 8 })).toBe(16 * 16);
  expect(length('pyramid', { latent: 4, cell: 4 })).toBe(64 * 4 + 16 * 8 + 4 * 10);
  expect(() => systemRecipe('functa', garments, { cell: 4 })).toThrow(withCode('recipe-option'));
});

test('phases that do not fit into fewer steps are shortened in proportion, others stay', () => {
  const recipe = recipePresets['fashion-mnist'];
  expect(withSteps(recipe, 6_000)).toEqual({ ...recipe, steps: 6_000 });
  const short = withSteps(recipe, 100);
  expect(short).toMatchObject({ steps: 100, phases: { distortion: 3, rounded: 0, coded: 25 } });
  expect(short.optimiser.warmupSteps).toBe(10);
});
