/**
 * functa: signals as functions, and a prior over them. The library's door: it re-exports, and does nothing of its own. The HTTP
 * server and its client are behind `functa/server`.
 */

export { multiplyAddsPerPoint } from '../codec/index.ts';
export type { Dataset, DatasetCard, FetchEvent, Split } from '../datasets/dataset.ts';
export { fetchDataset, listDatasets, openDataset } from '../datasets/registry.ts';
export { type Ability, type AnyPrior, kindsThat, type PriorDescriptor, priorTable } from '../prior/kinds.ts';
export {
  AbortedError,
  BadInputError,
  BadStreamError,
  BugError,
  ConflictError,
  EnvironmentError,
  type ErrorKind,
  FunctaError,
  LimitError,
  NotFoundError,
} from './core/errors.ts';
export { defaultLimits, type Limits, withLimits } from './core/limits.ts';
export { bitsPerPoint, meanPsnrOfItems, mse, psnrDb, psnrOfMeanMse } from './core/units.ts';
export { type Engine, type EngineOptions, listEngines, openEngine } from './engine/index.ts';
export { defaultQuality } from './field/at-quality.ts';
export type { Channels, Family, ModelCard } from './field/card.ts';
export { type Model, readModel, writeModel } from './field/model.ts';
export { type PresetName, preset, presetNames } from './field/presets.ts';
export type { FieldSpec, GridLevel } from './field/spec.ts';
export { maxEffort, type OwnSize, ownSizeFor, publishedSizes, w0For } from './fit/index.ts';
export * from './formats/index.ts';
export * from './functaset/index.ts';
export * from './jobs/index.ts';
export {
  checkRecipe,
  type DataShape,
  presetRecipe,
  recipePresets,
  type System,
  type SystemOptions,
  systemRecipe,
  systems,
  type TrainingRecipe,
  withOverrides,
  withSteps,
} from './learn/index.ts';
export * from './models/index.ts';
export * from './session/index.ts';
export * from './signal/index.ts';
