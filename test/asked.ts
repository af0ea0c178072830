/** For tests: the functions of the bundled pictures by a tiny model, and their fields, which a test may compute with by hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultLimits } from '../src/core/limits.ts';
import { openEngine } from '../src/engine/index.ts';
import { coveringGrid } from '../src/field/coordinates.ts';
import { readModel } from '../src/field/model.ts';
import { openFunctaset } from '../src/functaset/index.ts';
import { buildFunctaset } from '../src/jobs/index.ts';
import { makeTinyModel } from '../src/jobs/testing.ts';
import { collectAnswer, NearIndexes, parseQuery, type QueryContext, runQuery } from '../src/query/index.ts';
import { type ModulatedFunction, modulated, openFunctions } from '../src/session/functions.ts';

export interface AskedPictures {
  /** Holds the store `shoes`, and what a test puts beside it. */
  readonly directory: string;
  readonly context: QueryContext;
  readonly functions: readonly ModulatedFunction[];
  /** Field values [28, 28] of each function. */
  readonly fields: readonly Float32Array[];
  // biome-ignore lint/suspicious/noExplicitAny: each kind of answer has members of its own, which its test reads.
  ask(query: unknown, changes?: Partial<QueryContext>): Promise<any>;
  close(): Promise<void>;
}

export async function askPictures(): Promise<AskedPictures> {
  const directory = await mkdtemp(join(tmpdir(), 'functa-query-'));
  const engine = await openEngine();
  const model = readModel(await makeTinyModel(engine));
  const path = join(directory, 'shoes');
  await buildFunctaset({ data: 'fixture-fashion', split: 'train', path, model, engine });
  const store = await openFunctaset(path, { readOnly: true });
  const readSignal = () => Promise.reject(new Error('no file is read here'));
  const indexes = new NearIndexes({ store, model, engine });
  const context = { store, model, engine, indexes, limits: defaultLimits, readSignal };
  const functions = await modulated(context, await openFunctions(context, store.iterate()));
  const fields: Float32Array[] = [];
  for (const { modulation } of functions)
    fields.push(await engine.evaluate(model.network, [28, 28], modulation, coveringGrid([28, 28])));
  return {
    ...{ directory, context, functions, fields },
    ask: async (query, changes = {}) =>
      collectAnswer(await runQuery({ ...context, ...changes }, parseQuery(query))),
    close: async () => {
      await store.close();
      await engine.close();
      await rm(directory, { recursive: true });
    },
  };
}
