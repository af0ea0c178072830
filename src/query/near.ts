/**
 * The functions nearest to one: to a function of the set, to a signal, to what was observed of a signal, or to a region.
 *
 * An index gives candidates, and the fields of the candidates are compared at the very points that are asked about: what
 * is answered is the distance between signals. A whole signal is looked up in the index (`vectors.ts`). Of a part of
 * a signal only some of the grid's values are known: those are computed for every function from its vector,
 * mean + A' z, which needs no evaluation.
 *
 * A page begins after the distance and the id at which the one before ended, so that none repeats an answer of another,
 * though later pages compare more candidates.
 */
import type { Signal } from '../../datasets/signal.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { atQuality } from '../field/at-quality.ts';
import type { Label } from '../functaset/index.ts';
import { fitSignals } from '../pipeline/fit.ts';
import { type OpenFunction, openFunctions } from '../pipeline/functions.ts';
import { defaultQuality, multiplyAddsPerPoint, type Region } from '../pipeline/index.ts';
import { Best } from './best.ts';
import { cursorAfterFarthest, farthestOf } from './cursor.ts';
import { gridOf, gridSampled, type Metric } from './embedding.ts';
import { openNamed } from './filter.ts';
import { embedFunctions, type NearIndex } from './indexes.ts';
import { type Observed, observedOf, placesOfRegion, signalOf } from './observed.ts';
import { type Places, pointsOf, type Shaped, valuesAt } from './places.ts';
import { maxRank, type RequestOf } from './request.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';
import type { Match } from './vectors.ts';

/** Candidates compared point by point, unless the query says how many: so many, and twice what is asked for. */
const leastCandidates = 64;
/** From this many functions on a whole signal is looked up in a graph, where there can be one. */
const graphFrom = 200_000;
/** Values of the grid that a part is looked up by, at most. */
const maxPartValues = 256;
/** Functions whose values are computed in one product. */
const productRows = 4096;

/** Throws NotFoundError `unknown-function`, BadInputError and LimitError: see `observed.ts`. */
export async function near(
  context: QueryContext,
  request: RequestOf<'near'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { id, mask, region } = request;
  if ((id === undefined) === (request.signal === undefined)) {
    throw new BadInputError('bad-query', 'near takes either the id of a function or a signal');
  }
  if (id !== undefined) {
    if (mask !== undefined) {
      throw new BadInputError(
        'bad-query',
        'a mask belongs to a signal; for a function of the set give a region',
      );
    }
    const fn = await openNamed(context, id);
    if (region !== undefined)
      return nearPart(context, request, await regionOf(context, fn, region, request.points), id, options);
    return nearWhole(context, request, fn, options);
  }
  const signal = await signalOf(context, request.signal!);
  const observed = observedOf(context, signal, mask, region, request.points);
  if (observed !== undefined) return nearPart(context, request, observed, undefined, options);
  const quality =
    request.metric === 'gram'
      ? (await context.indexes.get('gram', options)).embedding.quality
      : defaultQuality;
  return nearWhole(context, request, await fitted(context, signal, quality, options), options);
}

/** By a region of one function, at the same place of the others. */
export async function similarRegion(
  context: QueryContext,
  request: RequestOf<'similar_region'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { id, region } = request;
  const observed = await regionOf(context, await openNamed(context, id), region, request.points);
  return nearPart(context, request, observed, id, options);
}

async function nearWhole(
  context: QueryContext,
  request: RequestOf<'near'>,
  query: Shaped & { readonly id?: string },
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { k, metric, cursor } = request;
  const { model, engine, indexes } = context;
  const page = farthestOf(cursor, k);
  const index = await indexes.get(metric, options);
  const method = await methodFor(context, request, metric, index, options);
  const [vector] = await vectorsOf(context, index, [query]);
  const refine = request.refine ?? Math.max(leastCandidates, 2 * page.end);
  // Two more: the function itself is left out, and another says that there is a next page.
  const wanted = Math.max(page.end, refine) + 2;
  const matches =
    method === 'hnsw'
      ? index.vectors.approximate(vector!, wanted)
      : await index.vectors.exact(vector!, wanted, options);
  const head = { method, refined: refine > 0, metric };
  if (refine === 0) {
    const { scale } = model.card.values;
    const rows = named(index, matches, query.id).map(({ id, distance }) => ({
      id,
      distance: scale * Math.sqrt(distance / index.embedding.terms),
    }));
    return answer(context, request.kind, index, { ...head, compared: 0 }, rows, page, options);
  }
  const places = gridOf(model.card.shape);
  const points = pointsOf(places);
  const values = await engine.evaluate(
    atQuality(model, query.quality).network,
    query.shape,
    query.modulation,
    points(query.shape),
    options,
  );
  const candidates = named(index, matches, query.id);
  return refined(
    context,
    request,
    page,
    index,
    head,
    { places, values, sampled: gridSampled(model.card.shape) },
    candidates,
    options,
  );
}

