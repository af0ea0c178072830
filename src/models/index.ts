/** Models: their files found and loaded, the priors in them and beside them. */
export { describePriors } from './abilities.ts';
export { modelSuffix } from './file-kind.ts';
export { type FindModelOptions, findModelWith, isCodedBy } from './find.ts';
export { likeliestModel } from './likeliest.ts';
export {
  bundledModels,
  findModel,
  listModels,
  loadModel,
  type ModelEntry,
  modelFilesIn,
} from './models.ts';
export { bestPrior, priorsOf } from './priors.ts';
export { isForSamples } from './purpose.ts';
