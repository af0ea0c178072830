/** Functions by how much they are like a part of a signal, for those that learn from them: none is compared point by point. */
import { rowsByPart } from './candidates.ts';
import { gridOf } from './embedding.ts';
import { entriesOf } from './entries.ts';
import type { Observed } from './observed.ts';
import type { QueryContext, QueryOptions } from './types.ts';

/**
 * All functions, the nearest first, with the root of the sum of squares, as far as the axes of the index of values show it. Throws AbortedError, BadInputError
 * `empty-functaset`.
 */
export async function* nearestToPart(
  context: Pick<QueryContext, 'indexes' | 'model'>,
  observed: Observed,
  options: QueryOptions,
): AsyncGenerator<{ readonly id: string; readonly distance: number }> {
  const { shape, spec } = context.model.card;
  const index = await context.indexes.get('values', options);
  const part = { ...entriesOf(observed, gridOf(shape), spec.outputs), unit: 1, isBound: false };
  for (const { row, square } of await rowsByPart(index, context, part, options)) {
    const id = index.ids.at(row);
    if (id !== '') yield { id, distance: Math.sqrt(square) };
  }
}
