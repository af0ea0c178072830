/** `aggregate`: a set as new fields. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import { fromField } from '../field/outputs.ts';
import { outputsOver } from '../field/own-range.ts';
import { pointCount } from '../field/spec.ts';
import { outputGrid } from '../session/index.ts';
import { conditionsOf, sampledBy, selected } from './filter.ts';
import { pointsOf, type RelativePoints, together, valuesAt } from './places.ts';
import type { RequestOf } from './request.ts';
import { RegionSamples } from './sampling.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';

/** Values of the fields of an aggregate, at most: they are numbers in JSON. */
const maxFieldValues = 2 ** 18;

/** Throws BadInputError `bad-size`, `bad-region`, `empty-set`, LimitError, AbortedError. */
export async function aggregate(
  context: QueryContext,
  request: RequestOf<'aggregate'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { model, store, engine, limits } = context;
  const { card } = model;
  const { outputs } = card.spec;
  const { shape } = store.info;
  const asked = request.size;
  const { shape: size } = outputGrid(
    shape,
    { size: typeof asked === 'string' ? asked : asked && { shape: asked } },
    limits,
  );
  const points = pointCount(size);
  checkLimit('field-values', points * outputs, maxFieldValues, 'ask for a smaller size');
  if (request.points !== undefined && request.region === undefined) {
    throw new BadInputError(
      'bad-query',
      'points says how many samples of a region are looked at; give a region',
    );
  }
  const conditions = conditionsOf(context, request.filter);
  const region =
    request.region === undefined
      ? undefined
      : new RegionSamples(shape, request.region, request.points, card.axes);
  const grid = pointsOf(gridPlaces(shape, size));
  const field = new Spread(points * outputs);
  const integral = new Spread(outputs);
  let work = 0;
  for await (const group of groupsLater(selected(context, request.filter, undefined, options), together)) {
    work +=
      group.length * (points + (region?.sampledOf(shape).points ?? 0)) * multiplyAddsPerPoint(card.spec);
    checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'ask for a smaller size, or narrow the filter');
    const source = { engine, model };
    for await (const { fn, values: found } of valuesAt(source, group, grid, options.signal)) {
      field.add(fromField(outputsOver(card.outputs, fn.ranges), found));
    }
    if (region === undefined) continue;
    const inside = (own: readonly number[]) => region.pointsOf(own, outputs);
    const area = pointCount(region.region!.count);
    for await (const { fn, values: found } of valuesAt(source, group, inside, options.signal)) {
      const own = outputsOver(card.outputs, fn.ranges);
      integral.add(fromField(own, channelMeans(found, outputs)).map((v) => area * v));
    }
  }
  if (field.count === 0)
    throw new BadInputError('empty-set', 'no function passes the filter; there is nothing to aggregate');
  async function* rows(): AsyncIterable<Row> {
    for (const [statistic, values] of Object.entries(field.statistics())) yield { statistic, values };
  }
  const head = {
    kind: request.kind,
    functions: field.count,
    shape: size,
    channels: outputs,
    ...sampledBy(conditions, shape),
    ...(region === undefined
      ? {}
      : {
          integral: {
            ...{ region: region.region, sampled: region.sampledOf(shape) },
            ...integral.statistics(),
          },
        }),
  };
  return { head, rows: rows(), next: () => null };
}

/** Mean, variance and extremes of vectors, one at a time (Welford 1962). */
class Spread {
  count = 0;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;

  constructor(length: number) {
    this.#mean = new Float64Array(length);
    this.#squares = new Float64Array(length);
    this.#min = new Float64Array(length).fill(Infinity);
    this.#max = new Float64Array(length).fill(-Infinity);
  }

  add(values: ArrayLike<number>): void {
    this.count++;
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      const off = v - this.#mean[i]!;
      this.#mean[i]! += off / this.count;
      this.#squares[i]! += off * (v - this.#mean[i]!);
      this.#min[i] = Math.min(this.#min[i]!, v);
      this.#max[i] = Math.max(this.#max[i]!, v);
    }
  }

  statistics() {
    const variance = Array.from(this.#squares, (sum) => sum / this.count);
    return { mean: [...this.#mean], variance, min: [...this.#min], max: [...this.#max] };
  }
}

function gridPlaces(shape: readonly number[], size: readonly number[]): RelativePoints {
  const positions = gridPositions(coveringGrid(shape, size));
  return { axes: shape.length, relative: positions.map((x, i) => x / shape[i % shape.length]!) };
}

function channelMeans(found: Float32Array, outputs: number): number[] {
  const sums = new Array<number>(outputs).fill(0);
  for (let i = 0; i < found.length; i++) sums[i % outputs]! += found[i]!;
  return sums.map((sum) => (sum * outputs) / found.length);
}

async function* groupsLater<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
