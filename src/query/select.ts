/** `where`: functions that pass a filter. `unlikely`: those that cost most bits, outliers first. */
import { setImmediate } from 'node:timers/promises';
import type { Gaussian, GaussianScore } from '../../prior/gaussian/index.ts';
import { type AnyPrior, anyPrior, generativeKinds, kindsThat } from '../../prior/kinds.ts';
import { quantise, stepsAt } from '../../prior/quantiser.ts';
import { stepsOf } from '../../prior/train/standard.ts';
import { AbortedError, BadInputError, BugError, NotFoundError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import type { FunctionSummary } from '../functaset/index.ts';
import { ownPrior } from '../jobs/own-prior.ts';
import { multiplyAddsToScore } from '../models/abilities.ts';
import { networkPerNumber, openGenerative, samplersOf } from '../models/generative.ts';
import { priorKind } from '../models/priors.ts';
import { bitsOfSymbols } from '../session/coding.ts';
import { type ModulatedFunction, modulated } from '../session/functions.ts';
import { broughtTo } from '../session/refit.ts';
import { Best } from './best.ts';
import { cursorAfter, cursorAfterScore, follows, idOfCursor, type Shown, scoreOf } from './cursor.ts';
import { conditionsOf, factsOf, sampledBy, selected, summaries } from './filter.ts';
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
  const conditions = conditionsOf(context, filter);
  const { shape } = context.store.info;
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
      // Of a signal of another shape other samples were looked at than the head says.
      const isOther = fn.shape.join() !== shape.join();
      yield { ...factsOf(fn), ...(isOther ? sampledBy(conditions, fn.shape) : {}) };
    }
  }
  const head = { kind, ...sampledBy(conditions, shape) };
  return { head, rows: rows(), next: () => next };
}

/**
 * Throws BadInputError `bad-cursor`, `unknown-prior`, `prior-cannot` or `prior-shape`, NotFoundError `no-prior`, LimitError,
 * AbortedError.
 */
export async function unlikely(
  context: QueryContext,
  request: RequestOf<'unlikely'>,
  options: QueryOptions,
): Promise<QueryAnswer> {
  const { filter, k, cursor, prior, kind } = request;
  const after = scoreOf(cursor);
  let chosen = await choosePrior(context, prior, options);
  let best: Best<Scored>;
  try {
    best = await ranked(context, request, after, chosen, options);
  } catch (error) {
    if (prior !== undefined || !(error instanceof BadInputError) || error.code !== 'prior-shape') throw error;
    chosen = { said: { prior: 'stored', why: error.message }, price: undefined };
    best = await ranked(context, request, after, chosen, options);
  }
  const found = best.take();
  const page = found.slice(0, k);
  const last = page.at(-1);
  async function* rows(): AsyncIterable<Row> {
    for (const { item } of page) {
      const { fn, bits, isPlainFit } = item;
      // Densities and tables know modulations alone: what they say of samples they say of their plain fit.
      const said = isPlainFit ? { plainFit: true } : {};
      yield { ...factsOf(fn), bits, bitsPerPoint: bits / pointCount(fn.shape), ...said };
    }
  }
  const next =
    found.length > k && last !== undefined
      ? cursorAfterScore({ distance: last.score, id: last.item.fn.id })
      : null;
  const head = {
    ...{ kind, ...chosen.said },
    ...sampledBy(conditionsOf(context, filter), context.store.info.shape),
  };
  return { head, rows: rows(), next: () => next };
}

interface Scored {
  readonly fn: FunctionSummary;
  readonly bits: number;
  readonly isPlainFit: boolean;
}

/** The `k` + 1 that come after `after`: one more than the page has says that there is another. */
async function ranked(
  context: QueryContext,
  { filter, k }: RequestOf<'unlikely'>,
  after: Shown | undefined,
  { price }: Chosen,
  options: QueryOptions,
): Promise<Best<Scored>> {
  const best = new Best<Scored>(k + 1);
  const offer = (fn: FunctionSummary, bits: number, isPlainFit = false) => {
    const score = -bits / pointCount(fn.shape);
    // Functions come in order of ids, and of equal scores the first that was offered is kept.
    if (after === undefined || follows({ distance: score, id: fn.id }, after))
      best.offer({ fn, bits, isPlainFit }, score);
  };
  if (price === undefined && filter?.field === undefined) {
    for await (const fn of summaries(context, filter, undefined, options)) offer(fn, fn.bits);
    return best;
  }
  for await (const fn of selected(context, filter, undefined, options)) {
    if (options.signal?.aborted) throw new AbortedError();
    // Not the function itself: its numbers would stay in memory.
    const { id, label, shape, psnrDb, bits, codedBytes, modulationBytes } = fn;
    const facts = { id, label, shape, psnrDb, bits, codedBytes, modulationBytes } as FunctionSummary;
    if (price === undefined) offer(facts, bits);
    else {
      const [own] = await modulated(context, [fn], options);
      offer(facts, await price(own!), own!.isPlainFit);
    }
    await setImmediate();
  }
  return best;
}

type Price = (fn: ModulatedFunction) => number | Promise<number>;

