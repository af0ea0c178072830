/** Top 10 of every metric against exact search in signal space: L2 between decoded fields, on all samples, unrounded. */

import { defaultLimits } from '../../src/core/limits.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import { pointCount } from '../../src/field/spec.ts';
import type { Functaset, StoredFunction } from '../../src/functaset/index.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../../src/query/index.ts';
import { embedFunctions } from '../../src/query/indexes.ts';
import { valuesAt } from '../../src/query/places.ts';
import { Vectors } from '../../src/query/vectors.ts';
import { type ModulatedFunction, modulated, openFunctions, openStored } from '../../src/session/functions.ts';
import { type Setting, timesText } from './setting.ts';

const k = 10;

export async function measureRetrieval(setting: Setting, queries: Functaset, n: number): Promise<void> {
  const { store, model, engine } = setting;
  const { shape } = model.card;
  const length = store.info.layout.length;
  const chosen: StoredFunction[] = [];
  const stride = Math.max(1, Math.floor(queries.count / n));
  let at = 0;
  for (const fn of queries.iterate()) if (at++ % stride === 0 && chosen.length < n) chosen.push(fn);
  const asked = await modulated(setting, await openFunctions(setting, chosen));

  const fields = new Vectors(store.count, pointCount(shape) * model.card.spec.outputs);
  const modulations = new Vectors(store.count, length);
  const ids: string[] = [];
  const points = () => coveringGrid(shape);
  for await (const opened of openStored(setting, store, {})) {
    const page = await modulated(setting, opened);
    for await (const { fn, values } of valuesAt({ engine, model }, page, points)) {
      fields.set(ids.length, values);
      modulations.set(ids.length, fn.modulation);
      ids.push(fn.id);
    }
  }
  const truth: Set<string>[] = [];
  const plain: Set<string>[] = [];
  for await (const { fn, values } of valuesAt({ engine, model }, asked, points)) {
    const named = (found: readonly { readonly row: number }[]) => new Set(found.map(({ row }) => ids[row]!));
    truth.push(named(await fields.exact(values, k)));
    plain.push(named(await modulations.exact(fn.modulation, k)));
  }
  report('plain distance of modulations', truth, plain);

  const indexes = new NearIndexes(setting);
  for (const metric of ['gram', 'values'] as const) {
    const started = performance.now();
    const index = await indexes.get(metric);
    console.log(
      `${metric}: index of ${index.ids.count} read or made in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    const found: Set<string>[] = [];
    for (const fn of asked) {
      const vector = await embedFunctions(index.embedding, setting, [fn], false, indexes.multiply);
      found.push(new Set((await index.vectors.exact(vector, k)).map(({ row }) => index.ids.at(row))));
    }
    report(`${metric}, ${index.embedding.dimensions} numbers`, truth, found);
    await asNear(setting, indexes, asked, truth, metric);
  }
}

/** As the query does it: candidates of the index, their fields compared. A query function is a signal of its own values. */
async function asNear(
  setting: Setting,
  indexes: NearIndexes,
  asked: readonly ModulatedFunction[],
  truth: readonly Set<string>[],
  metric: 'gram' | 'values',
): Promise<void> {
  const { model, engine } = setting;
  const { offset, scale } = model.card.outputs[0]!;
  const readSignal = () => Promise.reject(new Error('no file is read here'));
  const context = { ...setting, indexes, limits: defaultLimits, readSignal };
  const found: Set<string>[] = [];
  const times: number[] = [];
  for (const { shape, modulation } of asked) {
    const field = await engine.evaluate(model.network, shape, modulation, coveringGrid(shape));
    const signal = { shape: [...shape], values: Array.from(field, (v) => offset + scale * v) };
    const started = performance.now();
    const answer = await collectAnswer(
      await runQuery(context, parseQuery({ kind: 'near', signal, k, metric })),
    );
    times.push(performance.now() - started);
    found.push(new Set((answer.items as { id: string }[]).map(({ id }) => id)));
  }
  report(`${metric}, near with 64 candidates compared, by a signal`, truth, found);
  console.log(`  ${timesText(times)}`);
}

function report(name: string, truth: readonly Set<string>[], found: readonly Set<string>[]): void {
  const shares = truth.map((set, i) => [...set].filter((id) => found[i]!.has(id)).length / k);
  const mean = shares.reduce((sum, s) => sum + s, 0) / shares.length;
  const variance = shares.reduce((sum, s) => sum + (s - mean) ** 2, 0) / shares.length;
  const error = Math.sqrt(variance / shares.length);
  console.log(
    `${name}: top-${k} overlap ${(100 * mean).toFixed(1)} % +- ${(100 * error).toFixed(1)} (n ${shares.length})`,
  );
}
