/**
 * Candidates in the order of an index, and the functions in the order of the distance that is asked about, a page at a time. A walk
 * through the pages comes to every function once, whatever is equal.
 *
 * With bounds: an index that knows how near and how far a function can be gives the very order. Candidates come nearest bound first,
 * and a page ends when no later one can be nearer than what it holds; those that can only be nearer than the page begins were shown.
 *
 * Without: candidates are compared in lots of one size, in the order of the index, and each lot is shown in the order of the distance
 * before the next one is begun.
 */

import { AbortedError } from '../core/errors.ts';
import { compareIds } from '../functaset/index.ts';
import { type BlockPlace, follows, type Shown } from './cursor.ts';

export interface NearCandidate {
  readonly row: number;
  readonly id: string;
  /** The distance is not less, and not more; 0 and Infinity where nothing is known. */
  readonly least: number;
  readonly most: number;
}

export interface Found extends Shown {
  readonly label?: string | number | undefined;
  /** Of a fragment, where it lies: its first sample along each axis. */
  readonly start?: readonly number[] | undefined;
}

export interface Walk {
  /** By rising `least`, in lots; each comes once, and those that a filter leaves out do not come. */
  readonly candidates: AsyncIterable<readonly NearCandidate[]>;
  /** Distances of candidates; those that do not pass, or are not there any more, are left out. */
  readonly compare: (candidates: readonly NearCandidate[]) => Promise<readonly Found[]>;
  readonly k: number;
  /** The farthest that is wanted. */
  readonly within: number;
  /** A page of lots ends with the lot. */
  readonly isOneLot?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WalkPage {
  readonly found: readonly Found[];
  readonly compared: number;
  /** Where the next page begins; undefined after the last. */
  readonly next: { readonly after: Shown | undefined; readonly block: BlockPlace | undefined } | undefined;
}

/** Candidates compared together, about as many as a page holds: those show how few of the others can be nearer. */
const together = { least: 16, most: 64 };

/** The page after `after` of a walk with bounds. Throws AbortedError and what comparing throws. */
export async function pageByBounds(walk: Walk, after: Shown | undefined): Promise<WalkPage> {
  const { k, within } = walk;
  let found: Found[] = [];
  let compared = 0;
  let waiting: NearCandidate[] = [];
  const lot = Math.min(together.most, Math.max(together.least, k + 1));
  const compareWaiting = async () => {
    compared += waiting.length;
    for (const item of await walk.compare(waiting)) {
      if (item.distance <= within && (after === undefined || follows(item, after))) found.push(item);
    }
    waiting = [];
    // One more than the page has says that there is another.
    found = found.sort(inOrder).slice(0, k + 1);
  };
  const farthest = () => Math.min(within, found[k]?.distance ?? Infinity);
  walking: for await (const candidates of walk.candidates) {
    if (walk.signal?.aborted) throw new AbortedError();
    for (const candidate of candidates) {
      if (candidate.least > farthest()) break walking;
      if (after !== undefined && candidate.most < after.distance) continue;
      waiting.push(candidate);
      if (waiting.length >= lot) await compareWaiting();
    }
  }
  // What waits was near enough when it came, and may not be now.
  waiting = waiting.filter(({ least }) => least <= farthest());
  if (waiting.length > 0) await compareWaiting();
  const page = found.slice(0, k);
  const last = page.at(-1);
  const next =
    found.length > k && last !== undefined ? { after: placeOf(last), block: undefined } : undefined;
  return { found: page, compared, next };
}

/** The page of a walk in lots, from a place in one of them. Throws AbortedError and what comparing throws. */
export async function pageByBlocks(
  walk: Walk,
  place: BlockPlace,
  after: Shown | undefined,
): Promise<WalkPage> {
  const { k, within } = walk;
  const page: Found[] = [];
  let compared = 0;
  let block = -1;
  for await (const lot of blocksOf(walk.candidates, place.size)) {
    if (walk.signal?.aborted) throw new AbortedError();
    block++;
    if (block < place.block) continue;
    // No candidate of this lot or of a later one is near enough.
    if (lot[0]!.least > within) return { found: page, compared, next: undefined };
    if (page.length === k || (walk.isOneLot && block > place.block)) {
      return { found: page, compared, next: { after: undefined, block: { size: place.size, block } } };
    }
    compared += lot.length;
    const from = block === place.block ? after : undefined;
    const near = (await walk.compare(lot))
      .filter((item) => item.distance <= within && (from === undefined || follows(item, from)))
      .sort(inOrder);
    const room = k - page.length;
    page.push(...near.slice(0, room));
    if (near.length > room) {
      return {
        found: page,
        compared,
        next: { after: placeOf(page.at(-1)!), block: { size: place.size, block } },
      };
    }
  }
  return { found: page, compared, next: undefined };
}

function placeOf({ distance, id }: Found): Shown {
  return { distance, id };
}

function inOrder(a: Shown, b: Shown): number {
  return a.distance - b.distance || compareIds(a.id, b.id);
}

async function* blocksOf(
  lots: AsyncIterable<readonly NearCandidate[]>,
  size: number,
): AsyncGenerator<readonly NearCandidate[]> {
  let block: NearCandidate[] = [];
  for await (const lot of lots) {
    for (const candidate of lot) {
      block.push(candidate);
      if (block.length < size) continue;
      yield block;
      block = [];
    }
  }
  if (block.length > 0) yield block;
}
