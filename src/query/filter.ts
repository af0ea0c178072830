/** Which functions of a set: by what is known of them, and by what their fields are. */
import { setImmediate } from 'node:timers/promises';
import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { type Label, labelText } from '../core/label.ts';
import { checkLimit } from '../core/limits.ts';
import { fromField } from '../field/outputs.ts';
import { outputsOver } from '../field/own-range.ts';
import { pointCount } from '../field/spec.ts';
import {
  compareIds,
  type Functaset,
  type FunctionSummary,
  type StoredFunction,
  summaryOf,
  unknownFunction,
  unknownLabel,
} from '../functaset/index.ts';
import { type OpenFunction, openFunctions } from '../session/functions.ts';
import { groupsOf, valuesAt } from './places.ts';
import type { Condition, Filter } from './request.ts';
import { RegionSamples, type SampledPoints, together } from './sampling.ts';
import type { QueryContext, QueryOptions } from './types.ts';

/** Functions looked at between two turns of the event loop. */
const pageFunctions = 256;

/** What is known of a function, for an answer. */
export function factsOf({ id, label, shape, psnrDb, bits, codedBytes }: FunctionSummary) {
  return {
    id,
    label: label ?? null,
    shape,
    psnrDb: Number.isFinite(psnrDb) ? psnrDb : null,
    bits,
    bitsPerPoint: bits / pointCount(shape),
    codedBytes,
  };
}

/**
 * The functions that pass, opened, in order of ids, from the first after `after`. Memory stays that of a page; damaged ones are told
 * to `onDamaged`. Throws AbortedError,
 * LimitError `limit-multiply-adds`, NotFoundError `unknown-function` or `unknown-label` for what is not there, BadInputError `bad-region`,
 * `bad-channel`, `bad-condition`.
 */
export async function* selected(
  context: QueryContext,
  filter: Filter | undefined,
  after: string | undefined,
  options: QueryOptions,
): AsyncGenerator<OpenFunction> {
  checkLabels(context, filter);
  const conditions = conditionsOf(context, filter);
  for await (const found of groupsOfFacts(context, filter, after, options)) {
    const group = await openFunctions(context, found, { ...options, limits: context.limits });
    if (conditions.length === 0) yield* group;
    else yield* passing(context, group, conditions, options);
  }
}

/** Those whose facts pass, a page at a time. */
async function* groupsOfFacts(
  { store, part }: QueryContext,
  filter: Filter | undefined,
  after: string | undefined,
  { signal, onProgress, onDamaged }: QueryOptions,
): AsyncGenerator<StoredFunction[]> {
  if (filter?.ids !== undefined) {
    for (const ids of groupsOf(sortedIds(filter.ids, after), pageFunctions)) {
      if (signal?.aborted) throw new AbortedError();
      yield namedFunctions(store, ids, part).filter((fn) => passes(summaryOf(fn), filter));
      await setImmediate();
    }
    return;
  }
  const total = store.count;
  let done = 0;
  const functions = ofLabels(filter?.labels, (label) =>
    label === undefined ? store.iterate({ after, onDamaged }) : store.byLabel(label, { after, onDamaged }),
  );
  for (const group of groupsOf(functions, pageFunctions)) {
    if (signal?.aborted) throw new AbortedError();
    done += group.length;
    onProgress?.(done, total);
    yield filter === undefined ? group : group.filter((fn) => passes(summaryOf(fn), filter));
    await setImmediate();
  }
}

/** Those whose facts pass, without their numbers; conditions on fields are not looked at. Errors as above. */
export async function* summaries(
  { store, part }: QueryContext,
  filter: Filter | undefined,
  after: string | undefined,
  { signal, onProgress, onDamaged }: QueryOptions,
): AsyncGenerator<FunctionSummary> {
  checkLabels({ store, part }, filter);
  if (filter?.ids !== undefined) {
    for (const id of sortedIds(filter.ids, after)) {
      const [summary] = namedFunctions(store, [id], part).map(summaryOf);
      if (summary !== undefined && passes(summary, filter)) yield summary;
    }
    return;
  }
  const total = store.count;
  let done = 0;
  const all = ofLabels(filter?.labels, (label) => store.summaries({ after, label, onDamaged }));
  for (const summary of all) {
    if (++done % pageFunctions === 0) {
      if (signal?.aborted) throw new AbortedError();
      onProgress?.(done, total);
      await setImmediate();
    }
    if (passes(summary, filter)) yield summary;
  }
}

