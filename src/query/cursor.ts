/** Where the next page begins: after an id, or after what is this far. */

import { BadInputError } from '../core/errors.ts';
import { compareIds } from '../functaset/index.ts';

/** The cursor of what comes after `last` in order of ids. */
export function cursorAfter(last: string): string {
  return Buffer.from(last).toString('base64url');
}

/** Throws BadInputError `bad-cursor`. */
export function idOfCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (id.length > 0 && cursorAfter(id) === cursor) return id;
  throw badCursor();
}

/** A place in answers by rising distance or falling score: the last one shown. */
export interface Shown {
  readonly distance: number;
  readonly id: string;
}

/** Candidates are compared so many at a time, from the `block`-th lot on (see `walk.ts`). */
export interface BlockPlace {
  readonly size: number;
  readonly block: number;
}

/** The first page came out of a graph: how many it was asked for, and the digest of the ids that it gave. */
export interface GraphPlace {
  readonly asked: number;
  readonly digest: string;
}

export interface WalkPlace {
  /** Absent: the lot, or what the graph did not give, from its start. */
  readonly after: Shown | undefined;
  readonly block: BlockPlace | undefined;
  readonly graph: GraphPlace | undefined;
}

/** The cursor of what comes after it. */
export function cursorOfWalk({ after, block, graph }: WalkPlace): string {
  const parts = [
    block === undefined ? '-' : `${block.size}.${block.block}`,
    graph === undefined ? '-' : `${graph.asked}.${graph.digest}`,
    after === undefined ? '-' : `${after.distance} ${after.id}`,
  ];
  return cursorAfter(`far ${parts.join(' ')}`);
}

const walkPattern = /^far (?:-|(\d{1,9})\.(\d{1,9})) (?:-|(\d{1,9})\.([0-9a-f]{16})) (?:-|(\S+) (.+))$/s;

/** Throws BadInputError `bad-cursor`. */
export function walkOf(cursor: string | undefined): WalkPlace {
  if (cursor === undefined) return { after: undefined, block: undefined, graph: undefined };
  const parts = walkPattern.exec(idOfCursor(cursor));
  const [, size, block, asked, digest, distance, id] = parts ?? [];
  if (parts === null || (distance !== undefined && !Number.isFinite(Number(distance)))) throw badCursor();
  return {
    after: distance === undefined ? undefined : { distance: Number(distance), id: id! },
    block: size === undefined ? undefined : { size: Number(size), block: Number(block) },
    graph: asked === undefined ? undefined : { asked: Number(asked), digest: digest! },
  };
}

/** The cursor of what comes after a score and an id. */
export function cursorAfterScore({ distance, id }: Shown): string {
  return cursorAfter(`score ${distance} ${id}`);
}

/** Throws BadInputError `bad-cursor`. */
export function scoreOf(cursor: string | undefined): Shown | undefined {
  if (cursor === undefined) return undefined;
  const parts = /^score (\S+) (.+)$/s.exec(idOfCursor(cursor));
  if (parts === null || !Number.isFinite(Number(parts[1]))) throw badCursor();
  return { distance: Number(parts[1]), id: parts[2]! };
}

/** Whether `one` comes after `other` by distance, and by id (bytes of UTF-8, as the store orders them) where that is equal. */
export function follows(one: Shown, other: Shown): boolean {
  if (one.distance !== other.distance) return one.distance > other.distance;
  return compareIds(one.id, other.id) > 0;
}

function badCursor(): BadInputError {
  return new BadInputError(
    'bad-cursor',
    'this cursor is not one of ours; take `next` from the page before, of the same query',
  );
}
