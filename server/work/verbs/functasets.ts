/** What a functaset holds, and its functions one by one. */
import { codeTerms } from '../../../src/combine/index.ts';
import { FunctaError } from '../../../src/core/errors.ts';
import { checkLimit, type Limits } from '../../../src/core/limits.ts';
import {
  damagedFunction,
  type FunctasetNetwork,
  type FunctasetStats,
  type StoredFunction,
  summaryOf,
  unknownFunction,
} from '../../../src/functaset/index.ts';
import { type ModulationsFormat, modulationFile } from '../../../src/jobs/index.ts';
import { type Filter, matching } from '../../../src/query/index.ts';
import { modulated, openFunctions } from '../../../src/session/functions.ts';
import type { DecodeOptions, Session } from '../../../src/session/index.ts';
import { fieldRows } from '../../../src/session/rows.ts';
import { networkOf } from '../../../src/session/store.ts';
import type { RowStream } from '../../../src/signal/index.ts';
import { formatOfType } from '../../media.ts';
import type { VersionedSummary } from '../../told.ts';
import { versionOf } from '../../version.ts';
import type { PutItem } from '../../writer/messages.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, Shelf } from '../shelf.ts';
import { whole } from '../signals.ts';
import type { DecodeWanted } from './coding.ts';
import { filteredPage, type Page, type PageQuery, page } from './page.ts';

export interface FunctasetSummary {
  readonly networkId: string;
  readonly functions: number;
  readonly shape: readonly number[];
}

type Of<T = unknown> = T & { readonly functaset: FunctasetRef };

export async function summariseFunctaset(shelf: Shelf, { functaset }: Of): Promise<Made<FunctasetSummary>> {
  const { info, count } = await shelf.store(functaset);
  return { head: { networkId: info.networkId, functions: count, shape: info.shape } };
}

export async function describeFunctaset(
  shelf: Shelf,
  { functaset }: Of,
  signal: AbortSignal,
): Promise<Made<FunctasetSummary & { readonly stats: FunctasetStats }>> {
  const { head } = await summariseFunctaset(shelf, { functaset });
  const stats = await (await shelf.store(functaset)).stats({ signal });
  return { head: { ...head, stats } };
}

/** `model`: for a filter. */
export async function listFunctions(
  shelf: Shelf,
  { functaset, model, query }: Of<{ readonly model?: ModelRef | undefined; readonly query: PageQuery }>,
  signal: AbortSignal,
): Promise<Made<Page>> {
  if (query.filter === undefined || model === undefined)
    return { head: page(await shelf.store(functaset), query) };
  return { head: await filteredPage(await shelf.asked(functaset, model), query, signal) };
}

export async function findFunction(
  shelf: Shelf,
  { functaset, id }: Of<{ readonly id: string }>,
): Promise<Made<VersionedSummary>> {
  const store = await shelf.store(functaset);
  // One snapshot for both: nothing is awaited between them.
  const fn = store.get(id);
  const record = store.record(id);
  if (fn === undefined || record === undefined) throw unknownFunction(`functaset ${functaset.name}`, id);
  return { head: { ...summaryOf(fn), version: versionOf(record) } };
}

/** What ties a functaset to a model. */
export async function networkOfModel(
  shelf: Shelf,
  { model }: { readonly model: ModelRef },
): Promise<Made<FunctasetNetwork>> {
  return { head: networkOf((await shelf.model(model)).model) };
}

/** Records of a store in order of their ids, so many after an id, each with its id as what an answer says of it. */
export async function recordsOfStore(
  shelf: Shelf,
  {
    store: ref,
    after,
    limit,
  }: { readonly store: FunctasetRef; readonly after?: string | undefined; readonly limit: number },
): Promise<Made<readonly PutItem[]>> {
  const store = await shelf.store(ref);
  const head: PutItem[] = [];
  for (const { id, label } of store.summaries({ after, limit }))
    head.push({ at: head.length, record: { id, label, bytes: store.record(id)! }, told: JSON.stringify(id) });
  return { head };
}

