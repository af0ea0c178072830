/** Classification of functions by their modulations. */
export { asAdapted, type Readable } from './adapted.ts';
export {
  type Evaluated,
  evaluateClassifier,
  type Guess,
  type Guesser,
  openClassifier,
  type PredictOptions,
} from './ask.ts';
export { classifierCardOf, classifierPath, openClassifierOf } from './beside.ts';
export { type ClassifierCard, loadClassifier, type ProbeKind, probeKinds } from './file.ts';
export {
  probeRecipes,
  type TrainClassifierOptions,
  type TrainedClassifier,
  trainClassifier,
} from './train.ts';
