/** Learning base networks, and adapting them to signals. */

export { type Crop, type SignalSource, type SourceSignal, sourceOf } from '../signal/source.ts';
export {
  type AdaptedBatch,
  type AdaptOptions,
  adaptBatch,
  adaptSignal,
  rateTerm,
  type Trade,
} from './adapt.ts';
export { batchOf, type Mass, massOf, sliceBatch, toFieldUnits, type ValueRange } from './batch.ts';
export { mirror, stepRng } from './draw.ts';
export type { TrainEvent } from './events.ts';
export { loneNats } from './lone.ts';
export { presetRecipe, type RecipeName, recipePresets, systems } from './presets.ts';
export type { Price, PricedSymbols } from './pricing.ts';
export { logisticNats } from './rate.ts';
export { checkRecipe, recipeDigest, type TrainingRecipe, withOverrides } from './recipe.ts';
export { type RateTerm, type Refined, type RefineOptions, refineBatch } from './refine.ts';
export { type Rounded, type RoundOptions, roundBatch } from './round.ts';
export { startFrom } from './start-from.ts';
export { gramDiagonal, startRates } from './start-rates.ts';
export {
  type DataShape,
  isSystem,
  type System,
  type SystemOptions,
  systemRecipe,
  withSteps,
} from './systems.ts';
export { type Slopes, type Trained, type TrainOptions, train } from './trainer.ts';
export type { ValidationRecord } from './validate.ts';
