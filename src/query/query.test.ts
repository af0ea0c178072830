/** Queries on the functions of the bundled pictures, with a tiny model, against what a reader would compute by hand. */
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AskedPictures, askPictures } from '../../test/asked.ts';
import { Rng } from '../core/rng.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { modulationLength } from '../field/spec.ts';
import { openFunctaset, stampOf } from '../functaset/index.ts';
import { damageRecord } from '../functaset/testing.ts';
import { trainPrior } from '../jobs/index.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import { loadModel } from '../models/index.ts';
import { openFunctasetOf } from '../session/store.ts';
import { collectAnswer, NearIndexes, parseQuery, type QueryContext, type Row, runQuery } from './index.ts';
import { readIndex, writeIndex } from './index-file.ts';

let pictures: AskedPictures;
let directory: string;
let context: QueryContext;
let functions: AskedPictures['functions'];
let fields: AskedPictures['fields'];
let ask: AskedPictures['ask'];

beforeAll(async () => {
  pictures = await askPictures();
  ({ directory, context, functions, fields, ask } = pictures);
});

afterAll(() => pictures.close());

const idsOf = (items: readonly Row[]) => items.map(({ id }) => id);

/** Ids by distance of fields over some samples, nearest first, the query itself left out. */
function truth(query: number, samples: readonly number[]): string[] {
  const distance = (i: number) =>
    samples.reduce((sum, p) => sum + (fields[i]![p]! - fields[query]![p]!) ** 2, 0);
  return functions
    .map((fn, i) => ({ id: fn.id, d: distance(i) }))
    .filter(({ id }) => id !== functions[query]!.id)
    .sort((a, b) => a.d - b.d)
    .map(({ id }) => id);
}

const everywhere = Array.from({ length: 784 }, (_, p) => p);
const lowerHalf = everywhere.filter((p) => p >= 392);

