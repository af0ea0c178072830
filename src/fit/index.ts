/** From a signal to a modulation and to symbols: the inner loop, and the searches beyond it. */
export {
  type AdaptedBatch,
  type AdaptOptions,
  adaptBatch,
  adaptSignal,
  rateTerm,
  type Trade,
} from './adapt.ts';
export { batchOf, type Mass, makeBatch, massOf, sliceBatch, toFieldUnits } from './batch.ts';
export { maxEffort } from './effort.ts';
export { loneNats } from './lone.ts';
export {
  fitOwnNetwork,
  learningRateOf,
  lossAndGradient,
  type OwnFitOptions,
  type OwnNetwork,
  type OwnSize,
  ownSizeFor,
  publishedSizes,
  w0For,
  weightsOfSize,
} from './own-network.ts';
export { quantiseOwnNetwork, type StepCoding, type SteppedNetwork } from './own-steps.ts';
export type { Price, PricedSymbols } from './pricing.ts';
export { logisticNats } from './rate.ts';
export { type RateTerm, type Refined, type RefineOptions, refineBatch } from './refine.ts';
export { type Rounded, type RoundOptions, roundBatch } from './round.ts';
export { gramDiagonal, startRates } from './start-rates.ts';