/** What a store has of some labels, in order of ids, each through the index of its label; without labels all that it has. */
function* ofLabels<T extends { readonly id: string }>(
  labels: readonly Label[] | undefined,
  of: (label: Label | undefined) => IterableIterator<T>,
): IterableIterator<T> {
  const forms = new Map((labels ?? []).map((label) => [labelText(label), label]));
  if (labels === undefined || forms.size === 1) return yield* of(labels?.[0]);
  const heads = [...forms.values()].flatMap((label) => {
    const from = of(label);
    const { value, done } = from.next();
    return done === true ? [] : [{ from, value: value as T }];
  });
  while (heads.length > 0) {
    const [first] = heads.sort((a, b) => compareIds(a.value.id, b.value.id));
    yield first!.value;
    const { value, done } = first!.from.next();
    if (done === true) heads.shift();
    else first!.value = value;
  }
}

/** What is known of the functions that pass, conditions on fields too, in order of ids from the first after `after`. Throws as `selected`. */
export function matching(
  context: QueryContext,
  filter: Filter | undefined,
  after: string | undefined,
  options: QueryOptions,
): AsyncGenerator<FunctionSummary> {
  return (filter?.field === undefined ? summaries : selected)(context, filter, after, options);
}

/** One function, opened. Throws NotFoundError `unknown-function`, EnvironmentError `function-damaged`. */
export async function openNamed(context: QueryContext, id: string): Promise<OpenFunction> {
  const { limits, part, store } = context;
  const named = part?.named?.id === id ? part.named : namedFunction(store, id);
  return (await openFunctions(context, [named], { limits }))[0]!;
}

/** Those of the ids that this part of the functaset has. Of a whole one throws as `namedFunction`. */
function namedFunctions(
  store: Functaset,
  ids: readonly string[],
  part: QueryContext['part'],
): StoredFunction[] {
  if (part === undefined) return ids.map((id) => namedFunction(store, id));
  return ids.map((id) => store.get(id)).filter((fn) => fn !== undefined);
}

/**
 * What a query names, looked up in a whole functaset before its parts are asked: the function of `id`, if one is named. Throws NotFoundError
 * `unknown-function` or `unknown-label`, EnvironmentError `function-damaged`.
 */
export function checkNames(
  store: Functaset,
  { id, filter }: { readonly id?: string | undefined; readonly filter?: Filter | undefined },
): StoredFunction | undefined {
  checkLabels({ store, part: undefined }, filter);
  for (const one of filter?.ids ?? []) namedFunction(store, one);
  return id === undefined ? undefined : namedFunction(store, id);
}

/** Throws NotFoundError `unknown-function`, EnvironmentError `function-damaged`. */
function namedFunction(store: Functaset, id: string): StoredFunction {
  const found = store.get(id);
  if (found !== undefined) return found;
  throw unknownFunction('the functaset', id);
}

/** Throws NotFoundError `unknown-label`. */
function checkLabels(
  { store, part }: Pick<QueryContext, 'store' | 'part'>,
  filter: Filter | undefined,
): void {
  if (part !== undefined) return;
  for (const label of filter?.labels ?? []) {
    if (store.summaries({ label, limit: 1, onDamaged: () => {} }).next().done) throw unknownLabel(label);
  }
}

/** In order of ids as the store has it: bytes of UTF-8. */
function sortedIds(ids: readonly string[], after: string | undefined): string[] {
  return [...new Set(ids)].filter((id) => after === undefined || compareIds(id, after) > 0).sort(compareIds);
}

