/** A functaset as a map, in JSON. */
import { keptBeside, mapFunctions } from '../../../src/query/index.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, Shelf } from '../shelf.ts';
import { whole } from '../signals.ts';

/** Smaller maps are made in less time than one needs to notice; a store keeps the one large map that was asked for last. */
const leastKept = 10_000;

export async function mapFunctaset(
  shelf: Shelf,
  {
    functaset,
    model,
    limit,
  }: { readonly functaset: FunctasetRef; readonly model: ModelRef; readonly limit: number },
  signal: AbortSignal,
): Promise<Made<null>> {
  const context = await shelf.asked(functaset, model);
  const make = async () => {
    const { points, ...map } = await mapFunctions(context, { limit, signal });
    const pairs = map.ids.map((_, i) => [short(points[2 * i]!), short(points[2 * i + 1]!)]);
    return new TextEncoder().encode(JSON.stringify({ ...map, points: pairs }));
  };
  const { store } = context;
  const isKept = Math.min(limit, store.count) >= leastKept;
  const bytes = isKept ? await keptBeside(store, 'map.json', [model.id, limit], make) : await make();
  return { head: null, bytes: whole(bytes) };
}

/** No screen has more places. */
const short = (at: number) => Math.round(at * 1e4) / 1e4;
