/** What jobs take, for `check`. */
import {
  aFlag,
  aFunction,
  aLabel,
  aModel,
  aNumber,
  anAbortSignal,
  anEngine,
  anObject,
  aText,
  type Check,
  having,
  kind,
  listOf,
  maybe,
  numbers,
} from '../core/check.ts';
import { coding } from '../session/arguments.ts';

/** The name of a data set, or one of the caller's. */
export const aDataRef: Check = kind(
  'the name of a data set, or a data set as datasetOf and openDataset give it',
  (value) =>
    typeof value === 'string' ||
    (typeof value === 'object' && value !== null && 'get' in value && 'length' in value),
);

const all = (members: Readonly<Record<string, Check>>) =>
  Object.fromEntries(Object.entries(members).map(([name, inner]) => [name, maybe(inner)]));

const job = all({ onEvent: aFunction, signal: anAbortSignal, limits: anObject, limit: aNumber });
const reading = all({ split: aText, path: aText, cacheDir: aText });

export const optionsOfBuild = having({
  ...{
    ...job,
    ...reading,
    ...all(coding),
    ...all({ maxError: aLabel, strict: aFlag, resume: aFlag, onFlushed: aFunction }),
  },
  ...{ data: aDataRef, path: aText, model: aModel, engine: anEngine },
});

export const optionsOfEval = having({
  ...{ ...job, ...reading, ...all(coding), ...all({ qualities: numbers, peers: listOf(aText, 'peers') }) },
  ...{ data: aDataRef, model: aModel, engine: anEngine },
});

export const optionsOfTraining = having({
  ...{ ...job, ...reading, ...all({ validation: anObject, from: aModel, replace: aFlag, resume: aFlag }) },
  ...all({ licence: aText, notes: aText, commit: aText }),
  ...{
    engine: anEngine,
    recipe: having({ name: aText, spec: anObject, steps: aNumber }),
    data: aDataRef,
    out: aText,
  },
});

export const optionsOfPrior = having({
  ...{
    ...job,
    ...reading,
    ...all({ out: aText, replace: aFlag, kinds: listOf(aText, 'priors'), data: aDataRef }),
  },
  ...all({
    functaset: aText,
    effort: aNumber,
    qualities: numbers,
    codedOnly: aFlag,
    goOn: aFlag,
    parts: aFlag,
    turns: aNumber,
    steps: aNumber,
    width: aNumber,
    blocks: aNumber,
    batch: aNumber,
    noise: numbers,
  }),
  ...all({ seed: aNumber, threads: aNumber }),
  ...{ engine: anEngine, modelPath: aText },
});

export const optionsOfDistillation = having({
  ...{
    ...job,
    ...all({ out: aText, replace: aFlag, to: numbers, guidance: aNumber, paths: aNumber, steps: aNumber }),
    ...all({ seed: aNumber, threads: aNumber }),
  },
  modelPath: aText,
});

export const optionsOfAdaptedPrior = having({
  ...{
    ...job,
    ...all({ replace: aFlag, data: aDataRef, functaset: aText, quality: aNumber, effort: aNumber }),
    ...all({ limit: aNumber, cacheDir: aText, steps: aNumber, seed: aNumber, threads: aNumber }),
  },
  ...{ engine: anEngine, modelPath: aText, out: aText },
});

export const optionsOfEncoder = having({
  ...{ ...job, ...reading, ...all({ out: aText, replace: aFlag }) },
  ...{ engine: anEngine, modelPath: aText, data: aDataRef },
});

export const optionsOfCoin = having({
  ...{
    ...job,
    ...all({ size: having({ layers: aNumber, width: aNumber }), w0: aNumber, iterations: aNumber }),
  },
  ...all({ learningRate: aNumber, bits: aNumber, seed: aNumber, channels: aText }),
  engine: anEngine,
});
