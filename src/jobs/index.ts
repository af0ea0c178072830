/** Long work with progress: learning models and priors, building and packing functasets, evaluating. */
export { type CoinEncoded, type CoinOptions, defaultIterations, fitCoin } from './coin.ts';
export { firstForModel, shapeOfData } from './data.ts';
export { type DemoOptions, demoFunctasets } from './demo.ts';
export {
  adaptPrior,
  buildFunctaset,
  distilPrior,
  evaluate,
  trainEncoder,
  trainModel,
  trainPrior,
} from './jobs.ts';
export {
  type ExportedModulations,
  type ExportOptions,
  exportModulations,
  functionsOfModulations,
  functionsOfSafetensors,
  type ModulationsFormat,
  modulationFile,
  modulationsFormats,
  modulationsTypes,
  rowId,
} from './modulations-file.ts';
export {
  detailsPath,
  functionsOfArchive,
  type PackDetails,
  type Packed,
  packFunctaset,
  readPack,
  type Unpacked,
  unpackFunctaset,
} from './pack.ts';
export { type SetSamplingOptions, type SetSamplingResult, setSampling } from './set-sampling.ts';
export type * from './types.ts';
