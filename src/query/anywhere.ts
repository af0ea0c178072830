/**
 * The functions that have a fragment in them, wherever in them it lies: a hummed bar in a recording, a motif in a picture, a storm in a map.
 * Every function that passes the filter is evaluated at its samples and the fragment laid at each of them, so that what is answered is the
 * best place there is. No index knows of places.
 */
import { setImmediate } from 'node:timers/promises';
import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { AbortedError, BadInputError, BadStreamError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { pointCount, unravel } from '../field/spec.ts';
import { leaveOut } from '../functaset/failure.ts';
import type { FunctionSummary } from '../functaset/index.ts';
import { axesAt } from '../session/description.ts';
import { type OpenFunction, openFunctions } from '../session/functions.ts';
import { wholeOf } from '../signal/box.ts';
import { boxOf, namesOfSignal } from '../signal/region.ts';
import { namesOfFunction } from './axes.ts';
import { cursorOfWalk, walkOf } from './cursor.ts';
import { conditionsOf, openNamed, passing, summaries } from './filter.ts';
import { type Fragment, FragmentSearch } from './fragment.ts';
import { knownOf, placesOfRegion, signalOf, valuesOfKnown } from './observed.ts';
import { PitchSearch } from './pitch.ts';
import { pointsOf, valuesOf, valuesOnScale } from './places.ts';
import type { RequestOf } from './request.ts';
import { drawn, maxHeld } from './sampling.ts';
import type { Turn } from './sliding.ts';
import type { QueryAnswer, QueryContext, QueryOptions } from './types.ts';
import { type Found, type NearCandidate, pageByBounds } from './walk.ts';

/** Numbers of a function from the first to the last of a fragment in it: their transforms hold a hundred bytes each. */
const maxSpan = 2 ** 22;
/** Summaries that are looked at together. */
const together = 256;
/** Milliseconds of sums between two turns of the event loop. */
const turnEvery = 8;

type AnywhereRequest = Pick<
  RequestOf<'near'>,
  'id' | 'signal' | 'mask' | 'region' | 'points' | 'filter' | 'maxDistance' | 'k' | 'cursor'
> &
  Partial<Pick<RequestOf<'near'>, 'method' | 'metric' | 'refine'>> & { readonly kind: string };

/**
 * By rising distance of the best place in each; functions that are smaller than the fragment along an axis have none. Throws BadInputError `bad-query`,
 * `constant-fragment`, and what reading a signal, a filter and a cursor throws; LimitError, AbortedError.
 */
export async function nearAnywhere(
  context: QueryContext,
  request: AnywhereRequest,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { kind, id, k, metric = 'values', filter, cursor, maxDistance, method = 'auto', refine } = request;
  if (metric === 'gram' || method === 'hnsw' || refine !== undefined) {
    throw new BadInputError(
      'bad-query',
      'a fragment is laid at every place of every function; leave out metric gram, method hnsw and refine',
    );
  }
  const fragment = await fragmentOf(context, request);
  const { card } = context.model;
  const search =
    metric === 'pitch'
      ? await PitchSearch.of(card, fragment, turner(options))
      : new FragmentSearch(card, fragment, metric);
  if (metric !== 'values' && search.isConstant) {
    throw new BadInputError(
      'constant-fragment',
      'the fragment is one value everywhere, which correlates with nothing; give another, or the metric values',
    );
  }
  const { after } = walkOf(cursor);
  const before = new Set(context.part?.shown);
  const count = { searched: 0, smaller: 0 };
  async function* candidates(): AsyncGenerator<readonly NearCandidate[]> {
    const { field: _, ...facts } = filter ?? {};
    let lot: NearCandidate[] = [];
    for await (const summary of summaries(context, filter && facts, undefined, options)) {
      if (summary.id === id || before.has(summary.id)) continue;
      count.searched++;
      if (search.fits(summary.shape)) lot.push(candidateOf(summary));
      else count.smaller++;
      if (lot.length < together) continue;
      yield lot;
      lot = [];
    }
    if (lot.length > 0) yield lot;
  }
  const walk = {
    ...{ candidates: candidates(), compare: placing(context, request, search, options) },
    ...{ k, within: maxDistance ?? Infinity, signal: options.signal },
  };
  const page = await pageByBounds(walk, after);
  const next =
    page.next === undefined
      ? null
      : cursorOfWalk({ after: page.next.after, block: undefined, graph: undefined });
  async function* rows() {
    for (const { id, label, distance, start } of page.found)
      yield { id, label: label ?? null, distance, start };
  }
  const { sampled, shape } = fragment;
  const head = { method: 'exact', refined: true, metric, fragment: shape, sampled, compared: page.compared };
  return { head: { kind, ...head, ...count }, rows: rows(), next: () => next };
}

function candidateOf({ id }: FunctionSummary): NearCandidate {
  return { row: 0, id, least: 0, most: Infinity };
}

/** The fragment that a request gives: a signal or a function, or a region of it; at most `points` of its samples. */
async function fragmentOf(context: QueryContext, request: AnywhereRequest): Promise<Fragment> {
  const { id, region, mask, points } = request;
  const { model, engine } = context;
  if (id === undefined) {
    const signal = await signalOf(context, request.signal!, { isFragment: true });
    const known = knownOf(context, signal, mask, region);
    const names = { ...namesOfSignal(model.card, signal), owner: 'a signal' };
    const { start, count } = boxOf(region ?? wholeOf(signal.shape), signal.shape, names);
    const kept = drawn(known, points);
    const samples = kept.map((p) =>
      unravel(signal.shape, p).reduce((index, x, axis) => index * count[axis]! + x - start[axis]!, 0),
    );
    const sampled = { points: kept.length, of: known.length };
    return { shape: count, samples, values: valuesOfKnown(context, signal, kept), sampled };
  }
  const fn = await openNamed(context, id);
  const names = namesOfFunction(model.card, fn);
  const { places, ...part } = placesOfRegion(fn.shape, region ?? wholeOf(fn.shape), points, names);
  return { ...part, values: await valuesOf({ model, engine }, fn, pointsOf(places)) };
}

/** Lets others have a turn where one has lasted long enough. It throws AbortedError. */
function turner({ signal }: QueryOptions): Turn {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < turnEvery) return;
    await setImmediate();
    if (signal?.aborted) throw new AbortedError();
    last = performance.now();
  };
}

