/** Functasets that are served: read-only stores beside the model that evaluates their functions. */
import { ConflictError, NotFoundError } from '../src/core/errors.ts';
import {
  type Fault,
  type Functaset,
  type FunctionSummary,
  type Label,
  type StoredFunction,
  unknownFunction,
} from '../src/functaset/index.ts';
import { cursorAfter, factsOf, idOfCursor, type NearIndexes } from '../src/query/index.ts';
import type { ServedModel, ServerContext } from './context.ts';

export interface FunctasetSource {
  readonly name: string;
  readonly store: Functaset;
  /** The served model of the same network. */
  readonly model: ServedModel | undefined;
  /** What searches its functions; there is one where there is a model. */
  readonly indexes: NearIndexes | undefined;
}

/** Throws NotFoundError `unknown-functaset`. */
export function findFunctaset(context: ServerContext, name: string): FunctasetSource {
  const found = context.functasets.find((source) => source.name === name);
  if (found !== undefined) return found;
  const names = context.functasets.map((source) => source.name).join(', ') || 'none';
  throw new NotFoundError('unknown-functaset', `no functaset is called ${name}; there are: ${names}`);
}

/** Throws NotFoundError `unknown-function`. */
export function findFunction({ name, store }: FunctasetSource, id: string): StoredFunction {
  const found = store.get(id);
  if (found !== undefined) return found;
  throw unknownFunction(`functaset ${name}`, id);
}

/** Throws ConflictError `functaset-model` when the model of a functaset is not served here. */
export function modelOf({ name, store, model }: FunctasetSource): ServedModel {
  if (model !== undefined) return model;
  throw new ConflictError(
    'functaset-model',
    `functaset ${name} belongs to network ${store.info.networkId.slice(0, 16)}, which is not served here; add its model`,
  );
}

/** One page, and where the next begins. */
export function page(
  { store }: FunctasetSource,
  query: {
    readonly label?: Label | undefined;
    readonly cursor?: string | undefined;
    readonly limit: number;
    readonly onDamaged?: ((fault: Fault) => void) | undefined;
  },
): { readonly items: FunctionSummary[]; readonly next: string | null } {
  const after = query.cursor === undefined ? undefined : idOfCursor(query.cursor);
  const { onDamaged, label } = query;
  const found = [...store.summaries({ after, label, limit: query.limit + 1, onDamaged })];
  const items = found.slice(0, query.limit);
  const last = items.at(-1);
  return { items, next: found.length > query.limit && last !== undefined ? cursorAfter(last.id) : null };
}

export function functionJson(source: FunctasetSource, summary: FunctionSummary) {
  const self = `/v1/functasets/${encodeURIComponent(source.name)}/functions/${encodeURIComponent(summary.id)}`;
  return { ...factsOf(summary), shape: [...summary.shape], links: { self } };
}
