/**
 * `duplicates`: functions that are as near as a threshold to one that stays. Functions are taken in order of ids; one that is near to none
 * that stays, stays. So every duplicate is named with a function that stays and its distance from it, and no two that stay are near:
 * without the duplicates there are none.
 *
 * Those that stay are kept in cells of the first coordinates of their vectors, as wide as the threshold: only neighbouring cells can hold
 * a near one. The bounds of the index leave few pairs whose fields are compared.
 */

import { setImmediate } from 'node:timers/promises';
import { AbortedError } from '../core/errors.ts';
import { distanceUnit } from '../field/outputs.ts';
import { compareIds } from '../functaset/index.ts';
import { boundsOf, rowsPassing, unitOf } from './candidates.ts';
import { comparing } from './compare.ts';
import { cursorAfter, idOfCursor } from './cursor.ts';
import { gridOf, gridSampled } from './embedding.ts';
import { openNamed } from './filter.ts';
import type { NearIndex } from './indexes.ts';
import { pointsOf, valuesOnScale } from './places.ts';
import type { RequestOf } from './request.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';
import { squaredDistance } from './vectors.ts';

/** Rows between two turns of the event loop. */
const rowsPerTurn = 256;
/** What float32 leaves open of a coordinate, of the length of a vector. */
const open = 1e-3;

interface Duplicate {
  readonly id: string;
  readonly of: string;
  readonly distance: number;
}

/** Throws BadInputError `bad-cursor`, what a filter throws, LimitError, AbortedError. */
export async function duplicates(
  context: QueryContext,
  { kind, maxDistance, filter, limit, cursor }: RequestOf<'duplicates'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  const index = await context.indexes.get('values', options);
  for (const fault of index.damaged) options.onDamaged?.(fault);
  const allowed = await rowsPassing(context, index, filter, options);
  const staying = new Staying(context, index, maxDistance, options);
  const page: Duplicate[] = [];
  let searched = 0;
  let next: string | null = null;
  for (let row = 0; row < index.ids.count && next === null; row++) {
    if (options.signal?.aborted) throw new AbortedError();
    if (row % rowsPerTurn === 0) {
      options.onProgress?.(row, index.ids.count);
      await setImmediate();
    }
    const id = index.ids.at(row);
    if (id === '' || allowed?.[row] === 0) continue;
    searched++;
    const near = await staying.nearest(row, id);
    if (near === undefined) staying.add(row);
    else if (after === undefined || compareIds(id, after) > 0) {
      if (page.length === limit) next = cursorAfter(page.at(-1)!.id);
      else page.push({ id, ...near });
    }
  }
  async function* rows(): AsyncIterable<Row> {
    for (const item of page) yield { ...item };
  }
  const head = { kind, maxDistance, sampled: gridSampled(context.model.card.shape), searched };
  return { head, rows: rows(), next: () => next };
}

/** Functions that stay, in cells. */
class Staying {
  readonly #context: QueryContext;
  readonly #index: NearIndex;
  readonly #threshold: number;
  readonly #options: QueryOptions;
  readonly #unit: number;
  readonly #width: number;
  readonly #cells = new Map<string, number[]>();

  constructor(context: QueryContext, index: NearIndex, threshold: number, options: QueryOptions) {
    this.#context = context;
    this.#index = index;
    this.#threshold = threshold;
    this.#options = options;
    this.#unit = unitOf(index.embedding, distanceUnit(context.model.card.outputs));
    let longest = 0;
    const zero = new Float32Array(index.embedding.dimensions);
    for (let row = 0; row < index.ids.count; row++) {
      longest = Math.max(longest, squaredDistance(index.vectors.row(row), zero));
    }
    this.#width = threshold / this.#unit + open * Math.sqrt(longest) + Number.MIN_VALUE;
  }

  add(row: number): void {
    const key = this.#cellOf(row).join();
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, [row]);
    else cell.push(row);
  }

  /** The nearest of those that stay, where it is near enough; of equal ones the first. */
  async nearest(row: number, id: string): Promise<{ of: string; distance: number } | undefined> {
    const { vectors, ids } = this.#index;
    const vector = vectors.row(row);
    const bounds = boundsOf(this.#index, vector, this.#unit);
    const candidates = this.#around(row).flatMap((other) => {
      const distance = squaredDistance(vectors.row(other), vector);
      const { least, most } = bounds({ row: other, distance });
      return least <= this.#threshold ? [{ row: other, id: ids.at(other), least, most }] : [];
    });
    if (candidates.length === 0) return undefined;
    candidates.sort((a, b) => a.row - b.row);
    const { model, engine } = this.#context;
    const places = gridOf(model.card.shape);
    const fn = await openNamed(this.#context, id);
    for await (const { values } of valuesOnScale(
      { engine, model },
      [fn],
      pointsOf(places),
      this.#options.signal,
    )) {
      const { shape } = fn;
      const target = { shape, places, values, sampled: gridSampled(model.card.shape) };
      const found = await comparing(this.#context, target, [], this.#options)(candidates);
      const near = found
        .filter(({ distance }) => distance <= this.#threshold)
        .reduce<(typeof found)[number] | undefined>(
          (best, item) => (best === undefined || item.distance < best.distance ? item : best),
          undefined,
        );
      if (near !== undefined) return { of: near.id, distance: near.distance };
    }
    return undefined;
  }

  #around(row: number): number[] {
    const [x, y] = this.#cellOf(row);
    const rows: number[] = [];
    for (const dx of [-1, 0, 1]) {
      for (const dy of [-1, 0, 1]) rows.push(...(this.#cells.get(`${x! + dx},${y! + dy}`) ?? []));
    }
    return rows;
  }

  #cellOf(row: number): number[] {
    const vector = this.#index.vectors.row(row);
    return [0, 1].map((axis) => Math.floor((vector[axis] ?? 0) / this.#width));
  }
}
