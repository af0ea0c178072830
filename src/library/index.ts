/** What programs do with all rooms at once: functasets with their models, signals from files, classification. */
export { type ClassifyOptions, classify } from './classify.ts';
export {
  type AddOptions,
  type Answer,
  createFunctaset,
  type FunctasetSource,
  type NearOptions,
  type Neighbour,
  OpenFunctaset,
  openFunctaset,
  type PutFunction,
} from './functaset.ts';
export { readSignal } from './read-signal.ts';
