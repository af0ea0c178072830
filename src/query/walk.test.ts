/** Walks through the pages of `near`, in a functaset in which many functions are equal. */

import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { Rng } from '../core/rng.ts';
import { openEngine } from '../engine/index.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { readModel } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import { openFunctasetOf } from '../session/store.ts';
import { collectAnswer, NearIndexes, parseQuery, type QueryContext, type Row, runQuery } from './index.ts';

const count = 307;
const path = mkdtempSync(join(tmpdir(), 'functa-walk-'));
let context: QueryContext;
/** Ids and distances from `item-300`, by hand. */
let truth: { id: string; distance: number; label: number }[];

/** Of each function: the mean of its field, in signal values. */
const means = new Map<string, number>();

const fieldOf = new Map<string, Float32Array>();

const idOf = (i: number) => `item-${String(i).padStart(3, '0')}`;

beforeAll(async () => {
  const engine = await openEngine();
  const model = readModel(await makeTinyModel(engine));
  const store = await openFunctasetOf(model, path);
  const shape = [28, 28];
  const length = modulationLength(model.card.spec, shape);
  const rng = new Rng(8);
  const different = Array.from({ length: 60 }, () =>
    Float32Array.from({ length }, () => 0.05 * rng.normal()),
  );
  // Of three hundred and seven functions 160 are zero, and 60 others come once, twice or thrice.
  const functions = Array.from({ length: count }, (_, i) => ({
    ...{ id: idOf(i), shape, label: i % 10, psnrDb: 20 + i / 10, bits: 1 },
    content: {
      kind: 'modulation' as const,
      values: i % 2 === 0 && i < 298 ? new Float32Array(length) : different[i % 60]!,
      quality: 50,
    },
  }));
  await store.putMany(functions);
  const indexes = new NearIndexes({ store, model, engine });
  const readSignal = () => Promise.reject(new Error('no file is read here'));
  context = { store, model, engine, indexes, limits: defaultLimits, readSignal };
  const fields: Float32Array[] = [];
  for (const { content } of store.iterate()) {
    if (content.kind !== 'modulation') throw new Error('modulations were put');
    fields.push(await engine.evaluate(model.network, shape, content.values, coveringGrid(shape)));
  }
  const query = fields[300]!;
  fields.forEach((field, i) => {
    fieldOf.set(idOf(i), field);
    means.set(idOf(i), 0.5 + field.reduce((sum, v) => sum + v, 0) / field.length);
  });
  truth = fields
    .map((field, i) => {
      const sum = field.reduce((total, v, p) => total + (v - query[p]!) ** 2, 0);
      return { id: idOf(i), label: i % 10, distance: model.card.outputs[0]!.scale * Math.sqrt(sum / 784) };
    })
    .filter(({ id }) => id !== idOf(300))
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
});