/** The best place in each of some functions. */
function placing(
  context: QueryContext,
  { filter }: AnywhereRequest,
  search: FragmentSearch | PitchSearch,
  options: QueryOptions,
): (candidates: readonly NearCandidate[]) => Promise<Found[]> {
  const { store, model, engine, limits } = context;
  const { spec } = model.card;
  const conditions = conditionsOf(context, filter);
  let work = 0;
  const turn = turner(options);
  const points = (shape: readonly number[]) => coveringGrid(shape);
  return async (candidates) => {
    const ids = candidates.map(({ id }) => id);
    const there = store.getMany(ids, options).filter((fn) => fn !== undefined);
    for (const { shape } of there) {
      const values = pointCount(shape) * spec.outputs;
      checkLimit('field-values', values, maxHeld, 'leave such large functions out by the filter');
      work += pointCount(shape) * multiplyAddsPerPoint(spec);
      const { work: looking, span } = search.costIn({ shape, isRound: spec.wraps ?? false });
      checkLimit('field-values', span, maxSpan, 'give a smaller fragment: a region of it');
      work += looking;
    }
    checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'ask of fewer functions: narrow the filter');
    const opened = await openFunctions(context, there, { ...options, limits });
    const functions: OpenFunction[] = [];
    const rounds = new Map<string, boolean>();
    for await (const fn of passing(context, opened, conditions, options)) {
      const round = isRound(context, fn, options);
      if (round === undefined) continue;
      rounds.set(fn.id, round);
      functions.push(fn);
    }
    const found: Found[] = [];
    for await (const { fn, values } of valuesOnScale({ engine, model }, functions, points, options.signal)) {
      const place = await search.placeIn({ shape: fn.shape, isRound: rounds.get(fn.id)! }, values, turn);
      if (place !== undefined) found.push({ id: fn.id, label: fn.label, ...place });
    }
    return found;
  };
}

/** Whether the last axis of a function goes around a circle; undefined of one whose file is damaged there, which is told. */
function isRound(
  { model }: QueryContext,
  fn: OpenFunction,
  { onDamaged }: QueryOptions,
): boolean | undefined {
  try {
    return axesAt(model.card, fn.shape, fn.places).at(-1)?.wraps === true;
  } catch (error) {
    if (!(error instanceof BadStreamError)) throw error;
    return leaveOut(fn.id, error, onDamaged);
  }
}