function passes(summary: FunctionSummary, filter: Filter | undefined): boolean {
  if (filter === undefined) return true;
  const { labels, idPrefix, psnrDb, bits, bitsPerPoint, codedBytes } = filter;
  return (
    (labels === undefined || hasLabel(summary, labels)) &&
    (idPrefix === undefined || summary.id.startsWith(idPrefix)) &&
    within(summary.psnrDb, psnrDb) &&
    within(summary.bits, bits) &&
    within(summary.bits / pointCount(summary.shape), bitsPerPoint) &&
    within(summary.codedBytes, codedBytes)
  );
}

function hasLabel({ label }: FunctionSummary, labels: readonly Label[]): boolean {
  if (label === undefined) return false;
  const text = labelText(label);
  return labels.some((wanted) => labelText(wanted) === text);
}

function within(value: number, range: Filter['bits']): boolean {
  return range === undefined || (value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity));
}

/** A condition on fields, and the samples of signals that it looks at. */
export interface FieldCondition extends Condition {
  readonly samples: RegionSamples;
}

/** Throws BadInputError `bad-condition`, `bad-channel`, `bad-region`. */
export function conditionsOf(context: QueryContext, filter: Filter | undefined): FieldCondition[] {
  return (filter?.field ?? []).map((condition) => checkCondition(context, condition));
}

/** What an answer says of the samples that its conditions look at, of signals of `shape`; nothing without conditions. */
export function sampledBy(
  conditions: readonly FieldCondition[],
  shape: readonly number[],
): { readonly sampled?: SampledPoints } {
  if (conditions.length === 0) return {};
  return { sampled: together(conditions.map(({ samples }) => samples.sampledOf(shape))) };
}

function checkCondition({ model, store }: QueryContext, condition: Condition): FieldCondition {
  const { above, below, channel, region, points } = condition;
  if (above === undefined && below === undefined) {
    throw new BadInputError('bad-condition', 'a condition on the field needs above or below');
  }
  const { outputs } = model.card.spec;
  if (channel !== undefined && channel >= outputs) {
    throw new BadInputError(
      'bad-channel',
      `channel ${channel} is not there; signals have channels 0 to ${outputs - 1}`,
    );
  }
  return { ...condition, samples: new RegionSamples(store.info.shape, region, points, model.card.axes) };
}

/** Those of `functions` whose fields pass. Throws LimitError, AbortedError. */
export async function* passing(
  { model, engine, limits }: QueryContext,
  functions: readonly OpenFunction[],
  conditions: readonly FieldCondition[],
  { signal }: QueryOptions,
): AsyncGenerator<OpenFunction> {
  const { outputs } = model.card.spec;
  let left = functions;
  for (const condition of conditions) {
    const { samples } = condition;
    const looked = left.reduce((sum, { shape }) => sum + samples.sampledOf(shape).points, 0);
    const work = looked * multiplyAddsPerPoint(model.card.spec);
    checkLimit(
      'multiply-adds',
      work,
      limits.maxMultiplyAdds,
      'give a smaller region, or look at fewer `points`',
    );
    const passed: OpenFunction[] = [];
    const points = (shape: readonly number[]) => samples.pointsOf(shape, outputs);
    for await (const { fn, values } of valuesAt({ engine, model }, left, points, signal)) {
      const value = statisticOf(
        condition,
        fromField(outputsOver(model.card.outputs, fn.ranges), values),
        outputs,
      );
      if (value > (condition.above ?? -Infinity) && value < (condition.below ?? Infinity)) passed.push(fn);
    }
    left = passed;
  }
  yield* left;
}

/** Of signal values [points, outputs], over all of them or one channel. */
function statisticOf({ statistic, channel }: Condition, values: Float64Array, outputs: number): number {
  const own = channel === undefined ? values : values.filter((_, i) => i % outputs === channel);
  const mean = own.reduce((sum, v) => sum + v, 0) / own.length;
  switch (statistic) {
    case 'mean':
      return mean;
    case 'min':
      return own.reduce((least, v) => Math.min(least, v), Infinity);
    case 'max':
      return own.reduce((most, v) => Math.max(most, v), -Infinity);
    case 'deviation':
      return Math.sqrt(own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length);
    default:
      return statistic satisfies never;
  }
}