afterAll(async () => {
  await context.store.close();
  await context.engine.close();
  await rm(path, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: each kind of answer has members of its own, which its test reads.
async function ask(query: unknown): Promise<any> {
  return collectAnswer(await runQuery(context, parseQuery(query)));
}

async function walk(query: object, sizes: readonly number[]): Promise<{ items: Row[]; pages: number[] }> {
  const items: Row[] = [];
  const pages: number[] = [];
  for (let cursor: string | null = null, turn = 0; turn === 0 || cursor !== null; turn++) {
    const k = sizes[turn % sizes.length]!;
    const page = await ask({ ...query, k, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    pages.push(page.items.length);
    cursor = page.next;
    expect(turn).toBeLessThan(400);
  }
  return { items, pages };
}

const near = { kind: 'near', id: idOf(300) };
const idsOf = (items: readonly Row[]) => items.map(({ id }) => id);

describe('a walk through pages', () => {
  it.each([
    ['by default', {}, true],
    ['by the index alone', { refine: 0 }, true],
    ['comparing twenty at a time', { refine: 20 }, false],
    ['at a draw of samples', { points: 100 }, false],
    ['by modulations', { metric: 'gram' }, false],
    ['by modulations alone', { metric: 'gram', refine: 0 }, false],
    ['by a region', { region: { start: [14, 0], count: [14, 28] } }, false],
    ['by a graph', { method: 'hnsw' }, false],
    ['by a graph alone', { method: 'hnsw', refine: 0 }, false],
    ['by a graph of modulations', { method: 'hnsw', metric: 'gram' }, false],
  ])('comes to every function once, whatever the size of the pages: %s', async (_, changes, isExact) => {
    for (const sizes of [[10], [7, 50, 1], [1000]]) {
      const { items, pages } = await walk({ ...near, ...changes }, sizes);
      expect(new Set(idsOf(items)).size).toBe(items.length);
      expect(idsOf(items).sort()).toEqual(truth.map(({ id }) => id).sort());
      if (sizes.length === 1 && !('refine' in changes)) {
        for (const size of pages.slice(0, -1)) expect(size).toBe(Math.min(sizes[0]!, count - 1));
      }
      if (!isExact) continue;
      if (!('refine' in changes)) expect(idsOf(items)).toEqual(truth.map(({ id }) => id));
      items.forEach(({ distance }, i) => {
        expect(Number(distance)).toBeCloseTo(truth[i]!.distance, 4);
      });
    }
  });

  it('says what was compared', async () => {
    const page = await ask({ ...near, k: 5 });
    expect(page).toMatchObject({ method: 'exact', sampled: { points: 784, of: 784 }, searched: 307 });
    const some = await ask({ ...near, k: 5, points: 100 });
    expect(some.sampled).toEqual({ points: 100, of: 784 });
    const part = await ask({ ...near, k: 5, region: { start: [0, 0], count: [5, 4] }, points: 10 });
    expect(part.sampled).toEqual({ points: 10, of: 20 });
    expect(part.compared).toBeGreaterThan(5);
  });
});

describe('a filter', () => {
  it.each([
    ['by label', { labels: ['3'] }, (i: number) => i % 10 === 3],
    ['by PSNR', { psnrDb: { min: 30, max: 40 } }, (i: number) => i >= 100 && i <= 200],
    ['by ids', { ids: [idOf(5), idOf(8), idOf(7)] }, (i: number) => [5, 7, 8].includes(i)],
  ])('leaves k of what passes: %s', async (_, filter, passes) => {
    const wanted = truth.filter(({ id }) => passes(Number(id.slice(5))));
    for (const method of ['exact', 'hnsw']) {
      const { items, searched } = await ask({ ...near, k: 5, filter, method });
      expect(idsOf(items)).toEqual(wanted.slice(0, 5).map(({ id }) => id));
      expect(searched).toBe(wanted.length);
    }
    const part = { region: { start: [0, 0], count: [28, 14] } };
    expect((await ask({ ...near, ...part, k: 3, filter })).items).toHaveLength(3);
    const { items } = await walk({ ...near, filter }, [4]);
    expect(idsOf(items)).toEqual(wanted.map(({ id }) => id));
  });

  it('on the field is looked at in the order of distance', async () => {
    const middle = [...means.values()].sort((a, b) => a - b)[250]! + 1e-5;
    const field = [{ statistic: 'mean', above: middle }];
    const wanted = truth.filter(({ id }) => means.get(id)! > middle);
    expect(wanted.length).toBeGreaterThan(20);
    const { items, sampled } = await ask({ ...near, k: 20, filter: { field } });
    expect(idsOf(items)).toEqual(wanted.slice(0, 20).map(({ id }) => id));
    expect(sampled).toEqual({ points: 784, of: 784 });
  });
});

describe('a largest distance', () => {
  it.each([{}, { refine: 0 }, { method: 'hnsw' }, { metric: 'gram' }])(
    'ends the answer: %j',
    async (changes) => {
      const middle = truth[40]!.distance + 1e-6;
      const wanted = truth.filter(({ distance }) => distance <= middle);
      const { items } = await walk({ ...near, ...changes, maxDistance: middle }, [15]);
      expect(idsOf(items).sort()).toEqual(wanted.map(({ id }) => id).sort());
      expect((await ask({ ...near, ...changes, maxDistance: 0, k: 1000 })).items.length).toBeLessThan(3);
    },
  );
});

describe('duplicates', () => {
  it.each([0, 0.02, 0.06])(
    'of a whole functaset within %d: those that stay have no other near',
    async (maxDistance) => {
      const { items } = await walkOf({ kind: 'duplicates', maxDistance }, [40]);
      const gone = new Map(
        items.map(({ id, of, distance }) => [String(id), { of: String(of), distance: Number(distance) }]),
      );
      expect(gone.size).toBe(items.length);
      expect(items.length).toBeGreaterThan(200);
      const stay = [...fieldOf.keys()].filter((id) => !gone.has(id));
      for (const [id, { of, distance }] of gone) {
        expect(stay).toContain(of);
        expect(distance).toBeLessThanOrEqual(maxDistance);
        expect(distance).toBeCloseTo(between(id, of), 6);
      }
      for (const [i, id] of stay.entries()) {
        for (const other of stay.slice(i + 1)) expect(between(id, other)).toBeGreaterThan(maxDistance);
      }
    },
  );

  it('within a filter', async () => {
    const { items, searched } = await ask({ kind: 'duplicates', maxDistance: 0, filter: { labels: [3] } });
    expect(searched).toBe(31);
    for (const { id, of } of items)
      expect([id, of].map((name) => Number(name.slice(5)) % 10)).toEqual([3, 3]);
  });
});

async function walkOf(query: object, limits: readonly number[]): Promise<{ items: Row[] }> {
  const items: Row[] = [];
  for (let cursor: string | null = null, turn = 0; turn === 0 || cursor !== null; turn++) {
    const limit = limits[turn % limits.length]!;
    const page = await ask({ ...query, limit, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.next;
  }
  return { items };
}

function between(a: string, b: string): number {
  const [one, other] = [fieldOf.get(a)!, fieldOf.get(b)!];
  const sum = one.reduce((total, v, p) => total + (v - other[p]!) ** 2, 0);
  return context.model.card.outputs[0]!.scale * Math.sqrt(sum / one.length);
}
