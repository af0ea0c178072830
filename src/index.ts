/**
 * functa: signals as functions, and a prior over them. The library's door on Node: what the command line does, with the same words. It
 * re-exports, and does nothing of its own. Beside it stand `functa/web` (a reader for any platform), `functa/client` and `functa/server`.
 */

export type { Dataset, DatasetCard, FetchEvent, Split } from '../datasets/dataset.ts';
export { datasetOf } from '../datasets/memory.ts';
export { fetchDataset, listDatasets, openDataset } from '../datasets/registry.ts';
export { type Ability, type AnyPrior, type KindThat, type PriorKind, priorTable } from '../prior/kinds.ts';
export {
  type Evaluated,
  evaluateClassifier,
  type Guess,
  type TrainClassifierOptions,
  trainClassifier,
} from './classify/index.ts';
export {
  codeTerms,
  decodeTerms,
  differenceOf,
  meanOf,
  type PathSpace,
  type PathSpaceName,
  pathBetween,
  pathSpaceOf,
  type Term,
  weightedSum,
} from './combine/index.ts';
export {
  type CompleteOptions,
  type Completion,
  complete,
  maskOf,
  type Observation,
  observeCoarse,
  observeMasked,
  observePoints,
} from './complete/index.ts';
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
export { type Engine, type EngineName, type EngineOptions, listEngines, openEngine } from './engine/index.ts';
export { defaultQuality } from './field/at-quality.ts';
export type { ModelCard } from './field/card.ts';
export type { Channels, Family } from './field/kinds.ts';
export { type Model, readModel, writeModel } from './field/model.ts';
export type { Axis, Output, SampleType } from './field/outputs.ts';
export type { FieldSpec, GridLevel } from './field/spec.ts';
export { maxEffort, type OwnSize, ownSizeFor, publishedSizes, w0For } from './fit/index.ts';
export { type ImageChannels, type ImageFormat, readImage, writeImage } from './formats/image.ts';
export {
  contactSheet,
  npyChunks,
  pngChunks,
  readNpy,
  signalChunks,
  signalFromNpy,
  signalToNpy,
  writeNpy,
} from './formats/index.ts';
export {
  type Backup,
  backupFunctaset,
  compactFunctaset,
  type Functaset,
  type FunctasetStats,
  type Label,
  restoreFunctaset,
  type StoredFunction,
  upgradeFunctaset,
  type VerifyReport,
} from './functaset/index.ts';
export {
  type AdaptPriorOptions,
  type AdaptPriorResult,
  adaptPrior,
  type BuildOptions,
  type BuildResult,
  buildFunctaset,
  type CoinEncoded,
  type CoinOptions,
  type DataRef,
  type DistilPriorOptions,
  type DistilPriorResult,
  distilPrior,
  type EvalOptions,
  type EvalResult,
  evaluate,
  exportModulations,
  fitCoin,
  functionsOfSafetensors,
  type JobEvent,
  type ModulationsFormat,
  packFunctaset,
  type SetSamplingOptions,
  type SetSamplingResult,
  setSampling,
  shapeOfData,
  type TrainEncoderOptions,
  type TrainEncoderResult,
  type TrainModelOptions,
  type TrainPriorOptions,
  type TrainPriorResult,
  type TrainResult,
  trainEncoder,
  trainModel,
  trainPrior,
  unpackFunctaset,
} from './jobs/index.ts';
export {
  checkRecipe,
  type DataShape,
  presetRecipe,
  recipeNames,
  type System,
  type SystemOptions,
  systemRecipe,
  systems,
  type TrainingRecipe,
  withOverrides,
  withSteps,
} from './learn/index.ts';
export {
  type AddOptions,
  type Answer,
  type ClassifyOptions,
  classify,
  createFunctaset,
  type FunctasetSource,
  type NearOptions,
  type Neighbour,
  OpenFunctaset,
  openFunctaset,
  type PutFunction,
  readSignal,
} from './library/index.ts';
export {
  bundledModels,
  describePriors,
  type FindModelOptions,
  listModels,
  loadModel,
  type ModelEntry,
} from './models/index.ts';
export type { CheckedAnswer, QueryInput, QueryOptions, Row } from './query/index.ts';
export {
  type DecodeOptions,
  type Encoded,
  type EncodeManyOptions,
  type EncodeOneOptions,
  type EncodeOptions,
  type EncodeTarget,
  type Func,
  type FuncBytesOptions,
  type FuncDecodeOptions,
  type FuncKind,
  findModelOf,
  type Inspection,
  inspect,
  type MaxError,
  type ModulationOf,
  type OpenFuncOptions,
  openSession,
  type Sampled,
  type SampleOptions,
  type Session,
  type SessionOptions,
  type Spent,
  spentOn,
  type Verified,
  type VerifyOptions,
  verify,
} from './session/index.ts';
export {
  type Box,
  boxOf,
  collectRows,
  parseSize,
  type RowStream,
  type Rows,
  type Signal,
  type Size,
  signalRows,
} from './signal/index.ts';
