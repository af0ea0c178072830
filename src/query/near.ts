/**
 * The functions nearest to one: to a function of the set, to a signal, to what was observed of a signal, or to a region.
 *
 * An index gives candidates, and the fields of the candidates are compared at the very points that are asked about: what
 * is answered is the distance between signals. A whole signal is looked up in the index (`vectors.ts`), which also says how near
 * and how far each function can be, so that the answer is exact. Of a part of a signal only some of the grid's values are known:
 * those are computed for every function from its vector, mean + A' z, which needs no evaluation. Pages: see `walk.ts`.
 *
 * A graph gives the first page, about the nearest; the pages after it are exact, and begin with what the graph did not give.
 */
import { createHash } from 'node:crypto';
import { BadInputError } from '../core/errors.ts';
import { distanceUnit } from '../field/outputs.ts';
import { isOfSamples, type OpenFunction } from '../session/functions.ts';
import type { Box } from '../signal/box.ts';
import { nearAnywhere } from './anywhere.ts';
import { namesOfFunction } from './axes.ts';
import { boundsOf, candidatesOf, nearestRows, rowsByPart, rowsPassing, unitOf } from './candidates.ts';
import { asIndexed, comparing } from './compare.ts';
import { type BlockPlace, cursorOfWalk, type WalkPlace, walkOf } from './cursor.ts';
import { gridOf, gridSampled, type Metric } from './embedding.ts';
import { entriesOf } from './entries.ts';
import { conditionsOf, openNamed } from './filter.ts';
import { embedFunctions, type NearIndex } from './indexes.ts';
import { type Observed, observedOf, placesOfRegion, placesOfSamples, signalOf } from './observed.ts';
import { pointsOf, type Ranged, valuesOf } from './places.ts';
import type { RequestOf } from './request.ts';
import { allSamples, drawn } from './sampling.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';
import type { Match } from './vectors.ts';
import { type Found, pageByBlocks, pageByBounds, type WalkPage } from './walk.ts';

/** Candidates compared point by point, unless the query says how many: so many, and twice what is asked for. */
const leastCandidates = 64;
/** From this many functions on a whole signal is looked up in a graph, where there can be one. */
const graphFrom = 200_000;

/** Throws NotFoundError `unknown-function`, BadInputError and LimitError: see `observed.ts`. */
export async function near(
  context: QueryContext,
  request: RequestOf<'near'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { id, mask, region, metric } = request;
  if ((id === undefined) === (request.signal === undefined)) {
    throw new BadInputError('bad-query', 'near takes either the id of a function or a signal');
  }
  if (id !== undefined && mask !== undefined) {
    throw new BadInputError(
      'bad-query',
      'a mask belongs to a signal; for a function of the set give a region',
    );
  }
  if (request.anywhere) return nearAnywhere(context, request, options);
  if (metric === 'correlation' || metric === 'pitch') {
    throw new BadInputError(
      'bad-query',
      'correlation and pitch are of fragments, wherever they lie; ask for anywhere, too',
    );
  }
  const whole = { ...request, metric };
  if (id !== undefined) {
    const fn = await openNamed(context, id);
    if (region !== undefined)
      return nearPart(context, request, await regionOf(context, fn, region, request.points), id, options);
    return nearWhole(context, whole, fn, options);
  }
  const signal = await signalOf(context, request.signal!);
  const observed = observedOf(context, signal, mask, region, request.points);
  if (observed !== undefined) return nearPart(context, request, observed, undefined, options);
  return nearWhole(context, whole, { shape: signal.shape, samples: signal.values }, options);
}

/** By a region of one function, at the same place of the others. */
export async function similarRegion(
  context: QueryContext,
  request: RequestOf<'similar_region'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { id, region } = request;
  if (request.anywhere) return nearAnywhere(context, request, options);
  const observed = await regionOf(context, await openNamed(context, id), region, request.points);
  return nearPart(context, request, observed, id, options);
}

