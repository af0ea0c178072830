/** The library: signals as functions, and a prior over them. Re-exports only. */
export { type Dataset, type DatasetCard, type FetchEvent, type Split, splits } from '../datasets/dataset.ts';
export { readImage, writeImage } from '../datasets/image.ts';
export { readNpy, signalFromNpy, signalToNpy, writeNpy } from '../datasets/npy.ts';
export { fetchDataset, listDatasets, openDataset } from '../datasets/registry.ts';
export type { Signal } from '../datasets/signal.ts';
export * from './core/errors.ts';
export { defaultLimits, type Limits, withLimits } from './core/limits.ts';
export { type Engine, type EngineOptions, engineNames, listEngines, openEngine } from './engine/index.ts';
export type { ModelCard } from './field/card.ts';
export { type Model, readModel, writeModel } from './field/model.ts';
export { preset, presetNames } from './field/presets.ts';
export type { FieldSpec, GridLevel } from './field/spec.ts';
export { type Functaset, openFunctaset, type StoredFunction } from './functaset/index.ts';
export { checkRecipe, presetRecipe, type TrainingRecipe, withOverrides } from './learn/index.ts';
export * from './pipeline/index.ts';
