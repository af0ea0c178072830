/**
 * One answer from those of the parts of a functaset. Each part is asked the same question about its own functions, and what it answers is put
 * together so that it is what the whole functaset answers: distances, values and bits are those of each function and do not depend on the
 * others, and what is summed is summed exactly. Two things depend on all functions at once: the own prior, which the parts are given, and the
 * order in which an index has candidates compared, in lots. Of lots the parts compare as many candidates each as the whole would: at least
 * those.
 */
import { BadInputError } from '../core/errors.ts';
import { compareIds } from '../functaset/index.ts';
import { mergeAggregates } from './aggregate.ts';
import {
  cursorAfter,
  cursorAfterScore,
  cursorOfWalk,
  type GraphPlace,
  type Shown,
  type WalkPlace,
  walkOf,
} from './cursor.ts';
import { digestOfPage } from './near.ts';
import type { QueryRequest, RequestOf } from './request.ts';
import { type CheckedAnswer, collectAnswer, type QueryAnswer, type Row } from './types.ts';

/** What a part answered, as `collectAnswer` gives it. */
export interface PartAnswer {
  readonly kind: string;
  readonly items: readonly Row[];
  readonly next: string | null;
  readonly damaged?: readonly string[] | undefined;
  readonly [member: string]: unknown;
}

/** What is asked of each part; `shown`: functions that are not to be answered again. */
export interface PartQuestion {
  readonly request: QueryRequest;
  readonly shown?: readonly string[] | undefined;
}

/** Asks all parts; those that can be had, in the order of the parts, at least one. Throws what a part says of the question itself. */
export type AskParts = (question: PartQuestion) => Promise<readonly PartAnswer[]>;

/** Kinds of questions that parts can answer; the others need all functions together. */
export function isOfParts({ kind }: Pick<QueryRequest, 'kind'>): boolean {
  return kind !== 'duplicates';
}

/** Throws BadInputError `bad-query` where the distances of an index are asked for, `bad-cursor`, `stale-cursor`, and what `ask` throws. */
export async function mergeParts(request: QueryRequest, ask: AskParts): Promise<Row> {
  const damaged = new Set<string>();
  const asking: AskParts = async (question) => {
    const parts = await ask(question);
    for (const part of parts) for (const id of part.damaged ?? []) damaged.add(id);
    const filled = parts.filter(({ empty }) => empty !== true);
    return filled.length > 0 ? filled : parts;
  };
  const answer = await merged(request, asking);
  const checked: CheckedAnswer = { ...answer, damaged: () => [...damaged].sort() };
  return collectAnswer(checked);
}

function merged(request: QueryRequest, ask: AskParts): Promise<QueryAnswer> {
  switch (request.kind) {
    case 'near':
    case 'similar_region':
      return near(request, ask);
    case 'where':
    case 'evaluate':
      return byIds(request, ask);
    case 'unlikely':
      return unlikely(request, ask);
    case 'aggregate':
      return aggregate(request, ask);
    case 'duplicates':
      throw new BadInputError(
        'bad-query',
        'duplicates are looked for in a whole functaset; ask a server that holds it',
      );
    default:
      return request satisfies never;
  }
}

/** In order of ids, as each part has them. */
async function byIds(request: RequestOf<'where' | 'evaluate'>, ask: AskParts): Promise<QueryAnswer> {
  const parts = await ask({ request });
  const all = parts.flatMap(({ items }) => items).sort((a, b) => compareIds(idOf(a), idOf(b)));
  const page = all.slice(0, request.limit);
  const isMore = all.length > page.length || parts.some(({ next }) => next !== null);
  return {
    head: headOf(parts[0]!),
    rows: streamOf(page),
    next: () => (isMore ? cursorAfter(idOf(page.at(-1)!)) : null),
  };
}

/** By falling bits per point. Where the prior of a part does not know its functions, all rank by the bits that are stored. */
async function unlikely(request: RequestOf<'unlikely'>, ask: AskParts): Promise<QueryAnswer> {
  let parts = await ask({ request });
  let head = headOf(parts[0]!);
  const other = parts.find(({ prior }) => prior !== head.prior);
  if (other !== undefined) {
    const why = parts.map((part) => part.why).find((text) => text !== undefined);
    parts = await ask({ request: { ...request, prior: 'stored' } });
    head = { ...headOf(parts[0]!), why };
  }
  const all = parts
    .flatMap(({ items }) => items)
    .map((item) => ({ item, id: idOf(item), distance: -(item.bitsPerPoint as number) }))
    .sort(inOrder);
  const page = all.slice(0, request.k);
  const isMore = all.length > page.length || parts.some(({ next }) => next !== null);
  return {
    head,
    rows: streamOf(page.map(({ item }) => item)),
    next: () => (isMore ? cursorAfterScore(page.at(-1)!) : null),
  };
}

async function aggregate(request: RequestOf<'aggregate'>, ask: AskParts): Promise<QueryAnswer> {
  const parts = await ask({ request });
  return mergeAggregates(
    request,
    parts.map((part) => ({ head: headOf(part), items: part.items })),
  );
}

