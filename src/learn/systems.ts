/**
 * The published systems as recipes for any data set: Functa (arXiv 2201.12204), COIN++ (arXiv 2201.12904), Spatial Functa
 * (arXiv 2302.03130), and the pyramid that this project's models are. What they share (Meta-SGD, exact second order, learning for
 * rate) is as in the other recipes; the papers' widths of 512 are 128 here, for a CPU.
 */
import { aNumber, anObject, aShape, aText, check, having, optionsOf } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { functa, patch, pyramid, spatial } from '../field/presets.ts';
import { type FieldSpec, pointCount } from '../field/spec.ts';
import { checkRecipe, type TrainingRecipe } from './recipe.ts';

/** Recipes that take the shape of their signals from the data. */
export const systems = ['functa', 'coinpp', 'spatial', 'pyramid'] as const;

export type System = (typeof systems)[number];

/** What a recipe has to know of the signals that it will learn. */
export interface DataShape {
  /** What a step learns on where it is small enough: along each axis a size that nine in ten signals have at least, axes in array order. */
  readonly shape: readonly number[];
  /** Values at a point. */
  readonly outputs: number;
  /** Whether all signals have this shape. */
  readonly uniform: boolean;
  /** What values range over, where the data say it; default: samples from 0 to 1. */
  readonly values?: TrainingRecipe['values'] | undefined;
  /** Whether the last axis is a circle. */
  readonly wraps?: boolean | undefined;
}

export interface SystemOptions {
  /** Numbers of a modulation, for `functa` in all, for the others in each cell (of `pyramid`: in each of the finest and of those above it). */
  readonly latent?: number | undefined;
  /** Size of a cell along each axis, of `pyramid` the finest; `functa` has none. Default: 32, 4, 2. */
  readonly cell?: number | undefined;
}

/** Signals larger than this along an axis are learnt from crops. */
const mostSide = 64;
const stepPoints = 2 ** 15;

/** What the recipes of systems share unless they say otherwise. */
const common = {
  flips: [],
  seed: 1,
  innerSteps: 3,
  secondOrder: true,
  startRates: { share: 0.3, probes: 32 },
  lambda: 0.007,
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
const unitRange = { offset: 0.5, scale: 1, peak: 1 };

export function isSystem(name: string): name is System {
  return (systems as readonly string[]).includes(name);
}

/**
 * The recipe of a system for this data. Throws BadInputError `recipe-data` where the system cannot describe it, `recipe-option` for an
 * option that it does not have, `bad-spec`, `bad-recipe`.
 *
 * @example
 * systemRecipe('spatial', { shape: [28, 28], outputs: 1, uniform: true }, { latent: 16 }).spec.levels;
 * // [{ cell: [4, 4], channels: 16, interpolation: 'linear' }]
 */
export function systemRecipe(system: System, data: DataShape, options: SystemOptions = {}): TrainingRecipe {
  check(
    'systemRecipe',
    aText(system, 'system'),
    having({ shape: aShape, outputs: aNumber })(data, 'data'),
    optionsOf()(options, 'options'),
  );
  const shape = data.shape.map((size) => Math.min(size, mostSide));
  const crops = !data.uniform || data.shape.some((size) => size > mostSide);
  if (system === 'functa' && crops) {
    throw new BadInputError(
      'recipe-data',
      `functa has one vector for a signal and learns signals of one size of at most ${mostSide} a side; choose one of coinpp, spatial, pyramid`,
    );
  }
  const most = Math.floor(stepPoints / pointCount(shape) / 4) * 4;
  const spec = specOf(system, shape, data.outputs, options);
  return checkRecipe({
    ...common,
    name: system,
    spec: data.wraps && !spec.features.global ? { ...spec, wraps: true } : spec,
    shape,
    values: data.values ?? unitRange,
    crops,
    steps: 2_000,
    batch: Math.min(32, Math.max(4, most)),
    phases: { distortion: 200, rounded: 0, coded: 0 },
    ...(system === 'functa' || system === 'coinpp' ? deep : {}),
    ...(system === 'spatial' ? many : {}),
  });
}

/**
 * Five sine layers at w0 = 30: bolder steps than these diverge. At 5e-4 and a share of 0.2 gradients of CIFAR-10 (width 64, batch 16) had
 * grown a thousandfold by step 150; here they fall, and step 200 has 19.3 dB.
 */
const deep = {
  startRates: { share: 0.05, probes: 32 },
  optimiser: { ...common.optimiser, weights: 1e-4, clipNorm: 0.5 },
} as const;

/**
 * Many channels in one level step together: at a share of 0.3 gradients of 400 cuts of photographs had grown to 1e7 by step 260 (seed 1), and
 * 25 dB had become 18; at 0.2 they begin to by step 110, at this share they stay below 150. It has a price: after 2,000 steps pictures of
 * CIFAR-10 have 0.3 to 0.7 dB less at the bytes that 0.3 had.
 */
const many = { startRates: { share: 0.1, probes: 32 } } as const;

function specOf(
  system: System,
  shape: readonly number[],
  outputs: number,
  { latent, cell }: SystemOptions,
): FieldSpec {
  const common = { axes: shape.length, outputs };
  switch (system) {
    case 'functa':
      if (cell !== undefined)
        throw new BadInputError(
          'recipe-option',
          'functa has one vector and no cells; leave --cell out, or choose spatial',
        );
      return functa({ ...common, channels: latent });
    case 'coinpp':
      return patch({ ...common, channels: latent, cell: cell ?? shape.map((size) => Math.min(size, 32)) });
    case 'spatial':
      return spatial({ ...common, channels: latent, cell });
    case 'pyramid': {
      const finest = cell ?? 2;
      const channels = latent ?? 6;
      const levels = [4, 2, 1].map((times) => ({
        cell: times * finest,
        channels: Math.round(channels * { 4: 2.5, 2: 2, 1: 1 }[times]!),
      }));
      return pyramid({ ...common, harmonics: 1, levels });
    }
    default:
      return system satisfies never;
  }
}

/**
 * The recipe with so many steps in all. Phases that do not fit are shortened in proportion; warm-up takes at most a tenth.
 * Throws BadInputError `bad-recipe`.
 *
 * @example
 * const recipe = withSteps(presetRecipe('cifar10'), 500);
 */
export function withSteps(recipe: TrainingRecipe, steps: number): TrainingRecipe {
  check(
    'withSteps',
    having({ phases: anObject, optimiser: anObject })(recipe, 'recipe'),
    aNumber(steps, 'steps'),
  );
  const { distortion, rounded, coded } = recipe.phases;
  const share = Math.min(1, steps / recipe.steps);
  const fits = distortion + rounded + coded <= steps;
  const scaled = (count: number) => (fits ? count : Math.floor(count * share));
  const warmupSteps = Math.min(recipe.optimiser.warmupSteps, Math.ceil(steps / 10));
  return checkRecipe({
    ...recipe,
    steps,
    phases: { distortion: scaled(distortion), rounded: scaled(rounded), coded: scaled(coded) },
    optimiser: { ...recipe.optimiser, warmupSteps: fits ? recipe.optimiser.warmupSteps : warmupSteps },
  });
}
