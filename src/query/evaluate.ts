/** `evaluate`: values, and exact derivatives, of many functions at given coordinates. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { fromField } from '../field/outputs.ts';
import { outputsOver } from '../field/own-range.ts';
import type { OpenFunction } from '../session/functions.ts';
import { cursorAfter, idOfCursor } from './cursor.ts';
import { conditionsOf, sampledBy, selected } from './filter.ts';
import { valuesAt } from './places.ts';
import type { RequestOf } from './request.ts';
import { rowsOf, slopes } from './slopes.ts';
import type { QueryAnswer, QueryContext, QueryOptions, Row } from './types.ts';

/** Numbers of a page of values and derivatives, at most. */
const maxAnswerValues = 2 ** 20;
/** Throws BadInputError `bad-coordinates`, `bad-cursor`; rows throw BadInputError `outside-signal`, and as `selected` does. */
export function evaluate(
  context: QueryContext,
  request: RequestOf<'evaluate'>,
  options: QueryOptions,
): QueryAnswer {
  const { model, limits } = context;
  const { filter, coordinates, derivatives, limit, cursor, kind } = request;
  const { axes, outputs } = model.card.spec;
  const bad = coordinates.find((x) => x.length !== axes);
  if (bad !== undefined) {
    throw new BadInputError(
      'bad-coordinates',
      `coordinate [${bad}] has not one number for each of ${axes} axes; give ${axes}, the slowest axis first`,
    );
  }
  const passes = derivatives ? 1 + axes : 1;
  const numbers = limit * coordinates.length * outputs * passes;
  checkLimit(
    'answer-values',
    numbers,
    maxAnswerValues,
    'ask for a page of fewer functions, or for fewer points',
  );
  const work = limit * coordinates.length * multiplyAddsPerPoint(model.card.spec) * passes;
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'ask for fewer functions or points');
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  let next: string | null = null;
  async function* rows(): AsyncIterable<Row> {
    const functions: OpenFunction[] = [];
    for await (const fn of selected(context, filter, after, options)) {
      if (functions.length === limit) {
        next = cursorAfter(functions.at(-1)!.id);
        break;
      }
      functions.push(fn);
    }
    for (const { id, shape } of functions) checkInside(coordinates, shape, id);
    yield* derivatives
      ? slopes(context, functions, coordinates, options)
      : values(context, functions, coordinates, options);
  }
  const head = {
    ...{ kind, points: coordinates.length, channels: outputs },
    ...sampledBy(conditionsOf(context, filter), context.store.info.shape),
  };
  return { head, rows: rows(), next: () => next };
}

/** Beyond its borders a field is nothing that was fitted to a signal. Throws BadInputError `outside-signal`. */
function checkInside(
  coordinates: readonly (readonly number[])[],
  shape: readonly number[],
  id: string,
): void {
  const bad = coordinates.find((point) => point.some((x, axis) => !(x >= 0 && x <= shape[axis]!)));
  if (bad === undefined) return;
  throw new BadInputError(
    'outside-signal',
    `point [${bad}] is outside function ${id} of [${shape}]: coordinates go from 0 to the size of each axis`,
  );
}

/** Values alone, by the engine. */
async function* values(
  { model, engine }: QueryContext,
  functions: readonly OpenFunction[],
  coordinates: readonly (readonly number[])[],
  { signal }: QueryOptions,
): AsyncGenerator<Row> {
  const { card } = model;
  const points = { kind: 'list', coordinates: Float32Array.from(coordinates.flat()) } as const;
  for await (const { fn, values: found } of valuesAt({ engine, model }, functions, () => points, signal)) {
    const outputs = outputsOver(card.outputs, fn.ranges);
    yield { id: fn.id, values: rowsOf(fromField(outputs, found), outputs.length) };
  }
}
