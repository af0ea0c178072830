/** Learning base networks: the outer loop, its recipes and its checkpoints. */
export { mirror, stepRng } from './draw.ts';
export type { TrainEvent } from './events.ts';
export { presetRecipe, recipeNames } from './presets.ts';
export { checkRecipe, recipeDigest, type TrainingRecipe, withOverrides } from './recipe.ts';
export { startFrom } from './start-from.ts';
export {
  type DataShape,
  isSystem,
  type System,
  type SystemOptions,
  systemRecipe,
  systems,
  withSteps,
} from './systems.ts';
export { type Slopes, type Trained, type TrainerOptions, train } from './trainer.ts';
export type { ValidationRecord } from './validate.ts';
