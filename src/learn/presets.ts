/** Recipes to start from. Figures that were reached with them stand beside the models in models/. */
import { BadInputError } from '../core/errors.ts';
import { pyramid } from '../field/presets.ts';
import type { TrainingRecipe } from './recipe.ts';

const common = {
  crops: false,
  flips: [],
  seed: 1,
  steps: 20_000,
  batch: 32,
  innerSteps: 3,
  secondOrder: true,
  startRates: { share: 0.5, probes: 32 },
  lambda: 0.007,
  phases: { distortion: 2_000, rounded: 4_000, coded: 4_000 },
  coded: { refineTurns: 4, roundTurns: 4 },
  quality: { lowest: 30, highest: 70, groups: 4, balance: 1 },
  optimiser: {
    weights: 2e-3,
    rates: 3e-3,
    quantiser: 3e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    warmupSteps: 50,
    finalShare: 0.02,
    clipNorm: 5,
    emaDecay: 0,
  },
  validation: { every: 500, signals: 64 },
  checkpointEvery: 250,
  reportEvery: 10,
} as const;

/** 8-bit samples as v / 255, centred. */
const unitRange = { offset: 0.5, scale: 1, peak: 1 };

const levels = [
  { cell: 16, channels: 16 },
  { cell: 8, channels: 16 },
  { cell: 4, channels: 12 },
];

export const recipePresets = {
  /** 32 x 32 RGB. */
  cifar10: {
    ...common,
    name: 'cifar10',
    spec: pyramid({ axes: 2, outputs: 3, width: 64, layers: 3, w0: 10, levels }),
    shape: [32, 32],
    values: unitRange,
    flips: [1],
  },
  /** 28 x 28 grey. */
  'fashion-mnist': {
    ...common,
    name: 'fashion-mnist',
    spec: pyramid({ axes: 2, outputs: 1, width: 48, layers: 3, w0: 10, levels }),
    shape: [28, 28],
    values: unitRange,
    flips: [1],
  },
  /** RGB images of any size, from crops. */
  photos: {
    ...common,
    name: 'photos',
    spec: pyramid({ axes: 2, outputs: 3, width: 64, layers: 3, w0: 10, levels }),
    shape: [48, 48],
    values: unitRange,
    crops: true,
    flips: [1],
    batch: 16,
  },
} as const satisfies Record<string, TrainingRecipe>;

export type RecipeName = keyof typeof recipePresets;

/** The preset of that name. Throws BadInputError `unknown-recipe`. */
export function presetRecipe(name: string): TrainingRecipe {
  if (!Object.hasOwn(recipePresets, name)) {
    throw new BadInputError(
      'unknown-recipe',
      `no recipe '${name}'; choose one of ${Object.keys(recipePresets).join(', ')}, or give a recipe file`,
    );
  }
  return recipePresets[name as RecipeName];
}
