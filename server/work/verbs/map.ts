/** A functaset as a map, in JSON. */
import { mapFunctions } from '../../../src/query/index.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, Shelf } from '../shelf.ts';
import { whole } from '../signals.ts';

export async function mapFunctaset(
  shelf: Shelf,
  {
    functaset,
    model,
    limit,
  }: { readonly functaset: FunctasetRef; readonly model: ModelRef; readonly limit: number },
  signal: AbortSignal,
): Promise<Made<null>> {
  const { points, ...map } = await mapFunctions(await shelf.asked(functaset, model), { limit, signal });
  const pairs = map.ids.map((_, i) => [short(points[2 * i]!), short(points[2 * i + 1]!)]);
  return { head: null, bytes: whole(new TextEncoder().encode(JSON.stringify({ ...map, points: pairs }))) };
}

/** No screen has more places. */
const short = (at: number) => Math.round(at * 1e4) / 1e4;
