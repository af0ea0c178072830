/** How many of the functions that are known to be odd stand first among the unlikely ones, by each prior. */

import { kindsThat } from '../../prior/kinds.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { samplersOf } from '../../src/models/generative.ts';
import {
  collectAnswer,
  NearIndexes,
  parseQuery,
  type QueryContext,
  type Row,
  runQuery,
} from '../../src/query/index.ts';

/** Odd are the functions whose ids contain `odd`. */
export async function measureUnlikely(
  { store, model, engine }: Pick<QueryContext, 'store' | 'model' | 'engine'>,
  odd: string,
): Promise<void> {
  const indexes = new NearIndexes({ store, model, engine });
  const readSignal = () => Promise.reject(new Error('no signal is read here'));
  const context = { store, model, engine, indexes, limits: defaultLimits, readSignal };
  const isOdd = ({ id }: Row) => String(id).includes(odd);
  const n = [...store.summaries()].filter(({ id }) => id.includes(odd)).length;
  const there = await samplersOf(model);
  const scoring = kindsThat('score').filter((kind) => there.includes(kind));
  console.log(`${n} of ${store.count} functions are odd; of the first ${n}, by each prior:`);
  for (const prior of ['own', 'stored', ...scoring]) {
    const started = performance.now();
    const answer = await collectAnswer(
      await runQuery(context, parseQuery({ kind: 'unlikely', k: n, prior })),
    );
    const items = answer.items as Row[];
    const firstPlain = items.findIndex((item) => !isOdd(item));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `${prior}: ${items.filter(isOdd).length} odd, the first ${firstPlain < 0 ? n : firstPlain} of them before any other; ${seconds} s`,
    );
  }
}
