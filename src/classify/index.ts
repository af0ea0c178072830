/** Classification of functions by their modulations. */
export {
  type Asker,
  type Evaluated,
  evaluateClassifier,
  type Guess,
  openClassifier,
  probeRecipes,
  type TrainClassifierOptions,
  type TrainedClassifier,
  trainClassifier,
} from './classifier.ts';
export { type ClassifierCard, loadClassifier, type ProbeKind, probeKinds } from './file.ts';
