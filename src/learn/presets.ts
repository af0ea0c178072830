/** Recipes to start from. Figures that were reached with them stand beside the models in models/. */
import { aText, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { pyramid } from '../field/presets.ts';
import type { TrainingRecipe } from './recipe.ts';

/** Recipes that take the shape of their signals from the data: `systemRecipe`. */
export const systems = ['functa', 'coinpp', 'spatial', 'pyramid'] as const;

/** What recipes share unless they say otherwise. */
export const commonRecipe = {
  crops: false,
  flips: [],
  seed: 1,
  steps: 10_000,
  batch: 32,
  innerSteps: 3,
  secondOrder: true,
  startRates: { share: 0.3, probes: 32 },
  lambda: 0.007,
  phases: { distortion: 300, rounded: 0, coded: 2_500 },
  coded: { refineTurns: 4, roundTurns: 4, priced: false, pictures: true },
  quality: { lowest: 40, highest: 66, groups: 4, balance: 1, slopes: false },
  optimiser: {
    weights: 2e-3,
    rates: 3e-3,
    quantiser: 3e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    warmupSteps: 50,
    finalShare: 0.02,
    clipNorm: 1,
    coordinateDecay: 20,
    emaDecay: 0,
  },
  validation: { every: 500, signals: 64 },
  checkpointEvery: 250,
  reportEvery: 10,
} as const;

/** 8-bit samples as v / 255, centred. */
export const unitRange = { offset: 0.5, scale: 1, peak: 1 };

/** In pictures of 32 x 32, coarser cells than 8 samples stay empty under the rate; without those of 2, three inner steps end 3 dB lower. */
const levels = [
  { cell: 8, channels: 16 },
  { cell: 4, channels: 12 },
  { cell: 2, channels: 6 },
];
const colour = { axes: 2, outputs: 3, width: 64, layers: 3, w0: 10, harmonics: 1, levels };
/** What is used of those levels, to go on from such a network (`learn --from cifar10`), and two coarser for smooth ground. */
const coarse = (at16: number) => ({
  ...colour,
  levels: [
    { cell: 32, channels: 3 },
    { cell: 16, channels: at16 },
    { cell: 8, channels: 4 },
    { cell: 2, channels: 6 },
  ],
});
/** Learnt on: with the rates of a fresh network, inner steps run away. */
const careful = {
  startRates: { share: 0.15, probes: 32 },
  optimiser: {
    ...commonRecipe.optimiser,
    weights: 8e-4,
    rates: 4e-4,
    quantiser: 2e-3,
    warmupSteps: 300,
    clipNorm: 0.5,
    // More, and the finest cells lose their textures.
    coordinateDecay: 2,
  },
};
/** RGB images of any size, from crops. */
const ofCrops = {
  ...commonRecipe,
  shape: [64, 64],
  values: unitRange,
  crops: true,
  flips: [1],
  batch: 8,
  lambda: 0.004,
  quality: { lowest: 36, highest: 72, groups: 4, balance: 0.7, slopes: true },
} as const;
const grey = {
  ...{ axes: 2, outputs: 1, width: 48, layers: 3, w0: 10, harmonics: 1 },
  levels: [
    { cell: 8, channels: 16 },
    { cell: 4, channels: 8 },
    { cell: 2, channels: 4 },
  ],
};

export const recipePresets = {
  /** 32 x 32 RGB. */
  cifar10: {
    ...commonRecipe,
    name: 'cifar10',
    spec: pyramid(colour),
    shape: [32, 32],
    values: unitRange,
    flips: [1],
  },
  /** 28 x 28 grey. */
  'fashion-mnist': {
    ...commonRecipe,
    name: 'fashion-mnist',
    spec: pyramid(grey),
    shape: [28, 28],
    values: unitRange,
    flips: [1],
    // Black grounds and bright edges: bolder steps diverge.
    startRates: { share: 0.2, probes: 32 },
    optimiser: { ...commonRecipe.optimiser, weights: 1.5e-3 },
  },
  /** RGB images of any size, from crops; learnt on from `cifar10`. */
  photos: {
    ...ofCrops,
    name: 'photos',
    spec: pyramid(coarse(3)),
    steps: 7_000,
    // Mostly at rounded modulations: with noise, more channels fall silent.
    phases: { distortion: 100, rounded: 4_300, coded: 1_700 },
    ...careful,
  },
  /**
   * RGB images of any size at few bits, from crops: levels to choose channels of, read by cubic convolution, and explained from
   * coarse to fine by inner steps. Further stages go on with the channels that are used.
   */
  'photos-low': {
    ...ofCrops,
    name: 'photos-low',
    spec: pyramid({
      ...colour,
      // Where in a cell of 16 a sample stands.
      period: 16,
      harmonics: 8,
      interpolation: 'cubic',
      levels: [
        { cell: 32, channels: 3 },
        { cell: 16, channels: 4 },
        { cell: 8, channels: 8 },
        { cell: 4, channels: 6 },
        { cell: 2, channels: 4 },
      ],
    }),
    steps: 1_500,
    // One for each level.
    innerSteps: 5,
    startRates: { share: 0.3, probes: 32, coarseToFine: true },
    phases: { distortion: 100, rounded: 0, coded: 0 },
    optimiser: { ...commonRecipe.optimiser, weights: 1.5e-3, clipNorm: 0.5, coordinateDecay: 2 },
  },
  /** 64 x 64 RGB drawings on white, and such drawings of other sizes; learnt on from `cifar10`. */
  emoji: {
    ...commonRecipe,
    name: 'emoji',
    spec: pyramid(coarse(6)),
    shape: [64, 64],
    values: unitRange,
    flips: [1],
    steps: 7_000,
    batch: 8,
    lambda: 0.005,
    phases: { distortion: 100, rounded: 0, coded: 1_200 },
    quality: { lowest: 40, highest: 72, groups: 4, balance: 0.8, slopes: true },
    ...careful,
  },
} as const satisfies Record<string, TrainingRecipe>;

export type RecipeName = keyof typeof recipePresets;

/**
 * The preset of that name. Throws BadInputError `unknown-recipe`; recipes for any data are those of `systemRecipe`.
 *
 * @example
 * const recipe = presetRecipe('cifar10');
 */
export function presetRecipe(name: string): TrainingRecipe {
  check('presetRecipe', aText(name, 'name'));
  if (!Object.hasOwn(recipePresets, name)) {
    throw new BadInputError(
      'unknown-recipe',
      `no recipe '${name}'; choose one of ${systems.join(', ')} (for any data), ${Object.keys(recipePresets).join(', ')}, or give a recipe file`,
    );
  }
  return recipePresets[name as RecipeName];
}