describe('near', () => {
  it.each(['values', 'gram'])(
    'ranks as the distance between signals does, in the metric %s',
    async (metric) => {
      for (const query of [0, 7, 19]) {
        const { items, method } = await ask({ kind: 'near', id: functions[query]!.id, k: 5, metric });
        expect(method).toBe('exact');
        expect(idsOf(items)).toEqual(truth(query, everywhere).slice(0, 5));
      }
    },
  );

  it('finds a function by its own picture and says that it is near', async () => {
    const values = Array.from(fields[4]!, (v) => 0.5 + v);
    const { items } = await ask({ kind: 'near', signal: { shape: [28, 28], values }, k: 1 });
    expect(idsOf(items)).toEqual([functions[4]!.id]);
  });

  it('finds a function by half of its picture: missing values, a mask, or a region', async () => {
    const values = Array.from(fields[4]!, (v) => 0.5 + v);
    const shape = [28, 28];
    const holes = { shape, values: values.map((v, p) => (p >= 392 ? v : null)) };
    const mask = everywhere.map((p) => Number(p >= 392));
    const region = { start: [14, 0], count: [14, 28] };
    for (const query of [
      { signal: holes },
      { signal: { shape, values }, mask },
      { signal: { shape, values }, region },
    ]) {
      const { items } = await ask({ kind: 'near', k: 3, ...query });
      expect(idsOf(items)).toEqual([functions[4]!.id, ...truth(4, lowerHalf).slice(0, 2)]);
      expect(items[0].distance).toBeLessThan(1e-5);
    }
  });

  it('finds what looks alike in a region', async () => {
    const region = { start: [14, 0], count: [14, 28] };
    const { items } = await ask({ kind: 'similar_region', id: functions[7]!.id, region, k: 4 });
    expect(idsOf(items)).toEqual(truth(7, lowerHalf).slice(0, 4));
  });

  it.each([
    ['by id', {}, everywhere],
    ['by id, by the index alone', { refine: 0 }, everywhere],
    ['by id, by modulations alone', { refine: 0, metric: 'gram' }, undefined],
    ['by id, in a graph', { method: 'hnsw' }, everywhere],
    ['by a region', { region: { start: [14, 0], count: [14, 28] } }, lowerHalf],
    ['by a region in words', { region: 'y=14:28' }, lowerHalf],
    ['similar', { kind: 'similar_region', region: { start: [14, 0], count: [14, 28] } }, lowerHalf],
    ['similar, in words', { kind: 'similar_region', region: 'x=0:28,y=14:' }, lowerHalf],
  ])('comes to all others once, a page at a time: %s', async (_, changes, samples) => {
    const query = { kind: 'near', id: functions[7]!.id, k: 10, ...changes };
    const found: Row[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const page = await ask({ ...query, ...(cursor === null ? {} : { cursor }) });
      sizes.push(page.items.length);
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    expect(sizes).toEqual([10, 10, 10, 10, 7]);
    const distances = found.map(({ distance }) => Number(distance));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(new Set(idsOf(found)).size).toBe(functions.length - 1);
    if (samples !== undefined && !('refine' in changes)) expect(idsOf(found)).toEqual(truth(7, samples));
  });

  it('finds by a graph what it finds by looking at all', async () => {
    const query = { kind: 'near', id: functions[3]!.id, k: 3 };
    const found = await ask({ ...query, method: 'hnsw' });
    expect(found.method).toBe('hnsw');
    expect(found.items).toEqual((await ask(query)).items);
  });
});

describe('an index', () => {
  it('is made for as long as anyone waits for it', async () => {
    const { store, model, engine } = context;
    const path = join(store.path, 'near-values.index');
    const gone = () => {
      const leaving = new AbortController();
      return { signal: leaving.signal, leave: () => leaving.abort() };
    };
    await rm(path, { force: true });
    const alone = gone();
    const indexes = new NearIndexes({ store, model, engine });
    const left = expect(indexes.get('values', alone)).rejects.toMatchObject({ code: 'aborted' });
    alone.leave();
    await left;
    // Nobody waits: it is not finished behind their backs.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(readIndex(path, stampOf(store))).toBeUndefined();
    const [first, second] = [gone(), gone()];
    const leaving = expect(indexes.get('values', first)).rejects.toMatchObject({ code: 'aborted' });
    const staying = indexes.get('values', second);
    first.leave();
    await leaving;
    expect((await staying).ids.count).toBe(store.count);
  });

  it('is made again when the store was written to, when it is damaged, and when it is of another store', async () => {
    const { store, model, engine } = context;
    const path = join(store.path, 'near-values.index');
    const before = stampOf(store);
    const writer = await openFunctaset(store.path, {});
    const extra = { ...store.get(functions[4]!.id)!, id: 'zz-copy' };
    await writer.put(extra);
    const { items } = await ask({ kind: 'near', id: functions[4]!.id, k: 1 });
    expect(idsOf(items)).toEqual(['zz-copy']);
    await writer.delete('zz-copy');
    await writer.close();
    expect(stampOf(store)).not.toBe(before);

    const damages = [
      () => truncate(path, 5000),
      () => writeFile(path, 'functaNX and no more'),
      async () => {
        const { sha256: _, ...parts } = readIndex(path, stampOf(store))!;
        writeIndex(path, { ...parts, stamp: 'of another store' });
      },
      async () => {
        const { sha256: _, ...parts } = readIndex(path, stampOf(store))!;
        parts.vectors.row(3)[1] = Number.NaN;
        writeIndex(path, parts);
      },
    ];
    for (const damage of damages) {
      const indexes = new NearIndexes({ store, model, engine });
      await ask({ kind: 'near', id: functions[0]!.id, k: 3 }, { indexes });
      await damage();
      const again = { indexes: new NearIndexes({ store, model, engine }) };
      const found = await ask({ kind: 'near', id: functions[0]!.id, k: 3 }, again);
      expect(idsOf(found.items)).toEqual(truth(0, everywhere).slice(0, 3));
      expect(readIndex(path, stampOf(store))).toBeDefined();
    }
    rmSync(path);
  });
});

describe('a graph that would not find what is in it', () => {
  it('is not looked for again, and all is looked at', async () => {
    const { store, model, engine } = context;
    const query = { kind: 'near', id: functions[3]!.id, k: 3, method: 'hnsw' };
    const indexes = () => ({ indexes: new NearIndexes({ store, model, engine }) });
    const before = await ask(query, indexes());
    expect(before.method).toBe('hnsw');
    const { sha256 } = readIndex(join(store.path, 'near-values.index'), stampOf(store))!;
    const name = `near-values.${sha256.slice(0, 16)}.refused.graph`;
    for (const other of readdirSync(store.path).filter((file) => file.endsWith('.graph'))) {
      rmSync(join(store.path, other));
    }
    await writeFile(join(store.path, name), '');
    const after = await ask(query, indexes());
    expect(after.method).toBe('exact');
    expect(after.items).toEqual(before.items);
    rmSync(join(store.path, name));
  });
});

describe('evaluate, aggregate, where and unlikely', () => {
  it('evaluates at samples what decoding gives, and derivatives that lead from one to the next', async () => {
    const filter = { ids: [functions[2]!.id] };
    const step = 1e-3;
    const coordinates = [
      [10.5, 12.5],
      [10.5 + step, 12.5],
    ];
    const { items } = await ask({ kind: 'evaluate', filter, coordinates, derivatives: true });
    const [{ values, derivatives }] = items;
    expect(values[0][0]).toBeCloseTo(0.5 + fields[2]![10 * 28 + 12]!, 4);
    expect(derivatives[0][0][0]).toBeCloseTo((values[1][0] - values[0][0]) / step, 2);
    const plain = await ask({ kind: 'evaluate', filter, coordinates });
    expect(plain.items[0].values[0][0]).toBeCloseTo(values[0][0], 4);
  });

  it('aggregates the fields of a set', async () => {
    const region = { start: [14, 0], count: [14, 28] };
    const { items, functions: n, integral } = await ask({ kind: 'aggregate', region });
    expect(n).toBe(functions.length);
    const at = 300;
    const own = fields.map((field) => 0.5 + field[at]!);
    const mean = own.reduce((sum, v) => sum + v, 0) / n;
    const [means, variances, mins, maxs] = items;
    expect(means.values[at]).toBeCloseTo(mean, 4);
    expect(variances.values[at]).toBeCloseTo(own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n, 4);
    expect(mins.values[at]).toBeCloseTo(Math.min(...own), 4);
    expect(maxs.values[at]).toBeCloseTo(Math.max(...own), 4);
    const sums = fields.map((field) => lowerHalf.reduce((sum, p) => sum + 0.5 + field[p]!, 0));
    expect(integral.mean[0]).toBeCloseTo(sums.reduce((a, b) => a + b, 0) / n, 2);
  });

  it('pages through the functions that pass conditions on facts and on the field', async () => {
    const mean = (i: number) => lowerHalf.reduce((sum, p) => sum + 0.5 + fields[i]![p]!, 0) / 392;
    const middle = [...fields.keys()].map(mean).sort((a, b) => a - b)[Math.floor(fields.length / 2)]!;
    const region = { start: [14, 0], count: [14, 28] };
    const filter = { bits: { min: 1 }, field: [{ statistic: 'mean', region, above: middle + 1e-6 }] };
    const found: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask({ kind: 'where', filter, limit: 5, cursor });
      expect(page.items.length).toBeLessThanOrEqual(5);
      found.push(...idsOf(page.items));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    expect(found).toEqual(functions.filter((_, i) => mean(i) > middle + 1e-6).map(({ id }) => id));
  });

  it('reads of some labels what their index names, in order of ids, and nothing else', async () => {
    const wanted = [...new Set(functions.map(({ label }) => label!))].slice(0, 3);
    const store = new Proxy(context.store, {
      get(of, name) {
        if (name === 'iterate') throw new Error('all are read');
        const value = Reflect.get(of, name);
        if (name !== 'summaries') return typeof value === 'function' ? value.bind(of) : value;
        return (range: { label?: unknown }) => {
          if (range.label === undefined) throw new Error('all are looked at');
          return of.summaries(range as Parameters<typeof of.summaries>[0]);
        };
      },
    });
    const field = [{ statistic: 'max', above: 0.2 }];
    for (const labels of [wanted.slice(0, 1), wanted, [...wanted, String(wanted[0])]]) {
      const own = functions.filter(({ label }) => labels.includes(label!)).map(({ id }) => id);
      expect(own.length).toBeGreaterThan(1);
      const facts = await ask({ kind: 'where', filter: { labels }, limit: 100 }, { store });
      expect(idsOf(facts.items)).toEqual(own);
      const seen = await ask({ kind: 'where', filter: { labels, field }, limit: 100 }, { store });
      const all = await ask({ kind: 'where', filter: { field }, limit: 100 });
      expect(idsOf(seen.items)).toEqual(idsOf(all.items).filter((id) => own.includes(id as string)));
    }
  });

  it('sums up all samples of a large signal, whatever its shape, and says which', async () => {
    const { model, engine } = context;
    const path = join(directory, 'large');
    const store = await openFunctasetOf(model, path);
    const shape = [64, 64];
    const rng = new Rng(4);
    const length = modulationLength(model.card.spec, shape);
    const values = Float32Array.from({ length }, () => 0.3 * rng.normal());
    const facts = { id: 'large', shape, psnrDb: Number.NaN, bits: 1 };
    await store.put({ ...facts, content: { kind: 'modulation', values, quality: 50 } });
    const indexes = new NearIndexes({ store, model, engine });
    const kept = store.get('large')!.content;
    if (kept.kind !== 'modulation') throw new Error('a modulation was put');
    const field = await engine.evaluate(model.network, shape, kept.values, coveringGrid(shape));
    const most = 0.5 + field.reduce((max, v) => Math.max(max, v), -Infinity);
    const where = (changes: object) =>
      ask({ kind: 'where', filter: { field: [{ statistic: 'max', ...changes }] } }, { store, indexes });
    const found = await where({ above: most - 1e-5 });
    expect(idsOf(found.items)).toEqual(['large']);
    expect(found.items[0].sampled).toEqual({ points: 4096, of: 4096 });
    expect(found.sampled).toEqual({ points: 784, of: 784 });
    expect((await where({ above: most + 1e-5 })).items).toEqual([]);
    const fewer = await where({ above: -1000, points: 100 });
    expect(fewer.items[0].sampled).toEqual({ points: 100, of: 4096 });
    expect(fewer.sampled).toEqual({ points: 100, of: 784 });
    const region = { start: [0, 0], count: [28, 14] };
    const { integral } = await ask({ kind: 'aggregate', region, points: 50 }, { store, indexes });
    expect(integral.sampled).toEqual({ points: 50, of: 392 });
    await store.close();
  });

  it('ranks outliers first, by stored bits or by a prior', async () => {
    const { items, next } = await ask({ kind: 'unlikely', k: 4 });
    const ranked = [...functions].sort((a, b) => b.bits - a.bits).map(({ id }) => id);
    expect(idsOf(items)).toEqual(ranked.slice(0, 4));
    expect(idsOf((await ask({ kind: 'unlikely', k: 4, cursor: next })).items)).toEqual(ranked.slice(4, 8));
    const again = await ask({ kind: 'unlikely', k: 3, prior: 'histogram' });
    expect(again.items[0].bits).toBeGreaterThanOrEqual(again.items[1].bits);
  });
});

describe('unlikely, by the density of a prior beside the model', () => {
  it('ranks by its bits, and names the priors that have some where one has none', async () => {
    const modelPath = join(directory, 'tiny.safetensors');
    await writeFile(modelPath, await makeTinyModel(context.engine));
    const { store, engine } = context;
    await trainPrior({ modelPath, kinds: ['gaussian'], functaset: store.path, engine });
    const model = await loadModel(modelPath);
    const query = { kind: 'unlikely', k: 1000, prior: 'gaussian' };
    const { items } = await ask(query, { model });
    expect(items).toHaveLength(functions.length);
    const bits = items.map((item: Row) => Number(item.bits));
    expect(bits).toEqual([...bits].sort((a, b) => b - a));
    expect((await ask(query, { model })).items).toEqual(items);
    await expect(ask({ ...query, prior: 'diffusion' }, { model })).rejects.toMatchObject({
      code: 'prior-cannot',
      message: expect.stringContaining('factorized, histogram, gaussian'),
    });
  });
});

describe('a query that cannot be answered', () => {
  const one = { kind: 'near', k: 3 };
  const shape = [28, 28];
  const values = new Array(784).fill(0.5);
  it.each([
    ['k of 0', { ...one, id: 'x', k: 0 }, 'bad-query'],
    ['k of a million', { ...one, id: 'x', k: 1e6 }, 'bad-query'],
    ['a kind that is none', { kind: 'far' }, 'bad-query'],
    ['an unknown id', { ...one, id: 'nobody' }, 'unknown-function'],
    ['neither id nor signal', one, 'bad-query'],
    ['a mask of another shape', { ...one, signal: { shape, values }, mask: [1, 0] }, 'mask-shape'],
    [
      'no observed point',
      { ...one, signal: { shape, values: values.map(() => null) } },
      'no-observed-points',
    ],
    ['too few values', { ...one, signal: { shape, values: [1, 2] } }, 'signal-length'],
    [
      'a region outside',
      { ...one, id: 'fixture-fashion/train/00000', region: { start: [20, 0], count: [10, 28] } },
      'bad-region',
    ],
    ['coordinates of other axes', { kind: 'evaluate', coordinates: [[1]] }, 'bad-coordinates'],
    ['a prior that is none', { kind: 'unlikely', prior: 'oracle' }, 'unknown-prior'],
    ['a prior that the model has not', { kind: 'unlikely', prior: 'autoregressive' }, 'no-prior'],
    ['a prior that cannot', { kind: 'unlikely', prior: 'diffusion' }, 'prior-cannot'],
    ['a size of other axes', { kind: 'aggregate', size: [28] }, 'bad-size'],
    ['a size that is none', { kind: 'aggregate', size: 'large' }, 'bad-size'],
    ['a cursor that is none', { ...one, id: 'fixture-fashion/train/00000', cursor: 'x' }, 'bad-cursor'],
    ['a cursor of a rank', { ...one, id: 'fixture-fashion/train/00000', cursor: 'cmFuayAz' }, 'bad-cursor'],
    ['a cursor of another query', { kind: 'unlikely', cursor: 'c29tZQ' }, 'bad-cursor'],
    ['a set of none', { kind: 'aggregate', filter: { idPrefix: 'nothing' } }, 'empty-set'],
    ['an unknown label', { kind: 'where', filter: { labels: ['hat'] } }, 'unknown-label'],
    ['a field that is too large', { kind: 'aggregate', size: [1024, 1024] }, 'limit-field-values'],
  ])('is refused with a code: %s', async (_, query, code) => {
    const named = JSON.parse(JSON.stringify(query).replace('fixture-fashion/train/00000', functions[0]!.id));
    await expect(ask(named)).rejects.toMatchObject({ code });
  });

  it('names both networks when the model is another', async () => {
    const model = { ...context.model, networkId: 'f'.repeat(64) };
    await expect(ask({ kind: 'where' }, { model })).rejects.toMatchObject({ code: 'functaset-network' });
  });

  it('stops when it is asked to', async () => {
    const signal = AbortSignal.abort();
    const stopped = async () =>
      collectAnswer(await runQuery(context, parseQuery({ kind: 'aggregate' }), { signal }));
    await expect(stopped()).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a damaged function', () => {
  it('is left out and named by every question to the whole set, and an error where it is asked for', async () => {
    const { model, engine } = context;
    const path = join(directory, 'damaged');
    cpSync(context.store.path, path, { recursive: true });
    const [before, bad, after] = [functions[2]!.id, functions[3]!.id, functions[4]!.id];
    await damageRecord(path, bad);
    const store = await openFunctaset(path, { readOnly: true });
    const own = { store, indexes: new NearIndexes({ store, model, engine }) };
    const n = functions.length - 1;
    const asked: [
      query: Record<string, unknown>,
      functions: (answer: Record<string, number>) => unknown,
      count: number,
    ][] = [
      [{ kind: 'near', id: before, k: 40 }, ({ searched }) => searched, functions.length],
      [{ kind: 'near', id: before, k: 40, refine: 0 }, ({ searched }) => searched, functions.length],
      [{ kind: 'similar_region', id: before, region: { start: [4, 4], count: [9, 9] } }, () => n, n],
      [
        { kind: 'near', id: before, region: 'y=4:13,x=4:13', anywhere: true, k: 1000 },
        ({ items }) => 1 + (items as unknown as Row[]).length,
        n,
      ],
      [{ kind: 'where', limit: 1000 }, ({ items }) => (items as unknown as Row[]).length, n],
      [{ kind: 'unlikely', k: 1000 }, ({ items }) => (items as unknown as Row[]).length, n],
      [
        { kind: 'evaluate', coordinates: [[3, 4]], limit: 1000 },
        ({ items }) => (items as unknown as Row[]).length,
        n,
      ],
      [{ kind: 'aggregate' }, ({ functions: found }) => found, n],
      [
        { kind: 'where', limit: 1000, filter: { field: [{ statistic: 'mean', above: -1 }] } },
        ({ items }) => (items as unknown as Row[]).length,
        n,
      ],
    ];
    for (const [query, count, wanted] of asked) {
      const answer = await ask(query, own);
      expect([query, answer.damaged, count(answer)]).toEqual([query, [bad], wanted]);
      expect(JSON.stringify(answer.items)).not.toContain(bad);
    }
    // What was damaged after an index was made is left out of what the index finds.
    await damageRecord(path, after);
    const damaged = expect.objectContaining({ code: 'function-damaged', kind: 'environment' });
    await expect(ask({ kind: 'near', id: bad }, own)).rejects.toEqual(damaged);
    await expect(
      ask({ kind: 'evaluate', coordinates: [[3, 4]], filter: { ids: [bad] } }, own),
    ).rejects.toEqual(damaged);
    expect((await ask({ kind: 'near', id: before, k: 40 }, own)).damaged).toEqual([bad, after].sort());
    expect(await ask({ kind: 'near', id: before, k: 2 })).not.toHaveProperty('damaged');
    await store.close();
  });

  it('is one whose file does not decode, though its record is whole', async () => {
    const { model, engine } = context;
    const path = join(directory, 'bad-file');
    cpSync(context.store.path, path, { recursive: true });
    const writer = await openFunctaset(path);
    const fn = writer.get(functions[3]!.id)!;
    if (fn.content.kind !== 'file') throw new Error('a built function is a file');
    const bytes = fn.content.bytes.slice();
    bytes[bytes.length - 3]! ^= 16;
    await writer.put({ ...fn, content: { kind: 'file', bytes } }, { replace: true });
    await writer.close();
    const store = await openFunctaset(path, { readOnly: true });
    const own = { store, indexes: new NearIndexes({ store, model, engine }) };
    expect(await ask({ kind: 'aggregate' }, own)).toMatchObject({
      functions: functions.length - 1,
      damaged: [fn.id],
    });
    expect((await ask({ kind: 'near', id: functions[2]!.id }, own)).damaged).toEqual([fn.id]);
    await expect(ask({ kind: 'near', id: fn.id }, own)).rejects.toMatchObject({ code: 'function-damaged' });
    await store.close();
  });
});