async function nearWhole(
  context: QueryContext,
  request: WholeRequest,
  query: Ranged & { readonly id?: string },
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { metric, refine, k } = request;
  const { model, indexes } = context;
  const { shape, outputs } = model.card;
  const index = await indexes.get(metric, options);
  const search = await searchOf(context, request, index, query.id, options);
  const [vector] = await vectorsOf(context, index, [query]);
  const unit = unitOf(index.embedding, distanceUnit(outputs));
  const first = Math.max(leastCandidates, 2 * k) + 2;
  const method = await methodFor(context, request, search.place, index, options);
  const isIndexed = refine === 0;
  const target = await targetOf(context, request, query, options);
  const sampled = isIndexed ? gridSampled(shape) : target.sampled;
  const head = {
    ...{ method, refined: !isIndexed, metric },
    ...(metric === 'gram' && 'samples' in query ? { plainFit: true } : {}),
    ...(isIndexed && metric === 'gram' ? {} : { sampled }),
  };

  const compare = isIndexed
    ? asIndexed(context, search.conditions, options)
    : comparing(context, target, search.conditions, options);
  // The distance of the index is the distance asked for, or bounds it, or says nothing of it.
  const bounds = boundsOf(index, vector!, unit);
  const isBound = isIndexed || (metric === 'values' && refine === undefined && target.isGrid);
  const rangeOf = (match: Match) => {
    if (!isIndexed) return isBound ? bounds(match) : { least: 0, most: Infinity };
    const distance = unit * Math.sqrt(match.distance);
    return { least: distance, most: distance };
  };
  const { after, graph } = search.place;
  const block = isBound
    ? undefined
    : (search.place.block ?? { size: refine ?? Math.max(leastCandidates, 2 * k), block: 0 });
  const said = { ...head, ...lotOf(context, block), searched: search.searched };
  const fromGraph = async (asked: number): Promise<WalkPage> => {
    const matches = index.vectors.approximate(vector!, Math.max(refine ?? 0, leastCandidates, 2 * asked) + 2);
    const candidates = candidatesOf(index, [matches], rangeOf, search.isWanted);
    const walk = { ...search, k: asked, candidates, compare };
    return isBound
      ? pageByBounds(walk, undefined)
      : pageByBlocks(walk, { size: matches.length, block: 0 }, undefined);
  };
  if (method === 'hnsw' && graph === undefined && search.isFirst) {
    const { found, compared } = await fromGraph(k);
    const isMore = found.length < search.count;
    const next = isMore
      ? cursorOfWalk({ after: undefined, block, graph: { asked: k, digest: digestOfPage(found) } })
      : null;
    return answer(request, context, index, { ...said, compared }, found, next, options);
  }
  const shown = new Set<string>();
  if (graph !== undefined) {
    const { found } = await fromGraph(graph.asked);
    if (digestOfPage(found) !== graph.digest) {
      throw new BadInputError(
        'stale-cursor',
        'the graph of this functaset was made again since the first page; ask for the first page again',
      );
    }
    for (const { id } of found) shown.add(id);
  }
  const isWanted = (row: number, id: string) => search.isWanted(row, id) && !shown.has(id);
  const candidates = candidatesOf(index, nearestRows(index, vector!, first, options), rangeOf, isWanted);
  const walk = { ...search, candidates, compare };
  const page = block === undefined ? await pageByBounds(walk, after) : await pageByBlocks(walk, block, after);
  const next = page.next === undefined ? null : cursorOfWalk({ ...page.next, graph });
  const exact = { ...said, method: 'exact', compared: isIndexed ? 0 : page.compared };
  return answer(request, context, index, exact, page.found, next, options);
}

/** By the values of a part of the grid, for every function. */
async function nearPart(
  context: QueryContext,
  request: PartRequest,
  observed: Observed,
  own: string | undefined,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { k, refine, method = 'auto', metric = 'values' } = request;
  const { shape, spec, outputs } = context.model.card;
  if (metric !== 'values' || method === 'hnsw' || refine === 0) {
    throw new BadInputError(
      'bad-query',
      'a part of a signal is compared by its values, with all functions; leave out metric gram, method hnsw and refine 0',
    );
  }
  const index = await context.indexes.get('values', options);
  const search = await searchOf(context, request, index, own, options);
  const grid = gridSampled(shape);
  const part = {
    ...entriesOf(observed, gridOf(shape), spec.outputs),
    unit: distanceUnit(outputs) / Math.sqrt(observed.values.length),
    isBound: observed.shape.join() === shape.join() && grid.points === grid.of,
  };
  const rows = await rowsByPart(index, context, part, options);
  const rangeOf = ({ least }: { readonly least: number }) => ({ least, most: Infinity });
  const candidates = candidatesOf(index, [rows], rangeOf, search.isWanted);
  const compare = comparing(context, observed, search.conditions, options);
  const { after, block = { size: Math.max(leastCandidates, 4 * k, refine ?? 0), block: 0 } } = search.place;
  const page = await pageByBlocks({ ...search, candidates, compare }, block, after);
  const head = {
    ...{ method: 'exact', refined: true, metric: 'values', sampled: observed.sampled },
    ...{ compared: page.compared, searched: search.searched, ...lotOf(context, block) },
  };
  const next = page.next === undefined ? null : cursorOfWalk({ ...page.next, graph: undefined });
  return answer(request, context, index, head, page.found, next, options);
}

