/** What combining gives: functions in bytes, or decoded signals. */

import { multiplyAddsPerPoint, withSections } from '../../codec/index.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import {
  aBox,
  aFlag,
  aModel,
  aModelAndEngine,
  aNumber,
  anObject,
  aSize,
  aTerm,
  aText,
  check,
  having,
  listOf,
  optionsOf,
} from '../core/check.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import type { Axis } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { bestPrior } from '../models/priors.ts';
import type { GridPoints } from '../session/between.ts';
import { archiveOf, checkCodedAt } from '../session/coding.ts';
import { aboutBeside, axesAt, sectionsSaid } from '../session/description.ts';
import { outputGrid } from '../session/grid.ts';
import { inlineWork } from '../session/inline-work.ts';
import { fieldRows } from '../session/rows.ts';
import type { DecodeOptions, Session } from '../session/types.ts';
import type { SessionWork } from '../session/work.ts';
import { collectRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import type { Term } from './combine.ts';

/**
 * One `.functa` file, or an archive of several functions, at the quality that the terms are of unless another is given. Throws what
 * coding throws, BadInputError `quality` where that is of another network.
 *
 * @example
 * const mean = await codeTerms(session, [meanOf([fn, other])]);
 */
export async function codeTerms(
  session: Pick<Session, 'model'>,
  terms: readonly Term[],
  options: {
    readonly quality?: number | undefined;
    readonly prior?: PriorKind | undefined;
    readonly work?: SessionWork | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<Uint8Array> {
  check(
    'codeTerms',
    having({ model: aModel })(session, 'session'),
    listOf(aTerm, 'functions')(terms, 'terms'),
    optionsOf({ quality: aNumber, prior: aText, work: anObject })(options, 'options'),
  );
  const { model } = session;
  const own = terms[0]?.quality ?? defaultQuality;
  const { quality = own, prior = bestPrior(model), work = inlineWork, signal } = options;
  checkCodedAt(model, quality, own);
  const items: { bytes: Uint8Array }[] = [];
  for (const { modulation, shape, places, about } of terms) {
    const { bytes } = await work.code(model, { modulation, shape, quality, prior }, signal);
    const sections = sectionsSaid({ places, about }, model.card.outputs.length);
    items.push({ bytes: sections.length === 0 ? bytes : withSections(bytes, sections) });
  }
  return items.length === 1 ? items[0]!.bytes : stoppable(signal, () => archiveOf(model, items));
}

/**
 * The signals of functions, as they are and not as a code would round them. Throws as `Session.decodeRows`.
 *
 * @example
 * const [mean] = await decodeTerms(session, [meanOf([fn, other])]);
 */
export async function decodeTerms(
  session: Pick<Session, 'model' | 'engine'>,
  terms: readonly Term[],
  options: Omit<DecodeOptions, 'item'> & { readonly limits?: Limits | undefined } = {},
): Promise<Signal[]> {
  check(
    'decodeTerms',
    aModelAndEngine(session, 'session'),
    listOf(aTerm, 'functions')(terms, 'terms'),
    optionsOf({ size: aSize, region: aBox, raw: aFlag })(options, 'options'),
  );
  const { limits = defaultLimits } = options;
  checkTogether(session, terms, { ...options, limits });
  const signals: Signal[] = [];
  for (const [i, term] of terms.entries()) {
    const { modulation, shape, quality } = term;
    const { card } = session.model;
    const axes = axesOfTerm(session.model, term);
    const grid = outputGrid(shape, { ...options, axes }, limits);
    const points = grid.points(0, grid.shape[0]!) as GridPoints;
    const about = aboutBeside(card.outputs.length, sectionsSaid(term, card.outputs.length), points);
    const stream = fieldRows(session, shape, modulation, { ...options, axes, limits, quality });
    const values = await collectRows(stream);
    const { shape: drawn, channels, axes: along } = stream;
    signals.push({ id: String(i), shape: drawn, channels, axes: along, about, values });
  }
  return signals;
}

function axesOfTerm({ card }: Pick<Model, 'card'>, { shape, places }: Term): Axis[] {
  return axesAt(card, shape, places);
}

/** All signals are in memory at once. */
function checkTogether(
  { model }: Pick<Session, 'model'>,
  terms: readonly Term[],
  options: Omit<DecodeOptions, 'item'> & { readonly limits: Limits },
): void {
  const { limits } = options;
  const points = terms.reduce(
    (sum, term) =>
      sum + pointCount(outputGrid(term.shape, { ...options, axes: axesOfTerm(model, term) }, limits).shape),
    0,
  );
  const hint = 'ask for fewer or smaller signals';
  checkLimit('samples', points, limits.maxSamples, hint);
  const work = points * multiplyAddsPerPoint(model.card.spec);
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, hint);
}
