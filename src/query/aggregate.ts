/** `aggregate`: a set as new fields, or the functions of each label as fields of their own. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import { type Label, labelText, plainLabel } from '../core/label.ts';
import { checkLimit } from '../core/limits.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import { fromField } from '../field/outputs.ts';
import { outputsOver } from '../field/own-range.ts';
import { pointCount } from '../field/spec.ts';
import { compareLabels } from '../functaset/index.ts';
import { outputGrid } from '../session/index.ts';
import { Common, type CommonSaid, commonOfParts } from './common.ts';
import { conditionsOf, sampledBy, selected } from './filter.ts';
import { pointsOf, type RelativePoints, together, valuesAt } from './places.ts';
import type { RequestOf } from './request.ts';
import { RegionSamples } from './sampling.ts';
import { Spread } from './spread.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';

/** Values of the fields of an aggregate, at most: they are numbers in JSON. */
const maxFieldValues = 2 ** 18;

/** Functions of one label; undefined: all of them, or those without one. */
interface Group {
  label: Label | undefined;
  readonly field: Spread;
  /** [outputs]; undefined: no region was asked about. */
  readonly integral: Spread | undefined;
}

/**
 * Throws BadInputError `bad-size`, `bad-region`, `empty-set`, LimitError, AbortedError. Of a part of a functaset the rows are sums, for
 * `mergeAggregates`.
 */
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
  checkValues(points * outputs, 1);
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
  const common = new Common(card, shape);
  const groups = new Map<string | undefined, Group>();
  const groupOf = ({ label }: { readonly label?: Label | undefined }): Group => {
    const of = request.by === 'label' ? label : undefined;
    const key = of === undefined ? undefined : labelText(of);
    let group = groups.get(key);
    if (group === undefined) {
      checkValues(points * outputs, groups.size + 1);
      const integral = region && new Spread(outputs);
      group = {
        label: of === undefined ? undefined : plainLabel(of),
        field: new Spread(points * outputs),
        integral,
      };
      groups.set(key, group);
    }
    if (of !== undefined) group.label = first(group.label, plainLabel(of));
    return group;
  };
  let work = 0;
  for await (const some of groupsLater(selected(context, request.filter, undefined, options), together)) {
    work += some.length * (points + (region?.sampledOf(shape).points ?? 0)) * multiplyAddsPerPoint(card.spec);
    checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'ask for a smaller size, or narrow the filter');
    const source = { engine, model };
    for await (const { fn, values: found } of valuesAt(source, some, grid, options.signal)) {
      common.take(fn);
      groupOf(fn).field.add(fromField(outputsOver(card.outputs, fn.ranges), found));
    }
    if (region === undefined) continue;
    const inside = (own: readonly number[]) => region.pointsOf(own, outputs);
    const area = pointCount(region.region!.count);
    for await (const { fn, values: found } of valuesAt(source, some, inside, options.signal)) {
      const own = outputsOver(card.outputs, fn.ranges);
      groupOf(fn).integral!.add(fromField(own, channelMeans(found, outputs)).map((v) => area * v));
    }
  }
  const head = {
    ...{ kind: request.kind, shape: size, channels: outputs, ...common.said(size) },
    ...sampledBy(conditions, shape),
    ...(region && { integral: { region: region.region, sampled: region.sampledOf(shape) } }),
  };
  const all = [...groups.values()];
  if (context.part === undefined) return answer(request, head, all);
  async function* rows(): AsyncIterable<Row> {
    for (const { label, field, integral } of all) {
      const sums = { field: base64Of(field), integral: integral && base64Of(integral) };
      yield { ...(label === undefined ? {} : { label }), ...sums };
    }
  }
  return { head, rows: rows(), next: () => null };
}

/** The answer of a functaset from those of its parts. Throws BadInputError `empty-set`, LimitError. */
export function mergeAggregates(
  request: RequestOf<'aggregate'>,
  parts: readonly { readonly head: Row & { readonly kind: string }; readonly items: readonly Row[] }[],
): QueryAnswer {
  const groups = new Map<string | undefined, Group>();
  for (const { items } of parts) {
    for (const item of items) {
      const { label, field, integral } = item as {
        readonly label?: Label;
        readonly field: string;
        readonly integral?: string;
      };
      const key = label === undefined ? undefined : labelText(label);
      const known = groups.get(key);
      if (known === undefined) {
        const spreads = {
          field: spreadOf(field),
          integral: integral === undefined ? undefined : spreadOf(integral),
        };
        checkValues(spreads.field.length, groups.size + 1);
        groups.set(key, { label, ...spreads });
        continue;
      }
      known.field.addBytes(Buffer.from(field, 'base64'));
      if (integral !== undefined) known.integral?.addBytes(Buffer.from(integral, 'base64'));
      if (label !== undefined) known.label = first(known.label, label);
    }
  }
  const head = { ...parts[0]!.head, ...commonOfParts(parts.map((part) => part.head as CommonSaid)) };
  return answer(request, head, [...groups.values()]);
}

/** Groups by their labels, the one of functions without any at the end. */
function answer(
  { by }: RequestOf<'aggregate'>,
  head: Row & { readonly kind: string; readonly integral?: unknown },
  groups: readonly Group[],
): QueryAnswer {
  if (groups.length === 0)
    throw new BadInputError('empty-set', 'no function passes the filter; there is nothing to aggregate');
  const { kind, integral: about, ...others } = head;
  const functions = groups.reduce((sum, { field }) => sum + field.count, 0);
  const integralOf = ({ integral }: Group) =>
    integral && { integral: { ...(about as Row), ...integral.statistics() } };
  const inOrder = [...groups].sort((a, b) => {
    if (a.label === undefined || b.label === undefined)
      return Number(a.label === undefined) - Number(b.label === undefined);
    return compareLabels(a.label, b.label);
  });
  async function* rows(): AsyncIterable<Row> {
    for (const group of inOrder) {
      for (const [statistic, values] of Object.entries(group.field.statistics())) {
        if (by === undefined) yield { statistic, values };
        else yield { label: group.label ?? null, functions: group.field.count, statistic, values };
      }
    }
  }
  const said =
    by === undefined
      ? integralOf(groups[0]!)
      : {
          groups: inOrder.map((group) => ({
            ...{ label: group.label ?? null, functions: group.field.count },
            ...integralOf(group),
          })),
        };
  return { head: { kind, functions, ...others, ...said }, rows: rows(), next: () => null };
}

function checkValues(values: number, groups: number): void {
  checkLimit('field-values', values * groups, maxFieldValues, 'ask for a smaller size, or for fewer labels');
}

/** Labels that print the same are one: a number counts before its text, so that the order of functions does not say which it is. */
function first(known: Label | undefined, label: Label): Label {
  return known === undefined || compareLabels(label, known) < 0 ? label : known;
}

function base64Of(spread: Spread): string {
  return Buffer.from(spread.toBytes()).toString('base64');
}

function spreadOf(text: string): Spread {
  return Spread.fromBytes(Buffer.from(text, 'base64'));
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
