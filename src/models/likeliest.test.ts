import { expect, test } from 'vitest';
import { likeliestModel } from './likeliest.ts';
import { loadModel } from './models.ts';

const [climate, elevation, cifar10, photos] = await Promise.all(
  ['climate', 'elevation', 'cifar10', 'photos'].map((name) => loadModel(name)),
);

test('a map is of the model for maps, whatever its shape', () => {
  for (const shape of [elevation!.card.shape, climate!.card.shape, [73, 144]])
    expect(likeliestModel([elevation!, climate!], { shape, channels: 1 })).toBe(climate);
  expect(likeliestModel([elevation!], { shape: [73, 144], channels: 1 })).toBe(elevation);
});

test('a picture is of the model of its own shape, else of that for whatever is seen', () => {
  const both = [cifar10!, photos!];
  expect(likeliestModel(both, { shape: [32, 32], channels: 3 })).toBe(cifar10);
  expect(likeliestModel(both, { shape: [512, 768], channels: 3 })).toBe(photos);
});
