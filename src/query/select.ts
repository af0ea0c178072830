/** `where`: functions that pass a filter. `unlikely`: those that cost most bits, outliers first. */
import { setImmediate } from 'node:timers/promises';
import { readHeader } from '../../codec/index.ts';
import { symbolLayout } from '../../prior/prior.ts';
import { quantise, stepsAt } from '../../prior/quantiser.ts';
import { AbortedError, NotFoundError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { pointCount } from '../field/spec.ts';
import { type FunctionSummary, type StoredFunction, summaryOf } from '../functaset/index.ts';
import { bitsOf, multiplyAddsPerSymbol, priorKind } from '../pipeline/coding.ts';
import { defaultQuality, priorsOf } from '../pipeline/index.ts';
import { Best } from './best.ts';
import { cursorAfter, cursorAtRank, idOfCursor, ranksOf } from './cursor.ts';
import { factsOf, selected, summaries } from './filter.ts';
import type { RequestOf } from './request.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';

/** Throws BadInputError `bad-cursor`; walking throws as `selected` does. */
export function where(
  context: QueryContext,
  request: RequestOf<'where'>,
  options: QueryOptions,
): QueryAnswer {
  const { filter, limit, cursor, kind } = request;
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  let next: string | null = null;
  async function* rows(): AsyncIterable<Row> {
    let last: string | undefined;
    let left = limit;
    const found =
      filter.field === undefined
        ? summaries(context, filter, after, options)
        : selected(context, filter, after, options);
    for await (const fn of found) {
      if (left === 0) {
        next = cursorAfter(last!);
        return;
      }
      left--;
      last = fn.id;
      yield factsOf('modulation' in fn ? summaryOf(fn) : fn);
    }
  }
  return { head: { kind }, rows: rows(), next: () => next };
}

/** Throws BadInputError `bad-cursor`, `unknown-prior`, NotFoundError `no-prior`, LimitError, AbortedError. */
export async function unlikely(
  context: QueryContext,
  request: RequestOf<'unlikely'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { filter, k, cursor, prior, kind } = request;
  const { first, end } = ranksOf(cursor, k);
  const best = new Best<{ readonly fn: FunctionSummary; readonly bits: number }>(end + 1);
  const offer = (fn: FunctionSummary, bits: number) => best.offer({ fn, bits }, -bits / pointCount(fn.shape));
  if (prior === undefined && filter?.field === undefined) {
    for await (const fn of summaries(context, filter, undefined, options)) offer(fn, fn.bits);
  } else {
    const price = prior === undefined ? (fn: StoredFunction) => fn.bits : pricing(context, prior);
    for await (const fn of selected(context, filter, undefined, options)) {
      if (options.signal?.aborted) throw new AbortedError();
      offer(summaryOf(fn), price(fn));
      await setImmediate();
    }
  }
  const found = best.take();
  async function* rows(): AsyncIterable<Row> {
    for (const { item } of found.slice(first, end)) {
      const { fn, bits } = item;
      yield { ...factsOf(fn), bits, bitsPerPoint: bits / pointCount(fn.shape) };
    }
  }
  const next = found.length > end ? cursorAtRank(end) : null;
  return { head: { kind, prior: prior ?? 'stored' }, rows: rows(), next: () => next };
}

/** Bits of a function under a prior of the model, at the quality that it was coded with. */
function pricing({ model, limits }: QueryContext, name: string): (fn: StoredFunction) => number {
  const prior = priorKind(name);
  const there = priorsOf(model);
  if (!there.includes(prior)) {
    throw new NotFoundError(
      'no-prior',
      `model ${model.card.name} has no prior ${prior}; it has ${there.join(', ')}`,
    );
  }
  const perSymbol = multiplyAddsPerSymbol(model, prior);
  let work = 0;
  return ({ modulation, shape, coded }) => {
    work += modulation.length * perSymbol;
    checkLimit(
      'multiply-adds',
      work,
      limits.maxMultiplyAdds,
      'narrow the filter, or rank by the stored bits',
    );
    const quality = coded.length > 0 ? readHeader(coded, limits).quality : defaultQuality;
    const layout = symbolLayout(model.card.spec, shape);
    const symbols = quantise(layout, modulation, stepsAt(model.steps, quality));
    return bitsOf(model, layout, quality, prior, symbols);
  };
}
