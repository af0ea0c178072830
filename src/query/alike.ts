/** Functions by how much they are like a part of a signal, for those that learn from them: none is compared point by point. */
import { rowsByPart } from './candidates.ts';
import { gridOf } from './embedding.ts';
import { entriesOf } from './entries.ts';
import type { Observed } from './observed.ts';
import type { QueryContext, QueryOptions } from './types.ts';

/**
 * Ids of all functions, of the nearest first, as far as the axes of the index of values show it. Throws AbortedError, BadInputError
 * `empty-functaset`.
 */
export async function* idsNearPart(
  context: Pick<QueryContext, 'indexes' | 'model'>,
  observed: Observed,
  options: QueryOptions,
): AsyncGenerator<string> {
  const { shape, spec } = context.model.card;
  const index = await context.indexes.get('values', options);
  const part = { ...entriesOf(observed, gridOf(shape), spec.outputs), unit: 1, isBound: false };
  for (const { row } of await rowsByPart(index, context, part, options)) {
    const id = index.ids.at(row);
    if (id !== '') yield id;
  }
}