/** Ids of the functions that pass a filter, so many at most. */
export async function matchingFunctions(
  shelf: Shelf,
  {
    functaset,
    model,
    filter,
    limit,
  }: Of<{ readonly model: ModelRef; readonly filter: Filter; readonly limit: number }>,
  signal: AbortSignal,
): Promise<Made<readonly string[]>> {
  const context = await shelf.asked(functaset, model);
  const ids: string[] = [];
  for await (const { id } of matching(context, filter, undefined, { signal })) {
    ids.push(id);
    checkLimit('functions', ids.length, limit, 'delete fewer at once, by a narrower filter');
  }
  return { head: ids };
}

/** The bytes of its file; a modulation from outside is coded. */
export async function codedFunction(
  shelf: Shelf,
  { functaset, model, id }: Of<{ readonly model: ModelRef; readonly id: string }>,
  signal: AbortSignal,
): Promise<Made<null>> {
  const fn = await functionOf(shelf, functaset, id);
  if (fn.content.kind === 'file') return { head: null, bytes: whole(fn.content.bytes) };
  const { session } = await shelf.model(model);
  const opened = await modulated(
    session,
    await openFunctions(session, [fn], { limits: shelf.limits, signal }),
  );
  return { head: null, bytes: whole(await codeTerms(session, opened)) };
}

export async function decodeFunction(
  shelf: Shelf,
  { functaset, model, id, as, ...grid }: Of<DecodeWanted & { readonly model: ModelRef; readonly id: string }>,
  signal: AbortSignal,
): Promise<Made<null>> {
  const { session, model: own } = await shelf.model(model);
  const fn = await functionOf(shelf, functaset, id);
  const format = formatOfType(as);
  const options = { ...grid, raw: format.raw, signal, limits: shelf.limits };
  const rows = await rowsOf(session, fn, options);
  return { head: null, bytes: format.write(rows, rows.outputs ?? own.card.outputs) };
}

/** Values [points, channels] at points, in units of the signal. */
export async function evaluateFunction(
  shelf: Shelf,
  {
    functaset,
    model,
    id,
    points,
  }: Of<{ readonly model: ModelRef; readonly id: string; readonly points: readonly (readonly number[])[] }>,
  signal: AbortSignal,
): Promise<Made<readonly (readonly number[])[]>> {
  const { session } = await shelf.model(model);
  const { content, shape } = await functionOf(shelf, functaset, id);
  const fn =
    content.kind === 'file'
      ? await session.open(content.bytes, { name: id, signal })
      : session.func({ modulation: content.values, shape, quality: content.quality, id });
  const values = await fn.evaluate(points.flat(), { signal });
  const { channels } = fn;
  return { head: points.map((_, i) => [...values.subarray(i * channels, (i + 1) * channels)]) };
}

/** The numbers of a function in a file for other programs. */
export async function modulationOfFunction(
  shelf: Shelf,
  {
    functaset,
    model: ref,
    id,
    format,
  }: Of<{ readonly model: ModelRef; readonly id: string; readonly format: ModulationsFormat }>,
  signal: AbortSignal,
): Promise<Made<null>> {
  const { session, model } = await shelf.model(ref);
  const stored = await functionOf(shelf, functaset, id);
  const opened = await openFunctions(session, [stored], { limits: shelf.limits, signal });
  const [fn] = await modulated(session, opened, { signal });
  return { head: null, bytes: whole(modulationFile(model, fn!, format)) };
}

/** A function is decoded from its file, or read from the modulation that was put. */
async function rowsOf(
  session: Session,
  fn: StoredFunction,
  options: DecodeOptions & { readonly limits: Limits },
): Promise<RowStream> {
  if (fn.content.kind === 'file') {
    return session.decodeRows(fn.content.bytes, options).catch((error: unknown) => {
      throw error instanceof FunctaError && error.kind === 'stream' ? damagedFunction(fn.id, error) : error;
    });
  }
  const [found] = await modulated(session, await openFunctions(session, [fn], options));
  const { shape, modulation, quality } = found!;
  return fieldRows(session, shape, modulation, { ...options, quality });
}

async function functionOf(shelf: Shelf, functaset: FunctasetRef, id: string): Promise<StoredFunction> {
  const found = (await shelf.store(functaset)).get(id);
  if (found !== undefined) return found;
  throw unknownFunction(`functaset ${functaset.name}`, id);
}
