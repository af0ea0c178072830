/** Completing signals from what is known of them. */

export {
  type CompleteOptions,
  type CompletingPrior,
  type Completion,
  complete,
  completingPriors,
  maxDraws,
} from './complete.ts';
export {
  maskOf,
  type Observation,
  observeCoarse,
  observeMasked,
  observePoints,
} from './observation.ts';
export { shownObservation, shownSignals, signalsOf } from './sheet.ts';