/** What the two ways of searching have in common. Throws BadInputError `bad-cursor`, and what a filter throws. */
async function searchOf(
  context: QueryContext,
  { k, cursor, filter, maxDistance }: PartRequest,
  index: NearIndex,
  own: string | undefined,
  options: QueryOptions,
) {
  const place = walkOf(cursor);
  const conditions = conditionsOf(context, filter);
  const allowed = await rowsPassing(context, index, filter, options);
  const before = new Set(context.part?.shown);
  const isWanted = (row: number, id: string) => id !== own && allowed?.[row] !== 0 && !before.has(id);
  const { ids } = index;
  const searched = allowed === undefined ? ids.count : allowed.reduce((sum, one) => sum + one, 0);
  const ownRow = own === undefined ? undefined : ids.rowOf(own);
  const isOwn = ownRow !== undefined && allowed?.[ownRow] !== 0;
  const count = (allowed === undefined ? ids.named : searched) - Number(isOwn);
  const within = maxDistance ?? Infinity;
  return {
    place,
    isFirst: cursor === undefined,
    conditions,
    isWanted,
    searched,
    count,
    k,
    within,
    // whoever puts parts together goes from lot to lot with all of them
    isOneLot: context.part !== undefined,
    signal: options.signal,
  };
}

/** The values of a whole signal where others are compared with it: on the grid of the index, or at a draw of its samples. */
async function targetOf(
  { model, engine }: QueryContext,
  { points, refine }: RequestOf<'near'>,
  query: Ranged,
  options: QueryOptions,
): Promise<Observed & { readonly isGrid: boolean }> {
  const { shape } = model.card;
  if (points !== undefined && refine === 0) {
    throw new BadInputError('bad-query', 'with refine 0 no fields are compared; leave points out');
  }
  const grid = gridSampled(shape);
  const isGrid = points === undefined || (points >= grid.of && grid.points === grid.of);
  const chosen = isGrid ? undefined : drawn(allSamples(shape), points);
  const places = chosen === undefined ? gridOf(shape) : placesOfSamples(shape, chosen);
  const values = await valuesOf({ engine, model }, query, pointsOf(places), options.signal);
  const sampled = chosen === undefined ? grid : { points: chosen.length, of: grid.of };
  return { shape, places, values, sampled, isGrid };
}

/** An answer says which functions an index of modulations knows by their plain fit, which is not what they decode to. */
function answer(
  { kind, metric }: Pick<PartRequest, 'kind' | 'metric'>,
  { store }: QueryContext,
  index: NearIndex,
  head: Row,
  found: readonly Found[],
  next: string | null,
  options: QueryOptions,
): QueryAnswer {
  for (const fault of index.damaged) options.onDamaged?.(fault);
  async function* rows(): AsyncIterable<Row> {
    const fits = new Set<string>();
    if (metric === 'gram')
      for (const fn of store.getMany(
        found.map(({ id }) => id),
        options,
      ))
        if (fn !== undefined && isOfSamples(fn)) fits.add(fn.id);
    for (const { id, label, distance } of found)
      yield { id, label: label ?? null, distance, ...(fits.has(id) ? { plainFit: true } : {}) };
  }
  return { head: { kind, ...head }, rows: rows(), next: () => next };
}

/** What only whoever puts parts together is told: how many candidates are compared together. */
function lotOf({ part }: QueryContext, block: BlockPlace | undefined): { readonly lot?: number } {
  return part === undefined || block === undefined ? {} : { lot: block.size };
}

/** Of the ids of a page. */
export function digestOfPage(found: readonly { readonly id: string }[]): string {
  const hash = createHash('sha256');
  for (const { id } of found) hash.update(`${id}\n`);
  return hash.digest('hex').slice(0, 16);
}

type PartRequest = Pick<RequestOf<'near'>, 'k' | 'cursor' | 'refine' | 'filter' | 'maxDistance'> &
  Partial<Pick<RequestOf<'near'>, 'method' | 'metric'>> & { readonly kind: string };

/** What is looked up in an index. */
type WholeRequest = RequestOf<'near'> & { readonly metric: Metric };

async function methodFor(
  { indexes }: QueryContext,
  { method, metric, filter }: WholeRequest,
  { graph }: WalkPlace,
  index: NearIndex,
  options: QueryOptions,
): Promise<'exact' | 'hnsw'> {
  // A graph knows nothing of filters: it would give the nearest of all, of which none may pass.
  if (graph === undefined && filter !== undefined) return 'exact';
  if (graph === undefined && (method === 'exact' || (method === 'auto' && index.ids.count < graphFrom)))
    return 'exact';
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
  functions: readonly Ranged[],
): Promise<Float32Array[]> {
  const all = await embedFunctions(embedding, { model, engine }, functions, true, indexes.multiply);
  const { dimensions } = embedding;
  return functions.map((_, i) => all.slice(i * dimensions, (i + 1) * dimensions));
}

async function regionOf(
  { model, engine }: QueryContext,
  fn: OpenFunction,
  region: Box | string,
  most: number | undefined,
): Promise<Observed> {
  const { places, sampled } = placesOfRegion(fn.shape, region, most, namesOfFunction(model.card, fn));
  return {
    ...{ shape: fn.shape, places, sampled },
    values: await valuesOf({ engine, model }, fn, pointsOf(places)),
  };
}
