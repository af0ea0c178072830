/** The same questions to a functaset and to its parts, put together: the answers are equal to the last bit. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { openEngine } from '../engine/index.ts';
import { readModel } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { openFunctaset, type StoredFunction } from '../functaset/index.ts';
import { buildFunctaset } from '../jobs/index.ts';
import { ownPrior } from '../jobs/own-prior.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import {
  type AskParts,
  collectAnswer,
  mergeParts,
  NearIndexes,
  parseQuery,
  type QueryContext,
  runQuery,
} from './index.ts';

const shards = 4;
let directory: string;
let whole: QueryContext;
let parts: QueryContext[];
let functions: StoredFunction[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'functa-parts-'));
  const engine = await openEngine();
  const model = readModel(await makeTinyModel(engine));
  const path = join(directory, 'whole');
  await buildFunctaset({ data: 'fixture-fashion', split: 'train', path, model, engine });
  const set = await openFunctaset(path);
  functions = [...set.iterate()];
  // twins, some in other shards: equal distances are in order of ids
  await set.putMany(functions.slice(0, 30).map((fn, i) => ({ ...fn, id: `twin-${i}` })));
  functions = [...set.iterate()];
  const { format: _, ...network } = set.info;
  const contextOf = (store: typeof set): QueryContext => ({
    ...{ store, model, engine, limits: defaultLimits },
    indexes: new NearIndexes({ store, model, engine }),
    readSignal: () => Promise.reject(new Error('no file is read here')),
  });
  whole = contextOf(set);
  parts = [];
  for (let shard = 0; shard < shards; shard++) {
    const store = await openFunctaset(join(directory, `${shard}`), { network });
    await store.putMany(functions.filter(({ id }) => shardOf(id) === shard));
    expect(store.count).toBeGreaterThan(5);
    parts.push(contextOf(store));
  }
  // one that holds nothing is no fault
  parts.push(contextOf(await openFunctaset(join(directory, 'empty'), { network })));
}, 120_000);
afterAll(async () => {
  for (const { store } of [whole, ...parts]) await store.close();
  await whole.engine.close();
  rmSync(directory, { recursive: true });
});

function shardOf(id: string): number {
  return createHash('sha256').update(id).digest()[0]! % shards;
}

// biome-ignore lint/suspicious/noExplicitAny: each kind of answer has members of its own
type Answer = any;

async function ask(query: object): Promise<Answer> {
  return JSON.parse(JSON.stringify(await collectAnswer(await runQuery(whole, parseQuery(query)))));
}

async function askParts(query: object, some = parts): Promise<Answer> {
  const request = parseQuery(query);
  const prior = request.kind === 'unlikely' ? await ownPrior(whole, whole.store) : undefined;
  const named = 'id' in request ? functions.find(({ id }) => id === request.id) : undefined;
  const asking: AskParts = (question) =>
    Promise.all(
      some.map(async (context) => {
        const part = { named, prior, shown: question.shown };
        const answer = await collectAnswer(await runQuery({ ...context, part }, question.request));
        return JSON.parse(JSON.stringify(answer));
      }),
    );
  return JSON.parse(JSON.stringify(await mergeParts(request, asking)));
}

async function pages(
  query: object,
  one: (query: object) => Promise<Answer>,
): Promise<{ readonly items: Answer[]; readonly sizes: number[]; readonly first: Answer }> {
  const items: Answer[] = [];
  const sizes: number[] = [];
  let first: Answer;
  let cursor: string | undefined;
  do {
    const page = await one({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    first ??= page;
    items.push(...page.items);
    sizes.push(page.items.length);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return { items, sizes, first };
}

const label = () => functions[3]!.label!;
const pixels = () => ({
  shape: [28, 28],
  values: Array.from({ length: 784 }, (_, i) => 0.5 + 0.5 * Math.sin(i / 9)),
});

test.each<[string, () => object]>([
  ['near a function', () => ({ kind: 'near', id: functions[7]!.id, k: 9 })],
  ['near a signal', () => ({ kind: 'near', signal: pixels(), k: 7 })],
  ['near, of one label', () => ({ kind: 'near', id: functions[7]!.id, k: 3, filter: { labels: [label()] } })],
  [
    'near, some named',
    () => ({
      kind: 'near',
      id: functions[7]!.id,
      k: 3,
      filter: { ids: functions.slice(0, 9).map(({ id }) => id) },
    }),
  ],
  ['near, within a distance', () => ({ kind: 'near', id: functions[7]!.id, k: 4, maxDistance: 0.3 })],
  [
    'near, anywhere',
    () => ({ kind: 'near', id: functions[7]!.id, region: 'y=3:12,x=5:12', anywhere: true, k: 9 }),
  ],
  [
    'near, a fragment of which some functions are too small',
    () => ({ kind: 'near', signal: { ...pixels(), shape: [49, 16] }, anywhere: true, k: 9 }),
  ],
  ['where', () => ({ kind: 'where', limit: 7 })],
  [
    'where, by a field',
    () => ({ kind: 'where', limit: 5, filter: { field: [{ statistic: 'mean', above: 0.2 }] } }),
  ],
  [
    'evaluate',
    () => ({
      kind: 'evaluate',
      coordinates: [
        [3, 4],
        [13.5, 20.25],
      ],
      limit: 10,
    }),
  ],
  ['slopes', () => ({ kind: 'evaluate', coordinates: [[3, 4]], derivatives: true, limit: 30 })],
  ['unlikely', () => ({ kind: 'unlikely', k: 8 })],
  ['unlikely, by stored bits', () => ({ kind: 'unlikely', prior: 'stored', k: 8 })],
  ['aggregate', () => ({ kind: 'aggregate', region: 'y=14:28' })],
  [
    'aggregate by label',
    () => ({ kind: 'aggregate', by: 'label', size: [7, 7], region: 'x=3:9', points: 20 }),
  ],
])('%s: pages of parts are those of the whole', async (_, query) => {
  const [own, merged] = [await pages(query(), ask), await pages(query(), askParts)];
  expect(merged.items).toEqual(own.items);
  expect(merged.sizes).toEqual(own.sizes);
  const { items: _items, next: _next, compared: _compared, ...head } = own.first;
  const { items: _i, next: _n, compared: _c, ...said } = merged.first;
  expect(said).toEqual(head);
});

/** An index of modulations takes seconds to make. */
const slow: [string, () => object][] =
  process.env.FUNCTA_TESTS === 'all'
    ? [['by modulations', () => ({ kind: 'near', id: functions[7]!.id, metric: 'gram', refine: 16, k: 7 })]]
    : [];

