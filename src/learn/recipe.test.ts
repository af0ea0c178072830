import { expect, test } from 'vitest';
import { presetRecipe, recipeNames } from './presets.ts';
import { checkRecipe, recipeDigest, withOverrides } from './recipe.ts';
import { tinyRecipe } from './testing.ts';

test('every recipe beside a model is valid, called like its directory, and the same after a trip through JSON', () => {
  expect(recipeNames()).toEqual(
    expect.arrayContaining(['cifar10', 'emoji', 'fashion-mnist', 'photos', 'photos-low']),
  );
  for (const name of recipeNames()) {
    const recipe = presetRecipe(name);
    expect(recipe.name).toBe(name);
    expect(checkRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  }
});

test.each([
  ['steps', { steps: 0 }],
  ['optimiser.weights', { optimiser: { weights: -1 } }],
  ['lamda', { lamda: 1 }],
  ['phases', { phases: { distortion: 10, rounded: 10, coded: 0 } }],
  ['quality.groups', { quality: { groups: 3 } }],
  ['quality', { quality: { lowest: 60, highest: 40 } }],
  ['shape', { shape: [8] }],
  ['flips', { flips: [2] }],
  ['spec.levels', { spec: { levels: [] } }],
  ['spec.levels.0.cell', { spec: { levels: [{ cell: 4, channels: 1, interpolation: 'linear' }] } }],
])('a fault in %s is named', (member, overrides) => {
  expect(() => tinyRecipe(overrides)).toThrow(
    expect.objectContaining({
      code: expect.stringMatching(/bad-recipe|bad-spec/),
      message: expect.stringContaining(member),
    }),
  );
});

test('what is not an object is refused', () => {
  for (const input of [null, 3, 'cifar10', []]) {
    expect(() => checkRecipe(input)).toThrow(expect.objectContaining({ code: 'bad-recipe' }));
  }
});

test('an unknown preset is refused with the names there are', () => {
  expect(() => presetRecipe('mnist')).toThrow(
    /no recipe 'mnist'; choose one of functa, coinpp, spatial, pyramid .*, cifar10/,
  );
});

test('the digest changes with what decides the result, and with nothing else', () => {
  const recipe = tinyRecipe();
  const digest = recipeDigest(recipe, ['waves']);
  expect(recipeDigest(withOverrides(recipe, { lambda: 0.01 }), ['waves'])).not.toBe(digest);
  expect(recipeDigest(withOverrides(recipe, { seed: 2 }), ['waves'])).not.toBe(digest);
  expect(recipeDigest(recipe, ['others'])).not.toBe(digest);
  const reordered = Object.fromEntries(Object.entries(recipe).reverse());
  expect(recipeDigest(checkRecipe(reordered), ['waves'])).toBe(digest);
  const cadence = {
    name: 'b',
    notes: ['why'],
    checkpointEvery: 9,
    reportEvery: 9,
    validation: { every: 1, signals: 2 },
  };
  expect(recipeDigest(withOverrides(recipe, cadence), ['waves'])).toBe(digest);
});