/** By the values of a part of the grid, for every function. */
async function nearPart(
  context: QueryContext,
  request: PartRequest,
  observed: Observed,
  own: string | undefined,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const page = farthestOf(request.cursor, request.k);
  const index = await context.indexes.get('values', options);
  const { embedding, vectors } = index;
  const { outputs } = context.model.card.spec;
  const { entries, targets } = entriesOf(observed, gridOf(context.model.card.shape), outputs);
  const axes = embedding.dimensions - 1;
  // [dimensions, entries]: what a vector adds to the mean; the last coordinate adds nothing.
  const basis = new Float32Array(embedding.dimensions * entries.length);
  entries.forEach((entry, e) => {
    for (let a = 0; a < axes; a++) {
      basis[a * entries.length + e] = embedding.projection[a * embedding.inputs + entry]!;
    }
  });
  const wanted = entries.map((entry, e) => targets[e]! - embedding.mean[entry]!);
  const nearest = new Best<number>(Math.max(leastCandidates, 4 * page.end, request.refine ?? 0) + 2);
  for (const { first, count } of vectors.runs(productRows)) {
    if (options.signal?.aborted) throw new AbortedError();
    const sizes = { m: count, n: entries.length, k: embedding.dimensions };
    const values = context.indexes.multiply(vectors.rows(first, count), basis, sizes);
    for (let i = 0, v = 0; i < count; i++) {
      let sum = 0;
      for (let e = 0; e < wanted.length; e++, v++) sum += (values[v]! - wanted[e]!) ** 2;
      nearest.offer(first + i, sum);
    }
    await new Promise(setImmediate);
  }
  const matches = nearest.take().map(({ item, score }) => ({ row: item, distance: score }));
  const head = { method: 'exact', refined: true, metric: 'values' };
  return refined(context, request, page, index, head, observed, named(index, matches, own), options);
}

/** Candidates in the order of the distance between their values and those of the target, at its places. */
async function refined(
  context: QueryContext,
  request: PartRequest,
  page: Page,
  index: NearIndex,
  head: Row,
  { places, values: target }: Observed,
  candidates: readonly Named[],
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { store, model, engine, limits } = context;
  const work =
    (candidates.length * target.length * multiplyAddsPerPoint(model.card.spec)) / model.card.spec.outputs;
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'ask for fewer, or refine fewer candidates');
  const ids = candidates.map(({ id }) => id);
  const there = store.getMany(ids, options).filter((fn) => fn !== undefined);
  const functions = await openFunctions(context, there, { ...options, limits });
  const found: Found[] = [];
  for await (const { fn, values } of valuesAt(
    { engine, model },
    functions,
    pointsOf(places),
    options.signal,
  )) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += (values[i]! - target[i]!) ** 2;
    found.push({
      id: fn.id,
      label: fn.label,
      distance: model.card.values.scale * Math.sqrt(sum / values.length),
    });
  }
  return answer(context, request.kind, index, { ...head, compared: found.length }, found, page, options);
}

/** The page of what was found, in any order. */
function answer(
  { store }: QueryContext,
  kind: string,
  index: NearIndex,
  head: Row,
  found: readonly Found[],
  { after, end }: Page,
  options: QueryOptions,
): QueryAnswer {
  for (const fault of index.damaged) options.onDamaged?.(fault);
  const follows = (a: Found, b: Found) => a.distance - b.distance || (a.id < b.id ? -1 : Number(a.id > b.id));
  const left = found.filter((item) => after === undefined || follows(item, after) > 0).sort(follows);
  const first = after?.rank ?? 0;
  const shown = left.slice(0, end - first);
  async function* rows(): AsyncIterable<Row> {
    for (const { id, distance, ...rest } of shown) {
      const label = 'label' in rest ? rest.label : store.getMany([id], options)[0]?.label;
      yield { id, label: label ?? null, distance };
    }
  }
  const last = shown.at(-1);
  const more = left.length > shown.length && last !== undefined && end < maxRank;
  const next = more ? cursorAfterFarthest({ rank: end, ...last }) : null;
  return { head: { kind, ...head, searched: index.ids.count }, rows: rows(), next: () => next };
}

