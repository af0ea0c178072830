/** A card for tests. */
import type { ModelCard } from './card.ts';
import { axesOfKind, outputsOfKind } from './kinds.ts';

export const tinyCard: ModelCard = {
  name: 'tiny-rgb',
  family: 'image',
  shape: [8, 8],
  anySize: true,
  outputs: outputsOfKind('rgb', { offset: 0.5, scale: 0.5 }),
  axes: axesOfKind('rgb', 2),
  spec: {
    axes: 2,
    outputs: 3,
    width: 4,
    layers: 2,
    w0: 10,
    features: { global: false, local: false, harmonics: 1 },
    levels: [
      { cell: null, channels: 2, interpolation: 'linear' },
      { cell: [4, 4], channels: 3, interpolation: 'linear' },
    ],
  },
  training: { dataset: 'none', split: 'train', steps: 0, batch: 1, seed: 1, lambda: 0, innerSteps: 3 },
  figures: { psnrDbMeanOfItems: 21.5 },
  licence: 'Apache-2.0',
  notes: '',
};
