/** Long jobs; what they need is loaded when one is started: LMDB, TensorFlow.js and the trainer are not small. */
import type { Pipeline } from './types.ts';

export const buildFunctaset: Pipeline['buildFunctaset'] = async (options) =>
  (await import('./build.ts')).buildFunctaset(options);

export const trainModel: Pipeline['trainModel'] = async (options) =>
  (await import('./train.ts')).trainModel(options);

export const trainPrior: Pipeline['trainPrior'] = async (options) =>
  (await import('./train-prior.ts')).trainPrior(options);

export const evaluate: Pipeline['evaluate'] = async (options) =>
  (await import('./evaluate.ts')).evaluate(options);