interface Chosen {
  /** What the answer says of the prior. */
  readonly said: Row;
  /** Absent: the bits that are stored. */
  readonly price: Price | undefined;
}

/**
 * By default the store's own prior: what is unlike the set. Where there can be none, the bits that are stored, and the answer says
 * why.
 */
async function choosePrior(
  context: QueryContext,
  name: string | undefined,
  options: QueryOptions,
): Promise<Chosen> {
  if (name === 'stored') return { said: { prior: name }, price: undefined };
  if (name !== undefined && name !== 'own') {
    return { said: { prior: name }, price: await pricing(context, name) };
  }
  const { model, store, part } = context;
  try {
    if (store.info.shape.join() !== model.card.shape.join()) {
      throw new BadInputError(
        'own-prior',
        `the prior of a functaset knows functions of [${model.card.shape}] alone, and these are of [${store.info.shape}]`,
      );
    }
    const own = part?.prior ?? (await ownPrior(context, store, options));
    const price = priceByGaussian(context, own, 'own');
    return { said: { prior: 'own' }, price: limited(context, price, networkPerNumber) };
  } catch (error) {
    if (name !== undefined || !(error instanceof BadInputError)) throw error;
    return { said: { prior: 'stored', why: error.message }, price: undefined };
  }
}

/**
 * Bits of a function under a prior of the model: by the tables of a coder at the quality that the function was coded with, or
 * by a density, as a bound, at the quality of its file (`flow`) or that of the function (`gaussian`; 50 of a network that changes
 * with quality).
 */
async function pricing(context: QueryContext, name: string): Promise<Price> {
  const { model } = context;
  const prior = anyPrior(name);
  const able = kindsThat('score');
  const there = (await samplersOf(model)).filter((known) => able.some((kind) => kind === known));
  const help = `there are ${there.join(', ') || 'none'}`;
  if (prior === undefined) {
    throw new BadInputError('unknown-prior', `no prior is called ${name}; of those that score, ${help}`);
  }
  if (!able.some((kind) => kind === prior)) {
    throw new BadInputError('prior-cannot', `the ${prior} prior has no bits; of those that do, ${help}`);
  }
  if (!there.includes(prior)) {
    throw new NotFoundError('no-prior', `model ${model.card.name} has no prior ${prior}; ${help}`);
  }
  return limited(context, await priceBy(context, prior), multiplyAddsToScore(model, prior));
}

/** Throws LimitError `limit-multiply-adds` after so much work. */
function limited({ limits }: QueryContext, price: Price, perNumber: number): Price {
  let work = 0;
  return (fn) => {
    work += fn.modulation.length * perNumber;
    checkLimit(
      'multiply-adds',
      work,
      limits.maxMultiplyAdds,
      'narrow the filter, or rank by the stored bits',
    );
    return price(fn);
  };
}

async function priceBy(context: QueryContext, prior: AnyPrior): Promise<Price> {
  const { model } = context;
  const { card } = model;
  // Densities were learnt from modulations of quality 50.
  const learnt = async (fn: ModulatedFunction) => (await broughtTo(context, [fn], defaultQuality))[0]!;
  const beside = generativeKinds.find((kind) => kind === prior);
  if (beside !== undefined) {
    const density = await openGenerative(model, beside);
    if ('scoreAt' in density) return priceByGaussian(context, density, prior);
    if ('symbolBits' in density) {
      const bits = async (fn: ModulatedFunction) =>
        density.symbolBits((await learnt(fn)).modulation, noiseSeed)[0]!;
      return ownShape(model, prior, bits);
    }
    throw new BugError(`the ${prior} prior says that it scores, and has no score`);
  }
  const kind = priorKind(prior);
  return ({ shape, quality, modulation }) => {
    const layout = modulationLayout(card.spec, shape);
    const symbols = quantise(layout, modulation, stepsAt(atQuality(model, quality).steps, quality));
    return bitsOfSymbols(model, layout, quality, kind, symbols);
  };
}

function priceByGaussian(context: QueryContext, gaussian: Gaussian, name: string): Price {
  const { model } = context;
  const { card } = model;
  const layout = modulationLayout(card.spec, card.shape);
  const scores = new Map<number, GaussianScore>();
  return ownShape(model, name, async (fn) => {
    const { modulation, quality: own } = (await broughtTo(context, [fn], defaultQuality))[0]!;
    const quality = model.slopes === undefined ? own : defaultQuality;
    const score = scores.get(quality) ?? gaussian.scoreAt(stepsOf(layout, stepsAt(model.steps, quality)));
    scores.set(quality, score);
    return score(modulation, noiseSeed)[0]!;
  });
}

/** Of the noise within a step: the same for all, so that the order is always the same. */
const noiseSeed = 0;

/** Densities are over functions of the model's own shape. */
function ownShape({ card }: Model, prior: string, price: Price): Price {
  return (fn) => {
    if (fn.shape.join() === card.shape.join()) return price(fn);
    throw new BadInputError(
      'prior-shape',
      `the ${prior} prior knows functions of [${card.shape}], and ${fn.id} is of [${fn.shape}]; ${kindsThat('code').join(', ')} know any`,
    );
  };
}