test.each<[string, () => object]>([
  ...slow,
  ['by a region', () => ({ kind: 'similar_region', id: functions[7]!.id, region: 'y=14:28', k: 9 })],
  ['in lots', () => ({ kind: 'near', id: functions[7]!.id, points: 50, refine: 8, k: 7 })],
  ['in graphs', () => ({ kind: 'near', id: functions[7]!.id, method: 'hnsw', k: 7 })],
])('what an index orders, %s: each function comes once, at the distance that it has', async (_, query) => {
  const [own, merged] = [await pages(query(), ask), await pages(query(), askParts)];
  const byId = (items: Answer[]) => new Map(items.map((item) => [item.id, item]));
  expect(merged.items).toHaveLength(functions.length - 1);
  expect(byId(merged.items)).toEqual(byId(own.items));
  expect(merged.sizes).toEqual(own.sizes);
  // the first page is as near as that of the whole, or nearer: as many candidates of each part were compared
  const farthest = ({ items, sizes }: typeof own) => items[sizes[0]! - 1].distance;
  expect(farthest(merged)).toBeLessThanOrEqual(farthest(own));
});

test('a prior that does not know the functions of a part: all are ranked by their stored bits, and the answer says why', async () => {
  const { model, engine } = whole;
  const shape = [14, 14];
  const { format: _, ...network } = whole.store.info;
  const store = await openFunctaset(join(directory, 'odd'), { network });
  onTestFinished(() => store.close());
  const values = new Float32Array(modulationLength(model.card.spec, shape));
  const content = { kind: 'modulation', values, quality: 50 } as const;
  await store.put({ id: 'odd', shape, psnrDb: 30, bits: 9, content });
  const indexes = new NearIndexes({ store, model, engine });
  const odd = [...parts, { ...whole, store, indexes }];
  const { prior, why, items } = await askParts({ kind: 'unlikely', k: 5 }, odd);
  expect([prior, items.length]).toEqual(['stored', 5]);
  expect(why).toContain('knows functions of [28,28]');
});

test('distances of an index are refused, and no part that answers is no answer', async () => {
  const refused = askParts({ kind: 'near', id: functions[0]!.id, refine: 0 });
  await expect(refused).rejects.toMatchObject({ code: 'bad-query' });
  await expect(askParts({ kind: 'duplicates', maxDistance: 1 })).rejects.toMatchObject({ code: 'bad-query' });
  const none = askParts({ kind: 'aggregate', filter: { idPrefix: 'nothing' } });
  await expect(none).rejects.toMatchObject({ code: 'empty-set' });
});
