/** Any query to its answer. */
import { ConflictError } from '../core/errors.ts';
import { aggregate } from './aggregate.ts';
import { duplicates } from './duplicates.ts';
import { evaluate } from './evaluate.ts';
import { near, similarRegion } from './near.ts';
import type { QueryRequest } from './request.ts';
import { unlikely, where } from './select.ts';
import type { CheckedAnswer, QueryAnswer, QueryContext, QueryOptions } from './types.ts';

/**
 * Functions that are damaged are left out and named by the answer. Throws ConflictError `functaset-network` when the model is not
 * that of the store, EnvironmentError `function-damaged` for a damaged function that the request names, and what each kind of query
 * throws; rows of an answer throw while they are read.
 */
export async function runQuery(
  context: QueryContext,
  request: QueryRequest,
  options: QueryOptions = {},
): Promise<CheckedAnswer> {
  const { store, model } = context;
  if (store.info.networkId !== model.networkId) {
    throw new ConflictError(
      'functaset-network',
      `the functaset is of network ${store.info.networkId.slice(0, 16)}, not of model ${model.card.name}; use its own model`,
    );
  }
  if (context.part !== undefined && store.count === 0) return emptyPart(request);
  const damaged = new Set<string>();
  const onDamaged: QueryOptions['onDamaged'] = (fault) => {
    damaged.add(fault.id);
    options.onDamaged?.(fault);
  };
  const answer = await ask(context, request, { ...options, onDamaged });
  return { ...answer, damaged: () => [...damaged].sort() };
}

/** A part without functions, which says nothing of the others. */
function emptyPart({ kind }: QueryRequest): CheckedAnswer {
  async function* rows() {}
  return { head: { kind, empty: true }, rows: rows(), next: () => null, damaged: () => [] };
}

async function ask(
  context: QueryContext,
  request: QueryRequest,
  options: QueryOptions,
): Promise<QueryAnswer> {
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
    case 'duplicates':
      return duplicates(context, request, options);
    case 'unlikely':
      return unlikely(context, request, options);
    default:
      return request satisfies never;
  }
}
