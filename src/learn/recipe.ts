/** A training recipe: everything that decides what a run learns, as plain JSON. */

import { z } from 'zod';
import { anObject, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { canonicalJson } from '../field/canonical.ts';
import { checkSpec } from '../field/check.ts';
import { type FieldSpec, interpolations } from '../field/spec.ts';
import type { Smoothness } from './smooth.ts';

export interface TrainingRecipe {
  readonly name: string;
  /** Why members are what they are, for people: it decides nothing. */
  readonly notes?: readonly string[] | undefined;
  readonly spec: FieldSpec;
  /** Shape of what a step learns on: whole signals, or crops of them. */
  readonly shape: readonly number[];
  /** Signal value = offset + scale * field value; PSNR is measured against `peak`, the range of signal values, which begins at `low` (0). */
  readonly values: {
    readonly offset: number;
    readonly scale: number;
    readonly peak: number;
    readonly low?: number | undefined;
  };
  /** Cut `shape` at random from larger signals; smaller ones are padded with points that do not count. */
  readonly crops: boolean;
  /** Axes along which signals are mirrored at random. */
  readonly flips: readonly number[];
  readonly seed: number;
  /** Outer steps of the whole run. */
  readonly steps: number;
  /** Signals a step. */
  readonly batch: number;
  /** Steps of the inner loop, from zero. */
  readonly innerSteps: number;
  /** `false`: first-order MAML. */
  readonly secondOrder: boolean;
  /**
   * Inner rates start at share / (levels * G), G estimated with so many sign vectors. With `coarseToFine` every inner step has
   * rates of its own, which start at share / G for its levels and at a tenth of the above for the others, and the first channels of
   * a level reach the output directly: learning starts from a pyramid (Burt and Adelson 1983), and no level explains what a coarser one could.
   */
  readonly startRates: {
    readonly share: number;
    readonly probes: number;
    readonly coarseToFine?: boolean | undefined;
  };
  /** loss = lambda * MSE on the 0..255 scale + bits / points, at quality 50. 0.007 is about 1 bit a pixel on CIFAR-10. */
  readonly lambda: number;
  /**
   * Learning for generation: while distortion alone is learnt, it is measured at modulations with Gaussian noise on them of `noise` times
   * a channel's root mean square, and `shrink` times the mean square of modulations is added. Absent: neither.
   */
  readonly smooth?: Smoothness | undefined;
  readonly phases: {
    /** First steps, distortion alone. Quantiser steps and scales start from the modulations of their end. */
    readonly distortion: number;
    /** Steps before the coded ones with distortion measured at rounded modulations instead of noisy ones. */
    readonly rounded: number;
    /** Last steps: half of the groups are learnt at the symbols that a coder would choose, the others as rounded. */
    readonly coded: number;
  };
  /**
   * How long the coded phase looks for modulations and symbols. `priced`: symbols are chosen by what a trained prior charges
   * for them, not by the logistics that are being learnt. `pictures`: they are chosen as for pictures that are looked at; symbols that
   * stand alone have to be worth more (`loneNats`), and values beyond the range of `values` are no error, for the outer loss neither.
   */
  readonly coded: {
    readonly refineTurns: number;
    readonly roundTurns: number;
    readonly priced: boolean;
    readonly pictures?: boolean | undefined;
  };
  /**
   * One network for a range of rates: a signal of quality q has steps m and lambda 1 / m^2 times those of quality 50,
   * m = 2^((50 - q) / 10). A batch is cut in `groups` of one quality each, drawn from as many equal parts of
   * lowest..highest. The loss of a group counts m^balance times: 1 keeps low and high rates in balance.
   * `slopes`: everything learnt changes with quality, along a line; without, one network serves all of them.
   */
  readonly quality: {
    readonly lowest: number;
    readonly highest: number;
    readonly groups: number;
    readonly balance: number;
    readonly slopes: boolean;
  };
  readonly optimiser: {
    /** Learning rates of the shared weights, and of the logarithms of inner rates, quantiser steps and scales. */
    readonly weights: number;
    readonly rates: number;
    readonly quantiser: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly warmupSteps: number;
    /** A cosine takes learning rates down to this share. */
    readonly finalShare: number;
    /** Longest gradient over weights and log-rates; 0: any. */
    readonly clipNorm: number;
    /**
     * Decoupled weight decay (arXiv 1711.05101) of the weights of coordinate features alone. Where they are large, a
     * field makes up textures between the samples that it learnt from.
     */
    readonly coordinateDecay: number;
    /** Of the moving average of parameters that validation and result are taken from; 0: none. */
    readonly emaDecay: number;
  };
  /** Figures on the first `signals` of the validation source every so many steps; 0: never. */
  readonly validation: { readonly every: number; readonly signals: number };
  readonly checkpointEvery: number;
  readonly reportEvery: number;
}

/** The field as steps see it: a crop of a circle has ends. The weights are those of either. */
export function specOfSteps({ spec, crops }: Pick<TrainingRecipe, 'spec' | 'crops'>): FieldSpec {
  return spec.wraps && crops ? { ...spec, wraps: false } : spec;
}

const whole = z.int().min(0);
const natural = z.int().min(1);
const positive = z.number().positive();
const share = z.number().min(0).max(1);
const decay = z.number().min(0).lt(1);

const specSchema = z.strictObject({
  axes: natural,
  outputs: natural,
  width: natural,
  layers: natural,
  w0: positive,
  features: z.strictObject({
    global: z.boolean(),
    local: z.boolean(),
    harmonics: whole,
    period: z.array(positive).optional(),
  }),
  levels: z.array(
    z.strictObject({
      cell: z.array(positive).nullable(),
      channels: natural,
      interpolation: z.enum(interpolations),
    }),
  ),
  wraps: z.boolean().optional(),
});

const schema = z.strictObject({
  name: z.string().min(1),
  notes: z.array(z.string()).optional(),
  spec: specSchema,
  shape: z.array(natural).min(1),
  values: z.strictObject({ offset: z.number(), scale: positive, peak: positive, low: z.number().optional() }),
  crops: z.boolean(),
  flips: z.array(whole),
  seed: z.int(),
  steps: natural,
  batch: natural,
  innerSteps: natural,
  secondOrder: z.boolean(),
  startRates: z.strictObject({ share: positive, probes: natural, coarseToFine: z.boolean().optional() }),
  lambda: positive,
  smooth: z.strictObject({ noise: z.number().min(0).max(1), shrink: z.number().min(0) }).optional(),
  phases: z.strictObject({ distortion: whole, rounded: whole, coded: whole }),
  coded: z.strictObject({
    refineTurns: natural,
    roundTurns: natural,
    priced: z.boolean().default(false),
    pictures: z.boolean().optional(),
  }),
  quality: z.strictObject({
    lowest: z.number().min(1).max(100),
    highest: z.number().min(1).max(100),
    groups: natural,
    balance: z.number(),
    slopes: z.boolean().default(false),
  }),
  optimiser: z.strictObject({
    weights: positive,
    rates: positive,
    quantiser: positive,
    beta1: decay,
    beta2: decay,
    epsilon: positive,
    warmupSteps: whole,
    finalShare: share,
    clipNorm: z.number().min(0),
    coordinateDecay: z.number().min(0),
    emaDecay: decay,
  }),
  validation: z.strictObject({ every: whole, signals: natural }),
  checkpointEvery: natural,
  reportEvery: natural,
});

/**
 * Checks a recipe that came from outside; a fresh object. Throws BadInputError `bad-recipe` naming the member at fault.
 *
 * @example
 * const recipe = checkRecipe(JSON.parse(JSON.stringify(presetRecipe('fashion-mnist'))));
 */
export function checkRecipe(input: unknown): TrainingRecipe {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw fault(issue.path.join('.') || 'recipe', issue.message);
  }
  const recipe: TrainingRecipe = parsed.data;
  const { spec, shape, phases, steps, quality, batch, flips } = recipe;
  checkSpec(spec);
  if (spec.levels.length === 0)
    throw fault('spec.levels', 'a field without modulation has nothing to learn to adapt');
  if (shape.length !== spec.axes)
    throw fault('shape', `${shape.length} sizes for a field of ${spec.axes} axes`);
  if (flips.some((axis) => axis >= spec.axes)) throw fault('flips', `axes are 0..${spec.axes - 1}`);
  if (phases.distortion + phases.rounded + phases.coded > steps) {
    throw fault(
      'phases',
      `${phases.distortion} + ${phases.rounded} + ${phases.coded} steps are more than the ${steps} of the run`,
    );
  }
  if (quality.lowest > quality.highest) throw fault('quality', 'lowest is above highest');
  if (batch % quality.groups !== 0)
    throw fault('quality.groups', `a batch of ${batch} does not divide by it`);
  return recipe;
}