type Page = ReturnType<typeof farthestOf>;

type PartRequest = Pick<RequestOf<'near'>, 'k' | 'cursor' | 'refine'> & { readonly kind: string };

interface Found {
  readonly id: string;
  readonly label?: Label | undefined;
  readonly distance: number;
}

interface Named {
  readonly id: string;
  readonly distance: number;
}

function named(index: NearIndex, matches: readonly Match[], own: string | undefined): Named[] {
  return matches
    .map(({ row, distance }) => ({ id: index.ids.at(row), distance }))
    .filter(({ id }) => id !== '' && id !== own);
}

async function methodFor(
  { indexes }: QueryContext,
  { method }: RequestOf<'near'>,
  metric: Metric,
  index: NearIndex,
  options: QueryOptions,
): Promise<'exact' | 'hnsw'> {
  if (method === 'exact' || (method === 'auto' && index.ids.count < graphFrom)) return 'exact';
  try {
    return (await indexes.link(metric, index, options)) ? 'hnsw' : 'exact';
  } catch (error) {
    if (method === 'auto' && (error as { code?: unknown }).code === 'hnsw-absent') return 'exact';
    throw error;
  }
}

async function vectorsOf(
  { model, engine, indexes }: QueryContext,
  { embedding }: NearIndex,
  functions: readonly Shaped[],
): Promise<Float32Array[]> {
  const all = await embedFunctions(embedding, { model, engine }, functions, false, indexes.multiply);
  const { dimensions } = embedding;
  return functions.map((_, i) => all.slice(i * dimensions, (i + 1) * dimensions));
}

async function fitted(
  { model, engine }: QueryContext,
  signal: Signal,
  quality: number,
  { signal: abort }: QueryOptions,
): Promise<Shaped> {
  const [found] = await fitSignals(model, engine, [signal], { quality, effort: 1, signal: abort });
  return { shape: signal.shape, quality, modulation: found!.modulation };
}

async function regionOf(
  { model, engine }: QueryContext,
  fn: OpenFunction,
  region: Region,
  most: number | undefined,
): Promise<Observed> {
  const { places, sampled } = placesOfRegion(fn.shape, region, most);
  const points = pointsOf(places)(fn.shape);
  return {
    places,
    sampled,
    values: await engine.evaluate(atQuality(model, fn.quality).network, fn.shape, fn.modulation, points),
  };
}

/** Which of the grid's values are known, each with the mean of what was observed nearest to it. */
function entriesOf(
  { places, values }: Observed,
  grid: Places,
  outputs: number,
): { entries: number[]; targets: number[] } {
  const { axes } = grid;
  const sums = new Map<number, { sum: Float64Array; n: number }>();
  for (let i = 0; i < values.length / outputs; i++) {
    const at = nearestPoint(grid, places.relative.subarray(i * axes, (i + 1) * axes));
    const known = sums.get(at) ?? { sum: new Float64Array(outputs), n: 0 };
    for (let o = 0; o < outputs; o++) known.sum[o]! += values[i * outputs + o]!;
    known.n++;
    sums.set(at, known);
  }
  const all = [...sums].sort(([a], [b]) => a - b);
  const stride = Math.max(1, Math.ceil((all.length * outputs) / maxPartValues));
  const entries: number[] = [];
  const targets: number[] = [];
  for (const [at, { sum, n }] of all.filter((_, i) => i % stride === 0)) {
    for (let o = 0; o < outputs; o++) {
      entries.push(at * outputs + o);
      targets.push(sum[o]! / n);
    }
  }
  return { entries, targets };
}

function nearestPoint({ axes, relative }: Places, x: Float64Array): number {
  let best = 0;
  let least = Infinity;
  for (let p = 0; p < relative.length / axes; p++) {
    let sum = 0;
    for (let a = 0; a < axes; a++) sum += (relative[p * axes + a]! - x[a]!) ** 2;
    if (sum < least) [least, best] = [sum, p];
  }
  return best;
}
