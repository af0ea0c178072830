/** What functions are, by a classifier of their model. */

import {
  asAdapted,
  type Guess,
  openClassifier,
  type PredictOptions,
  type Readable,
} from '../classify/index.ts';
import {
  aModel,
  aNumber,
  anAbortSignal,
  anEngine,
  anObject,
  aText,
  check,
  having,
  listOf,
  maybe,
} from '../core/check.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import type { Func } from '../session/func.ts';

export interface ClassifyOptions extends PredictOptions {
  readonly model: Model;
  readonly engine: Engine;
  /** A file made by `trainClassifier`. */
  readonly classifier: string;
}

/**
 * The likeliest labels of each function, likeliest first; of samples by what adapting to them finds. Throws as `openClassifier`; BadInputError `modulation` for functions of another
 * shape than the model's; AbortedError.
 *
 * @example
 * const [guesses] = await classify([await set.get(signal.id)], { model, engine, classifier });
 */
export async function classify(
  functions: readonly (Func | Readable)[],
  options: ClassifyOptions,
): Promise<Guess[][]> {
  check(
    'classify',
    listOf(anObject, 'functions')(functions, 'functions'),
    having({
      model: aModel,
      engine: anEngine,
      classifier: aText,
      top: maybe(aNumber),
      signal: maybe(anAbortSignal),
    })(options, 'options'),
  );
  const { model, engine, classifier, top, signal } = options;
  const readable: Readable[] = [];
  for (const fn of functions) readable.push('fitted' in fn ? await fn.fitted({ signal }) : fn);
  const modulations = await asAdapted(readable, { model, engine, signal });
  const asker = await openClassifier({ model, classifier, threads: engine.threads });
  try {
    return await asker.predict(modulations, { top, signal });
  } finally {
    asker.dispose();
  }
}
