/** The distance that is asked about: between the fields of functions and a target, at the same places. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { checkLimit } from '../core/limits.ts';
import { distanceUnit } from '../field/outputs.ts';
import { openFunctions } from '../session/functions.ts';
import { type FieldCondition, passing } from './filter.ts';
import type { Observed } from './observed.ts';
import { pointsOf, valuesOnScale } from './places.ts';
import type { QueryContext, QueryOptions } from './types.ts';
import type { Found, NearCandidate } from './walk.ts';

/**
 * Compares candidates, those whose fields pass the conditions: root mean square of the differences, in signal units (in scales of
 * each output where these differ). Throws
 * LimitError `limit-multiply-adds` for the sum of all that was compared, AbortedError.
 */
export function comparing(
  context: QueryContext,
  { places, values: target }: Observed,
  conditions: readonly FieldCondition[],
  options: QueryOptions,
): (candidates: readonly NearCandidate[]) => Promise<Found[]> {
  const { store, model, engine, limits } = context;
  const { spec, outputs } = model.card;
  const unit = distanceUnit(outputs);
  const points = pointsOf(places);
  let work = 0;
  return async (candidates) => {
    work += (candidates.length * target.length * multiplyAddsPerPoint(spec)) / spec.outputs;
    checkLimit(
      'multiply-adds',
      work,
      limits.maxMultiplyAdds,
      'ask for fewer, narrow the filter, or compare at fewer `points`',
    );
    const ids = candidates.map(({ id }) => id);
    const there = store.getMany(ids, options).filter((fn) => fn !== undefined);
    const opened = await openFunctions(context, there, { ...options, limits });
    const functions = [];
    for await (const fn of passing(context, opened, conditions, options)) functions.push(fn);
    const found: Found[] = [];
    for await (const { fn, values } of valuesOnScale({ engine, model }, functions, points, options.signal)) {
      let sum = 0;
      for (let i = 0; i < values.length; i++) sum += (values[i]! - target[i]!) ** 2;
      // What is not finite is far from everything.
      const distance = unit * Math.sqrt(sum / values.length);
      if (Number.isFinite(distance)) found.push({ id: fn.id, label: fn.label, distance });
    }
    return found;
  };
}

/** The distances of an index as they are: nothing is evaluated, unless there are conditions on fields. */
export function asIndexed(
  context: QueryContext,
  conditions: readonly FieldCondition[],
  options: QueryOptions,
): (candidates: readonly NearCandidate[]) => Promise<Found[]> {
  const { store, limits } = context;
  return async (candidates) => {
    const distances = new Map(candidates.map(({ id, least }) => [id, least]));
    const there = store.getMany([...distances.keys()], options).filter((fn) => fn !== undefined);
    const found: Found[] = [];
    if (conditions.length === 0) {
      for (const { id, label } of there) found.push({ id, label, distance: distances.get(id)! });
      return found;
    }
    const opened = await openFunctions(context, there, { ...options, limits });
    for await (const { id, label } of passing(context, opened, conditions, options)) {
      found.push({ id, label, distance: distances.get(id)! });
    }
    return found;
  };
}
