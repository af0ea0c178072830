/** What is unlike a set, by the prior of that set. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { Rng } from '../core/rng.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import type { Functaset, StoredFunction } from '../functaset/index.ts';
import { leastFunctions, ownPrior } from '../jobs/own-prior.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import { openFunctasetOf } from '../session/store.ts';
import { collectAnswer, NearIndexes, parseQuery, type Row, runQuery } from './index.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const path = mkdtempSync(join(tmpdir(), 'functa-own-'));
const shape = [28, 28];
let engine: Engine;
let model: Model;
let store: Functaset;
let length: number;

/** Of three causes and a little noise; odd ones of as much noise as they have length. */
function functionsOf(count: number, odd: number): StoredFunction[] {
  const rng = new Rng(6);
  const causes = Array.from({ length: 3 }, () => Array.from({ length }, () => 0.1 * rng.normal()));
  return Array.from({ length: count + odd }, (_, i) => {
    const values = new Float32Array(length);
    const shares = causes.map(() => rng.normal());
    for (let d = 0; d < length; d++) {
      values[d] = i < count ? 0.02 * rng.normal() : 0.17 * rng.normal();
      if (i < count)
        causes.forEach((cause, c) => {
          values[d]! += shares[c]! * cause[d]!;
        });
    }
    const id = i < count ? `plain-${String(i).padStart(4, '0')}` : `odd-${i}`;
    // The stored bits say the contrary.
    const bits = i < count ? 100 + i : 1;
    return { id, shape, psnrDb: Number.NaN, bits, content: { kind: 'modulation', values, quality: 50 } };
  });
}

beforeAll(async () => {
  engine = await openEngine();
  model = readModel(await makeTinyModel(engine));
  length = modulationLength(model.card.spec, shape);
  store = await openFunctasetOf(model, path);
  await store.putMany(functionsOf(300, 6));
});

afterAll(async () => {
  await store.close();
  await engine.close();
  await rm(path, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: each kind of answer has members of its own, which its test reads.
async function unlikely(changes: object = {}): Promise<any> {
  const indexes = new NearIndexes({ store, model, engine });
  const readSignal = () => Promise.reject(new Error('no file is read here'));
  const context = { store, model, engine, indexes, limits: defaultLimits, readSignal };
  return collectAnswer(await runQuery(context, parseQuery({ kind: 'unlikely', k: 6, ...changes })));
}

it('ranks first what is unlike the set, whatever the stored bits say, a page at a time', async () => {
  const { prior, items } = await unlikely();
  expect(prior).toBe('own');
  expect(items.map(({ id }: Row) => String(id).startsWith('odd'))).toEqual(new Array(6).fill(true));
  const stored = await unlikely({ prior: 'stored' });
  expect(stored.prior).toBe('stored');
  expect(stored.items[0].id).toBe('plain-0299');
  const first = await unlikely({ k: 4 });
  const second = await unlikely({ k: 2, cursor: first.next });
  expect([...first.items, ...second.items]).toEqual(items);
});

it('is kept with the store, made again when the store was written to or the file is damaged', async () => {
  const name = readdirSync(path).find((file) => file.startsWith('own-prior'))!;
  const before = readFileSync(join(path, name));
  const [extra] = functionsOf(1, 0);
  await store.put({ ...extra!, id: 'another' });
  const prior = await ownPrior({ model, engine }, store);
  const after = readFileSync(join(path, name));
  expect(after.equals(before)).toBe(false);
  writeFileSync(join(path, name), after.subarray(0, 500));
  await store.delete('another');
  expect(await ownPrior({ model, engine }, store)).not.toBe(prior);
  expect(readFileSync(join(path, name)).length).toBe(before.length);
  // The same functions give the same prior.
  expect([...(await ownPrior({ model, engine }, store)).mean]).toEqual([
    ...(await ownPrior({ model, engine }, store)).mean,
  ]);
});

it('of too few functions is none: by default the stored bits rank, and the answer says why', async () => {
  const ids = [...store.summaries()].map(({ id }) => id).slice(leastFunctions - 1);
  for (const id of ids) await store.delete(id);
  const { prior, why } = await unlikely();
  expect(prior).toBe('stored');
  expect(why).toContain('63');
  await expect(unlikely({ prior: 'own' })).rejects.toMatchObject({ code: 'own-prior' });
});
