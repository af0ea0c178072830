/** Fragments in the functions of the bundled pictures, against a search by hand. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeAxes, multiplyAddsPerPoint, sectionIds, withSections } from '../../codec/index.ts';
import { type AskedPictures, askPictures } from '../../test/asked.ts';
import { defaultLimits } from '../core/limits.ts';
import { openFunctaset } from '../functaset/index.ts';
import { NearIndexes, parseQuery, type QueryContext, type Row, runQuery } from './index.ts';

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

/** Signal values of a box of a function. */
function cut(
  field: Float32Array,
  [y, x]: readonly [number, number],
  [h, w]: readonly [number, number],
): number[] {
  return Array.from({ length: h * w }, (_, p) => 0.5 + field[(y + Math.floor(p / w)) * 28 + x + (p % w)]!);
}

/** Of every function, by rising distance: its best place. */
function truth(values: readonly number[], [h, w]: readonly [number, number]) {
  return functions
    .map(({ id }, i) => {
      let best = { distance: Infinity, start: [0, 0] };
      for (let y = 0; y + h <= 28; y++)
        for (let x = 0; x + w <= 28; x++) {
          const there = cut(fields[i]!, [y, x], [h, w]);
          const sum = there.reduce((total, v, p) => total + (v - values[p]!) ** 2, 0);
          const distance = Math.sqrt(sum / there.length);
          if (distance < best.distance) best = { distance, start: [y, x] };
        }
      return { id, ...best };
    })
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
}

const placesOf = (items: readonly Row[]) => items.map(({ id, start }) => ({ id, start }));
const sizes = [9, 7] as const;

it('finds a fragment that comes alone, and says where in each function it lies', async () => {
  const values = cut(fields[4]!, [11, 13], sizes);
  const answer = await ask({ kind: 'near', signal: { shape: sizes, values }, anywhere: true, k: 6 });
  const found = truth(values, sizes).slice(0, 6);
  expect(placesOf(answer.items)).toEqual(placesOf(found));
  expect(answer.items[0]).toMatchObject({ id: functions[4]!.id, start: [11, 13] });
  expect(answer.items[0].distance).toBeLessThan(1e-5);
  answer.items.forEach(({ distance }: { distance: number }, i: number) => {
    expect(distance).toBeCloseTo(found[i]!.distance, 5);
  });
  const said = { method: 'exact', fragment: [9, 7], sampled: { points: 63, of: 63 }, smaller: 0 };
  expect(answer).toMatchObject({ ...said, searched: functions.length, compared: functions.length });
});

it('finds it by a region of a signal, by what a mask shows, and by a region of a function', async () => {
  const whole = { shape: [28, 28], values: Array.from(fields[4]!, (v) => 0.5 + v) };
  const region = { start: [11, 13], count: sizes };
  const expected = placesOf(truth(cut(fields[4]!, [11, 13], sizes), sizes)).slice(0, 5);
  const byRegion = await ask({ kind: 'near', signal: whole, region, anywhere: true, k: 5 });
  expect(placesOf(byRegion.items)).toEqual(expected);
  const byId = { id: functions[4]!.id, region, anywhere: true, k: 4 };
  for (const kind of ['near', 'similar_region'])
    expect(placesOf((await ask({ kind, ...byId })).items)).toEqual(expected.slice(1));
  const shown = { shape: sizes, values: cut(fields[4]!, [11, 13], sizes) };
  const mask = shown.values.map((_, p) => p % 3 !== 0);
  const hidden = { ...shown, values: shown.values.map((v, p) => (mask[p] ? v : 0.9)) };
  const byMask = await ask({ kind: 'near', signal: hidden, mask, anywhere: true, k: 1 });
  expect(placesOf(byMask.items)).toEqual(expected.slice(0, 1));
  const { items, sampled } = await ask({ kind: 'near', signal: shown, anywhere: true, k: 1, points: 20 });
  expect(placesOf(items)).toEqual(expected.slice(0, 1));
  expect(sampled).toEqual({ points: 20, of: 63 });
});

it('does not mind level and gain where it is asked for correlation', async () => {
  const values = cut(fields[4]!, [11, 13], sizes).map((v) => 0.2 + 0.3 * v);
  const query = { kind: 'near', signal: { shape: sizes, values }, anywhere: true, k: 1 };
  const { items } = await ask({ ...query, metric: 'correlation' });
  expect(items[0]).toMatchObject({ id: functions[4]!.id, start: [11, 13] });
  expect(items[0].distance).toBeLessThan(1e-9);
  expect((await ask(query)).items[0].distance).toBeGreaterThan(0.01);
});

