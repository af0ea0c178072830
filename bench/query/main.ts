/**
 * Measures of queries: `retrieval`, `scale`, `evaluate`, `unlikely` and `fragments`. Each prints its setting.
 *
 *   npm run bench:query -- retrieval <store> <queries> [--n 500] [--model fashion-mnist]
 *   npm run bench:query -- scale <store> [--n 1000000] [--exact 200] [--queries 2000]
 *   npm run bench:query -- evaluate <store> [--n 1000] [--points 100] [--turns 50]
 *   npm run bench:query -- unlikely <store> [--odd TEXT]      odd are the functions whose ids contain the text
 *   npm run bench:query -- fragments <store> <data> [--n 20] [--share 0.3] [--seed 1]      of the test split, which the store is made of
 */
import { parseArgs } from 'node:util';
import { openEngine } from '../../src/engine/index.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { measureEvaluate } from './evaluate.ts';
import { measureFragments } from './fragments.ts';
import { measureRetrieval } from './retrieval.ts';
import { measureScale } from './scale.ts';
import { printSetting } from './setting.ts';
import { measureUnlikely } from './unlikely.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'fashion-mnist' },
    n: { type: 'string' },
    exact: { type: 'string', default: '200' },
    queries: { type: 'string', default: '2000' },
    points: { type: 'string', default: '100' },
    turns: { type: 'string', default: '50' },
    odd: { type: 'string', default: 'odd' },
    share: { type: 'string', default: '0.3' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
  },
});
const [what, path, other] = positionals;
const engine = await openEngine(undefined, { threads: Number(values.threads) });
const model = await loadModel(values.model);
const store = await openFunctaset(path ?? '', { readOnly: true });
const count = (fallback: number) => Number(values.n ?? fallback);
printSetting();
try {
  if (what === 'retrieval') {
    const queries = await openFunctaset(other ?? '', { readOnly: true });
    await measureRetrieval({ store, model, engine }, queries, count(500));
    await queries.close();
  } else if (what === 'scale') {
    const asked = { exact: Number(values.exact), queries: Number(values.queries) };
    await measureScale({ store, model, engine }, count(1_000_000), asked);
  } else if (what === 'evaluate') {
    const asked = { points: Number(values.points), turns: Number(values.turns) };
    await measureEvaluate({ store, model, engine }, count(1000), asked);
  } else if (what === 'unlikely') {
    await measureUnlikely({ store, model, engine }, values.odd);
  } else if (what === 'fragments') {
    const asked = { n: count(20), share: Number(values.share), seed: Number(values.seed) };
    await measureFragments({ store, model, engine }, other ?? '', asked);
  } else {
    console.error('say which: retrieval, scale, evaluate, unlikely or fragments');
    process.exitCode = 2;
  }
} finally {
  await store.close();
  await engine.close();
}
