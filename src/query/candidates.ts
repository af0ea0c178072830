/** Functions of an index in the order in which they are compared, and which of them a filter lets through. */

import { setImmediate } from 'node:timers/promises';
import { AbortedError } from '../core/errors.ts';
import type { Embedding } from './embedding.ts';
import { summaries } from './filter.ts';
import type { NearIndex } from './indexes.ts';
import type { Filter } from './request.ts';
import type { QueryContext, QueryOptions } from './types.ts';
import type { Match } from './vectors.ts';
import type { NearCandidate } from './walk.ts';

/** Matches of the first search; each later one looks so many times deeper. */
const deeper = 8;
/** Functions whose values are computed in one product. */
const productRows = 4096;
/**
 * Of lengths of vectors: what float32 leaves open of a distance. The last coordinate of a vector is the root of a difference of
 * squares, which is known to a few units of 10^-7 of them.
 */
const openShare = 1e-3;

/** All rows by rising distance to `query`, in lots; of equal ones the first row first, however deep the search was. */
export async function* nearestRows(
  { vectors }: NearIndex,
  query: Float32Array,
  first: number,
  options: QueryOptions,
): AsyncGenerator<readonly Match[]> {
  let given = 0;
  for (let wanted = first; ; wanted *= deeper) {
    const matches = await vectors.exact(query, Math.min(wanted, vectors.count), options);
    const isAll = matches.length === vectors.count;
    // Of rows as far as the last one some may have been left out: they come with the next search.
    const last = matches.at(-1)?.distance;
    const certain = isAll ? matches : matches.filter(({ distance }) => distance < last!);
    if (certain.length > given) yield certain.slice(given);
    given = Math.max(given, certain.length);
    if (isAll) return;
  }
}

/**
 * How near and how far the function of a row is from a query, in signal units, root mean square over the terms of an embedding of
 * values. What the axes leave out of the two points anywhere: their lengths are the last coordinates, which lie between opposite
 * and equal directions.
 */
export function boundsOf(
  { vectors, embedding }: NearIndex,
  query: Float32Array,
  unit: number,
): (match: Match) => { readonly least: number; readonly most: number } {
  const last = embedding.dimensions - 1;
  const own = query[last]!;
  let square = 0;
  for (const x of query) square += x * x;
  const length = Math.sqrt(square);
  return ({ row, distance }) => {
    const near = Math.sqrt(distance);
    const far = Math.sqrt(distance + 4 * own * vectors.row(row)[last]!);
    const open = openShare * (2 * length + near);
    return { least: unit * Math.max(0, near - open), most: unit * (far + openShare * (2 * length + far)) };
  };
}

/** Signal units of one unit of a distance between vectors of values. */
export function unitOf({ terms }: Embedding, scale: number): number {
  return scale / Math.sqrt(terms);
}

/**
 * All rows by how far their values are from `targets` at some of the grid's values, `entries`, as far as the axes show them: the sum of
 * squares; with a bound on the distance over `terms` values that hold those, where `isBound` says that they do.
 */
export async function rowsByPart(
  index: NearIndex,
  { indexes }: Pick<QueryContext, 'indexes'>,
  part: {
    readonly entries: readonly number[];
    readonly targets: readonly number[];
    readonly unit: number;
    readonly isBound: boolean;
  },
  options: QueryOptions,
): Promise<readonly { readonly row: number; readonly square: number; readonly least: number }[]> {
  const { embedding, vectors } = index;
  const { entries, targets } = part;
  const axes = embedding.dimensions - 1;
  // [dimensions, entries]: what a vector adds to the mean; the last coordinate adds nothing.
  const basis = new Float32Array(embedding.dimensions * entries.length);
  entries.forEach((entry, e) => {
    for (let a = 0; a < axes; a++) {
      basis[a * entries.length + e] = embedding.projection[a * embedding.inputs + entry]!;
    }
  });
  const wanted = entries.map((entry, e) => targets[e]! - embedding.mean[entry]!);
  const sums = new Float64Array(vectors.count);
  let leftOut = 0;
  for (const { first, count } of vectors.runs(productRows)) {
    if (options.signal?.aborted) throw new AbortedError();
    const sizes = { m: count, n: entries.length, k: embedding.dimensions };
    const values = indexes.multiply(vectors.rows(first, count), basis, sizes);
    for (let i = 0, v = 0; i < count; i++) {
      let sum = 0;
      for (let e = 0; e < wanted.length; e++, v++) sum += (values[v]! - wanted[e]!) ** 2;
      sums[first + i] = sum;
      leftOut = Math.max(leftOut, vectors.row(first + i)[axes]!);
    }
    await setImmediate();
  }
  const order = Array.from(sums.keys()).sort((a, b) => sums[a]! - sums[b]! || a - b);
  return order.map((row) => {
    const length = Math.sqrt(sums[row]!);
    const least = part.isBound ? part.unit * Math.max(0, length * (1 - openShare) - leftOut) : 0;
    return { row, square: sums[row]!, least };
  });
}

/** Rows whose functions' facts pass a filter, [count]; undefined: all. Throws NotFoundError `unknown-label`, `unknown-function`. */
export async function rowsPassing(
  context: QueryContext,
  { ids }: NearIndex,
  filter: Filter | undefined,
  options: QueryOptions,
): Promise<Uint8Array | undefined> {
  if (filter === undefined) return undefined;
  const { field: _field, ...facts } = filter;
  if (Object.values(facts).every((condition) => condition === undefined)) return undefined;
  const rows = new Uint8Array(ids.count);
  let last = 0;
  for await (const { id } of summaries(context, facts, undefined, options)) {
    const row = ids.rowOf(id, last);
    if (row === undefined) continue;
    rows[row] = 1;
    last = row;
  }
  return rows;
}

/** Candidates of rows, without those that are not to come. */
export async function* candidatesOf<T extends { readonly row: number }>(
  { ids }: NearIndex,
  lots: AsyncIterable<readonly T[]> | Iterable<readonly T[]>,
  bounds: (match: T) => { readonly least: number; readonly most: number },
  isWanted: (row: number, id: string) => boolean,
): AsyncGenerator<readonly NearCandidate[]> {
  for await (const lot of lots) {
    const candidates: NearCandidate[] = [];
    for (const match of lot) {
      const id = ids.at(match.row);
      if (id !== '' && isWanted(match.row, id)) candidates.push({ row: match.row, id, ...bounds(match) });
    }
    if (candidates.length > 0) yield candidates;
  }
}
