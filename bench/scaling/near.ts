/**
 * How long `near` takes over functions in four shards, and whether it finds what a comparison with every function finds. The functions are
 * synthetic: modulations of real ones, and noise along each number of them. The shards are asked one after another in this process: told are
 * the slowest of the four and what putting them together takes, which is what machines of their own give without the network between them.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultLimits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { distanceUnit } from '../../src/field/outputs.ts';
import { openFunctaset, type StoredFunction } from '../../src/functaset/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { gridOf } from '../../src/query/embedding.ts';
import {
  type AskParts,
  collectAnswer,
  mergeParts,
  NearIndexes,
  parseQuery,
  type QueryContext,
  runQuery,
} from '../../src/query/index.ts';
import { groupsOf, pointsOf, valuesAt, valuesOf } from '../../src/query/places.ts';
import { modulated, openFunctions } from '../../src/session/functions.ts';
import { timesText } from '../query/setting.ts';
import { demoFunctions, setting } from './setting.ts';

const shards = 4;
const k = 10;
/** Deviation of the noise, over that of the real modulations along a number. */
const noise = 0.25;
const perCall = 2000;

export async function measureNear(
  total: number,
  asked: { readonly queries: number; readonly truth: number; readonly method: string },
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-near-'));
  const engine = await openEngine(undefined, { threads: 1 });
  const model = await loadModel('fashion-mnist');
  const seconds = since();
  const { network, functions } = await demoFunctions(join(directory, 'demo'));
  const real = await modulated({ model, engine }, await openFunctions({ model, engine }, functions));
  const parts: QueryContext[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const store = await openFunctaset(join(directory, `${shard}`), { network });
    const indexes = new NearIndexes({ store, model, engine });
    const readSignal = () => Promise.reject(new Error('no file is read here'));
    parts.push({ store, model, engine, indexes, limits: defaultLimits, readSignal });
  }
  try {
    const draw = drawer(real.map(({ modulation }) => modulation));
    const { shape } = model.card;
    for (let from = 0; from < total; from += perCall) {
      const lots = parts.map((): StoredFunction[] => []);
      for (let i = from; i < Math.min(total, from + perCall); i++) {
        const id = `f${String(i).padStart(9, '0')}`;
        const content = { kind: 'modulation', values: draw(), quality: 50 } as const;
        lots[shardOf(id)]!.push({ id, shape, psnrDb: 30, bits: 800, content });
      }
      for (const [shard, lot] of lots.entries()) await parts[shard]!.store.putMany(lot);
    }
    console.log(
      `${total} functions around ${real.length} real ones, noise ${noise}, in ${shards} shards: ${seconds()} s`,
    );
    for (const { indexes } of parts) await indexes.get('values');
    console.log(`indexes made: ${seconds()} s`);
    const { method } = asked;
    if (method === 'hnsw')
      for (const { indexes } of parts) await indexes.link('values', await indexes.get('values'));
    const rng = new Rng(1);
    const ids = Array.from(
      { length: asked.queries },
      () => `f${String(Math.floor(rng.uniform() * total)).padStart(9, '0')}`,
    );
    const [slowest, together, all]: [number[], number[], number[]] = [[], [], []];
    let compared = 0;
    const methods = new Set<unknown>();
    const answers: { readonly id: string; readonly found: readonly string[] }[] = [];
    for (const [turn, id] of [ids[0]!, ...ids].entries()) {
      const named = parts[shardOf(id)]!.store.get(id)!;
      const times: number[] = [];
      const ask: AskParts = async ({ request, shown }) => {
        const found = [];
        for (const context of parts) {
          const began = performance.now();
          const answer = await collectAnswer(await runQuery({ ...context, part: { named, shown } }, request));
          times.push(performance.now() - began);
          found.push(JSON.parse(JSON.stringify(answer)));
        }
        return found;
      };
      const began = performance.now();
      const answer = await mergeParts(parseQuery({ kind: 'near', id, k, method }), ask);
      const whole = performance.now() - began;
      // the first one opens what the others have open
      if (turn === 0) continue;
      methods.add(answer.method);
      all.push(whole);
      compared += answer.compared as number;
      slowest.push(Math.max(...times));
      together.push(whole - times.reduce((sum, ms) => sum + ms, 0));
      answers.push({ id, found: (answer.items as { id: string }[]).map((item) => item.id) });
    }
    console.log(
      `near, k ${k}, method ${[...methods].join()}: slowest shard ${timesText(slowest)}; ${compared / asked.queries} functions compared in all four`,
    );
    console.log(`putting together ${timesText(together)}; four shards one after another ${timesText(all)}`);
    console.log(`asked: ${seconds()} s`);
    const recall = await recallOf(parts, answers.slice(0, asked.truth));
    console.log(
      `recall at ${k} against all ${total} compared point by point: ${(100 * recall).toFixed(1)} % (n ${asked.truth}); ${seconds()} s; ${setting()}`,
    );
  } finally {
    for (const { store } of parts) await store.close();
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Every function of every shard, compared with each of some. */
async function recallOf(
  parts: readonly QueryContext[],
  answers: readonly { readonly id: string; readonly found: readonly string[] }[],
): Promise<number> {
  const { model, engine } = parts[0]!;
  const source = { model, engine };
  const points = pointsOf(gridOf(model.card.shape));
  const unit = distanceUnit(model.card.outputs);
  const targets: Float32Array[] = [];
  for (const { id } of answers) {
    const [fn] = await openFunctions(source, [parts[shardOf(id)]!.store.get(id)!]);
    targets.push(await valuesOf(source, fn!, points));
  }
  const nearest = answers.map((): { id: string; distance: number }[] => []);
  for (const { store } of parts) {
    for (const page of groupsOf(store.iterate(), 512)) {
      for await (const { fn, values } of valuesAt(source, await openFunctions(source, page), points)) {
        for (const [q, target] of targets.entries()) {
          if (fn.id === answers[q]!.id) continue;
          let sum = 0;
          for (let i = 0; i < values.length; i++) sum += (values[i]! - target[i]!) ** 2;
          const distance = unit * Math.sqrt(sum / values.length);
          const best = nearest[q]!;
          if (best.length === k && distance >= best[k - 1]!.distance) continue;
          best.push({ id: fn.id, distance });
          best.sort((a, b) => a.distance - b.distance);
          best.length = Math.min(k, best.length);
        }
      }
    }
  }
  const hits = answers.reduce(
    (sum, { found }, q) => sum + nearest[q]!.filter(({ id }) => found.includes(id)).length,
    0,
  );
  return hits / (k * answers.length);
}

function drawer(real: readonly Float32Array[]): () => Float32Array {
  const length = real[0]!.length;
  const deviations = Float64Array.from({ length }, (_, i) => {
    const mean = real.reduce((sum, row) => sum + row[i]!, 0) / real.length;
    return noise * Math.sqrt(real.reduce((sum, row) => sum + (row[i]! - mean) ** 2, 0) / real.length);
  });
  const rng = new Rng(0);
  const table = Float32Array.from({ length: 2 ** 18 }, () => rng.normal());
  return () => {
    const from = real[Math.floor(rng.uniform() * real.length)]!;
    const at = Math.floor(rng.uniform() * (table.length - length));
    return from.map((v, i) => v + deviations[i]! * table[at + i]!);
  };
}

function shardOf(id: string): number {
  return createHash('sha256').update(id).digest()[0]! % shards;
}

function since(): () => string {
  const began = performance.now();
  return () => ((performance.now() - began) / 1000).toFixed(0);
}
