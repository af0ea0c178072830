/** Recipes of trainings that are asked for over HTTP, held to the limits of jobs. */
import type { Dataset } from '../../datasets/dataset.ts';
import { checkLimit } from '../../src/core/limits.ts';
import { pointCount, weightLayout } from '../../src/field/spec.ts';
import { shapeOfData } from '../../src/jobs/data.ts';
import { presetRecipe } from '../../src/learn/presets.ts';
import { checkRecipe, type TrainingRecipe, withOverrides } from '../../src/learn/recipe.ts';
import { isSystem, systemRecipe, withSteps } from '../../src/learn/systems.ts';
import type { JobLimits } from './limits.ts';
import type { SpecOf } from './specs.ts';

type LearnSpec = Omit<SpecOf<'learn'>, 'data'>;

/**
 * What is asked for, as far as it can be told before the data are looked at: undefined where the data decide. Throws BadInputError
 * `unknown-recipe` or `bad-recipe`, LimitError `limit-job-steps` or `limit-step-values`.
 */
export function checkedRecipe(spec: LearnSpec, limits: JobLimits): TrainingRecipe | undefined {
  checkSteps(spec.steps ?? 0, limits);
  const { recipe } = spec;
  if (typeof recipe === 'string' && isSystem(recipe)) return undefined;
  return finished(typeof recipe === 'string' ? presetRecipe(recipe) : checkRecipe(recipe), spec, limits);
}

/** Throws as `checkedRecipe`, BadInputError `recipe-data` and `recipe-option`. */
export async function recipeFor(
  spec: LearnSpec,
  data: Dataset,
  held: Dataset | undefined,
  limits: JobLimits,
): Promise<TrainingRecipe> {
  const known = checkedRecipe(spec, limits);
  if (known !== undefined) return known;
  const { recipe, latent, cell } = spec;
  const shape = await shapeOfData(data, 'all');
  const other = held === undefined ? shape : await shapeOfData(held, 'all');
  const uniform = shape.uniform && other.uniform && shape.shape.join() === other.shape.join();
  return finished(
    systemRecipe(recipe as Parameters<typeof systemRecipe>[0], { ...shape, uniform }, { latent, cell }),
    spec,
    limits,
  );
}

function finished(base: TrainingRecipe, { steps, seed, model, overrides }: LearnSpec, limits: JobLimits) {
  const recipe = withOverrides(steps === undefined ? base : withSteps(base, steps), {
    ...overrides,
    ...(seed === undefined ? {} : { seed }),
    ...(model === undefined ? {} : { name: model }),
  });
  checkSteps(recipe.steps, limits);
  // what a step keeps of every point: the values of all layers, forwards and backwards
  const values = recipe.batch * pointCount(recipe.shape) * recipe.spec.width * recipe.spec.layers;
  const hint = 'learn on smaller crops, fewer signals a step, or a smaller network';
  checkLimit('step-values', Math.max(values, weightLayout(recipe.spec).length), limits.stepValues, hint);
  return recipe;
}

function checkSteps(steps: number, limits: JobLimits): void {
  checkLimit(
    'job-steps',
    steps,
    limits.steps,
    'learn in several jobs, each from the model of the one before',
  );
}
