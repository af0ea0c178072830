/** Any query to its answer. */
import { ConflictError } from '../core/errors.ts';
import { aggregate, evaluate } from './evaluate.ts';
import { near, similarRegion } from './near.ts';
import type { QueryRequest } from './request.ts';
import { unlikely, where } from './select.ts';
import type { QueryAnswer, QueryContext, QueryOptions } from './types.ts';

/**
 * Throws ConflictError `functaset-network` when the model is not that of the store, and what each kind of query throws;
 * rows of an answer throw while they are read.
 */
export async function runQuery(
  context: QueryContext,
  request: QueryRequest,
  options: QueryOptions = {},
): Promise<QueryAnswer> {
  const { store, model } = context;
  if (store.info.networkId !== model.networkId) {
    throw new ConflictError(
      'functaset-network',
      `the functaset is of network ${store.info.networkId.slice(0, 16)}, not of model ${model.card.name}; use its own model`,
    );
  }
  switch (request.kind) {
    case 'near':
      return near(context, request, options);
    case 'similar_region':
      return similarRegion(context, request, options);
    case 'evaluate':
      return evaluate(context, request, options);
    case 'aggregate':
      return aggregate(context, request, options);
    case 'where':
      return where(context, request, options);
    case 'unlikely':
      return unlikely(context, request, options);
    default:
      return request satisfies never;
  }
}
