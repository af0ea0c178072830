/** Recipes to start from: `models/NAME/recipe.json`, beside the model that was learnt by it and the figures that it reached. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aText, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { packageRoot } from '../disk/package.ts';
import { checkRecipe, type TrainingRecipe } from './recipe.ts';
import { systems } from './systems.ts';

/**
 * The names that `presetRecipe` knows, sorted.
 *
 * @example
 * const recipes = recipeNames().map((name) => presetRecipe(name));
 */
export function recipeNames(): string[] {
  return readdirSync(directory())
    .filter((name) => existsSync(fileOf(name)))
    .sort();
}

/**
 * The preset of that name, which starts a network of its own. Throws BadInputError `unknown-recipe`; recipes for any data are those of
 * `systemRecipe`.
 *
 * @example
 * const recipe = presetRecipe('cifar10');
 */
export function presetRecipe(name: string): TrainingRecipe {
  check('presetRecipe', aText(name, 'name'));
  const names = recipeNames();
  if (!names.includes(name)) {
    throw new BadInputError(
      'unknown-recipe',
      `no recipe '${name}'; choose one of ${systems.join(', ')} (for any data), ${names.join(', ')}, or give a recipe file`,
    );
  }
  return checkRecipe(JSON.parse(readFileSync(fileOf(name), 'utf8')));
}

function fileOf(name: string): string {
  return join(directory(), name, 'recipe.json');
}

function directory(): string {
  return join(packageRoot(), 'models');
}