it('comes to all others once, a page at a time, and stops at a distance', async () => {
  const query = {
    ...{ kind: 'near', id: functions[7]!.id, region: 'y=3:12,x=5:12', anywhere: true, k: 10 },
    filter: { field: [{ statistic: 'mean', above: 0.1 }] },
  };
  const found: Row[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Row[]; next: string | null } = await ask({
      ...query,
      ...(cursor === null ? {} : { cursor }),
    });
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  const distances = found.map(({ distance }) => Number(distance));
  expect(distances).toEqual([...distances].sort((a, b) => a - b));
  const passing = functions.filter((_, i) => fields[i]!.reduce((sum, v) => sum + v, 0) / 784 + 0.5 > 0.1);
  const others = passing.map(({ id }) => id).filter((id) => id !== functions[7]!.id);
  expect(found.map(({ id }) => id).sort()).toEqual(others.sort());
  const near = await ask({ ...query, maxDistance: distances[4] });
  expect(near.items).toEqual(found.slice(0, 5));
});

it('takes regions by what a file calls its axes, and leaves out and names functions that are damaged there', async () => {
  const path = join(directory, 'axes');
  const { model, engine } = context;
  const store = await openFunctaset(path, { network: context.store.info });
  const all = [...context.store.iterate()].slice(0, 3);
  const told = model.card.axes;
  const own = told.map((axis, i) => ({ ...axis, name: ['lat', 'lon'][i]! }));
  const said = [encodeAxes(own, told, [28, 28])!, undefined, Uint8Array.of(255)];
  for (const [i, fn] of all.entries()) {
    if (fn.content.kind !== 'file') throw new Error('every function here is a file');
    const sections = said[i] === undefined ? [] : [{ id: sectionIds.axes, bytes: said[i] }];
    await store.put({ ...fn, content: { kind: 'file', bytes: withSections(fn.content.bytes, sections) } });
  }
  const [named, plain, bad] = all.map(({ id }) => id);
  const changes = { store, indexes: new NearIndexes({ store, model, engine }) };
  const near = { kind: 'near', anywhere: true };
  for (const region of ['lat=4:20,lon=6:16', 'y=4:20,x=6:16']) {
    const found = await ask({ ...near, id: named, region }, changes);
    expect(found).toMatchObject({ items: [{ id: plain }], damaged: [bad], fragment: [16, 10] });
  }
  await expect(ask({ ...near, id: plain, region: 'lat=4:20' }, changes)).rejects.toMatchObject({
    code: 'bad-region',
  });
  await expect(ask({ ...near, id: bad, region: 'y=4:20' }, changes)).rejects.toMatchObject({
    code: 'function-damaged',
  });
  const file = Buffer.from('a map').toString('base64');
  const values = new Float32Array(fields[0]!.map((v) => 0.5 + v));
  const readSignal = async () => ({ id: 'a map', shape: [28, 28], channels: 1, values, axes: own });
  const byFile = { ...near, signal: { file }, region: 'lat=4:20,lon=6:16', k: 1 };
  expect((await ask(byFile, { ...changes, readSignal })).items).toMatchObject([{ id: named, start: [4, 6] }]);
  await store.close();
});

it('leaves out functions that are smaller than the fragment, and counts them', async () => {
  const signal = { shape: [29, 28], values: Array.from({ length: 29 * 28 }, () => 0) };
  const answer = await ask({ kind: 'near', signal, anywhere: true });
  expect(answer).toMatchObject({ items: [], compared: 0, smaller: functions.length, next: null });
});

it.each([
  [{ metric: 'gram' }, 'bad-query'],
  [{ method: 'hnsw' }, 'bad-query'],
  [{ refine: 5 }, 'bad-query'],
  [{ metric: 'correlation', anywhere: false }, 'bad-query'],
  [{ metric: 'correlation', signal: { shape: [2, 2], values: [0.5, 0.5, 0.5, 0.5] } }, 'constant-fragment'],
  [{ signal: { shape: [2], values: [1, 1] } }, 'signal-shape'],
  [{ cursor: 'x' }, 'bad-cursor'],
])('refuses %j', async (changes, code) => {
  const signal = { shape: [2, 2], values: [0.1, 0.2, 0.3, 0.4] };
  await expect(ask({ kind: 'near', signal, anywhere: true, ...changes })).rejects.toMatchObject({ code });
});

it('stops at the limit of work, and when it is told to', async () => {
  const query = { kind: 'near', signal: { shape: [2, 2], values: [0.1, 0.2, 0.3, 0.4] }, anywhere: true };
  const limits = { ...defaultLimits, maxMultiplyAdds: 1e6 };
  await expect(ask(query, { limits })).rejects.toMatchObject({ code: 'limit-multiply-adds' });
  // What laying takes counts, not only what evaluating does.
  const large = {
    ...query,
    signal: { shape: [14, 28], values: Array.from({ length: 392 }, (_, i) => i / 392) },
  };
  const { spec } = context.model.card;
  const evaluated = functions.length * 784 * multiplyAddsPerPoint(spec);
  const own = { ...defaultLimits, maxMultiplyAdds: 1.5 * evaluated };
  await expect(ask(large, { limits: own })).rejects.toMatchObject({ code: 'limit-multiply-adds' });
  const asked = runQuery(context, parseQuery(query), { signal: AbortSignal.abort() });
  await expect(asked).rejects.toMatchObject({ code: 'aborted' });
});