/**
 * A recipe like `base` with some members replaced; objects are merged, arrays and the rest are not.
 *
 * @example
 * const recipe = withOverrides(presetRecipe('cifar10'), { seed: 2, optimiser: { clipNorm: 0.5 } });
 */
export function withOverrides(
  base: TrainingRecipe,
  overrides: Readonly<Record<string, unknown>>,
): TrainingRecipe {
  check('withOverrides', anObject(base, 'recipe'), anObject(overrides, 'overrides'));
  return checkRecipe(merge(base as unknown as Record<string, unknown>, overrides));
}

/**
 * SHA-256 in hex of what decides the result. How often a run validates, reports and saves does not, and its name and
 * notes do not either: those may change on resuming. `extra` ties other things in (the source, what learning starts from).
 */
export function recipeDigest(recipe: TrainingRecipe, extra: readonly string[] = []): string {
  const {
    name: _name,
    notes: _notes,
    validation: _validation,
    checkpointEvery: _saves,
    reportEvery: _reports,
    ...rest
  } = recipe;
  return sha256Hex(new TextEncoder().encode([canonicalJson(rest), ...extra].join('\n')));
}

function merge(
  base: Record<string, unknown>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const own = base[key];
    out[key] = isPlain(own) && isPlain(value) ? merge(own, value) : value;
  }
  return out;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(member: string, message: string): BadInputError {
  return new BadInputError('bad-recipe', `training recipe, ${member}: ${message}`);
}
