/** Long jobs; what they need is loaded when one is started: LMDB, TensorFlow.js and the trainer are not small. */
import type { Jobs } from './types.ts';

export const buildFunctaset: Jobs['buildFunctaset'] = async (options) =>
  (await import('./build.ts')).buildFunctaset(options);

export const trainModel: Jobs['trainModel'] = async (options) =>
  (await import('./train.ts')).trainModel(options);

export const trainPrior: Jobs['trainPrior'] = async (options) =>
  (await import('./train-prior.ts')).trainPrior(options);

export const distilPrior: Jobs['distilPrior'] = async (options) =>
  (await import('./distil-prior.ts')).distilPrior(options);

export const evaluate: Jobs['evaluate'] = async (options) =>
  (await import('./evaluate.ts')).evaluate(options);

export const trainEncoder: Jobs['trainEncoder'] = async (options) =>
  (await import('./train-encoder.ts')).trainEncoder(options);

export const adaptPrior: Jobs['adaptPrior'] = async (options) =>
  (await import('./adapt-prior.ts')).adaptPrior(options);