/** By rising distance. Pages go as those of one functaset do (`near.ts`), with all parts at the same place of the walk. */
async function near(request: RequestOf<'near' | 'similar_region'>, ask: AskParts): Promise<QueryAnswer> {
  if (request.kind === 'near' && request.refine === 0) {
    throw new BadInputError(
      'bad-query',
      'the distances of an index (refine 0) are its own, and each shard has another; leave refine out',
    );
  }
  const { graph, ...place } = walkOf(request.cursor);
  if (graph === undefined) return walked(request, { place }, ask);
  // What a graph gave is asked for again: the pages after it are exact, without that.
  const { cursor: _, ...first } = request;
  const begun = await pageOf({ ...first, k: graph.asked }, { place: start }, ask);
  if (digestOfPage(begun.found) !== graph.digest) {
    throw new BadInputError(
      'stale-cursor',
      'the graphs of this functaset are others than for the first page; ask for the first page again',
    );
  }
  const shown = begun.found.map(({ id }) => id);
  const exact = { ...first, method: 'exact' } as RequestOf<'near'>;
  return walked(exact, { place, before: { graph, shown } }, ask);
}

interface Walking {
  readonly place: Pick<WalkPlace, 'after' | 'block'>;
  /** What a graph gave before this page. */
  readonly before?: { readonly graph: GraphPlace; readonly shown: readonly string[] } | undefined;
}

interface Item extends Shown {
  readonly item: Row;
}

const start = { after: undefined, block: undefined };

async function walked(
  request: RequestOf<'near' | 'similar_region'>,
  walking: Walking,
  ask: AskParts,
): Promise<QueryAnswer> {
  const { found, compared, parts, next } = await pageOf(request, walking, ask);
  const isGraph = isOfGraph(parts);
  const graph = isGraph ? { asked: request.k, digest: digestOfPage(found) } : walking.before?.graph;
  const total = (name: string) => parts.reduce((sum, part) => sum + Number(part[name]), 0);
  const counts = { compared, searched: total('searched') };
  const smaller = parts[0]!.smaller === undefined ? {} : { smaller: total('smaller') };
  const head = { ...headOf(parts[0]!), ...(isGraph ? { method: 'hnsw' } : {}), ...counts, ...smaller };
  return {
    head,
    rows: streamOf(found.map(({ item }) => item)),
    next: () => (next === undefined ? null : cursorOfWalk({ ...next, graph })),
  };
}

/** The next `k`: from lot to lot where the parts go by lots. */
async function pageOf(request: RequestOf<'near' | 'similar_region'>, walking: Walking, ask: AskParts) {
  const { k } = request;
  const found: Item[] = [];
  let compared = 0;
  let first: readonly PartAnswer[] | undefined;
  let { after, block } = walking.place;
  for (;;) {
    const isStart = after === undefined && block === undefined;
    const cursor = isStart ? undefined : cursorOfWalk({ after, block, graph: undefined });
    const parts = await ask({ request: { ...request, cursor }, shown: walking.before?.shown });
    first ??= parts;
    compared += parts.reduce((sum, part) => sum + Number(part.compared), 0);
    const all = parts.flatMap(({ items }) => items.map(itemOf)).sort(inOrder);
    const taken = all.slice(0, k - found.length);
    found.push(...taken);
    const rest = parts.flatMap(({ next }) => (next === null ? [] : [walkOf(next)]));
    const lot = parts.map((part) => part.lot).find((size) => size !== undefined) as number | undefined;
    const isMore = all.length > taken.length || rest.length > 0;
    const page = { found, compared, parts: first };
    if (!isMore) return { ...page, next: undefined };
    if (isOfGraph(parts)) {
      return {
        ...page,
        next: { after: undefined, block: lot === undefined ? undefined : { size: lot, block: 0 } },
      };
    }
    if (lot === undefined) return { ...page, next: { after: placeOf(found.at(-1)!), block: undefined } };
    const at = block ?? { size: lot, block: 0 };
    if (all.length > taken.length || rest.some((place) => place.block?.block === at.block)) {
      return { ...page, next: { after: placeOf(found.at(-1)!), block: at } };
    }
    block = { size: at.size, block: at.block + 1 };
    after = undefined;
    if (found.length === k) return { ...page, next: { after, block } };
  }
}

function isOfGraph(parts: readonly PartAnswer[]): boolean {
  return parts.some(({ method }) => method === 'hnsw');
}

function itemOf(item: Row): Item {
  return { item, id: idOf(item), distance: item.distance as number };
}

function idOf({ id }: Row): string {
  return id as string;
}

function placeOf({ distance, id }: Shown): Shown {
  return { distance, id };
}

function inOrder(a: Shown, b: Shown): number {
  return a.distance - b.distance || compareIds(a.id, b.id);
}

/** What a part says that is no row of it and not of it alone. */
function headOf({
  items: _i,
  next: _n,
  damaged: _d,
  lot: _l,
  ...head
}: PartAnswer): Row & { readonly kind: string } {
  return head as Row & { readonly kind: string };
}

async function* streamOf(rows: readonly Row[]): AsyncIterable<Row> {
  yield* rows;
}
