/** What queries are given and what they answer. */

import type { Gaussian } from '../../prior/gaussian/index.ts';
import type { Limits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import type { Parts } from '../formats/format.ts';
import type { Fault, Functaset, StoredFunction } from '../functaset/index.ts';
import type { Signal } from '../signal/signal.ts';
import type { NearIndexes } from './indexes.ts';

/**
 * What makes of the functaset of a context one part of a larger one, whose answers are put together elsewhere (`merge.ts`): names that are not
 * in this part are no fault.
 */
export interface Part {
  /** The function that the query names, wherever it stands. */
  readonly named?: StoredFunction | undefined;
  /** The own prior of the whole functaset. */
  readonly prior?: Gaussian | undefined;
  /** Functions that are not answered: they were before. */
  readonly shown?: readonly string[] | undefined;
}

/** A functaset with what evaluates and searches its functions. */
export interface QueryContext {
  readonly store: Functaset;
  /** Of the network of the store. */
  readonly model: Model;
  readonly engine: Engine;
  readonly indexes: NearIndexes;
  readonly limits: Limits;
  /** A signal from the bytes of a file, or of a part of it, as the model takes it; a fragment of one may be smaller than those of the model. */
  readonly readSignal: (
    bytes: Uint8Array,
    parts: Parts,
    as?: { readonly isFragment?: boolean },
  ) => Promise<Signal>;
  readonly part?: Part | undefined;
}

export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called while an index is built or functions are walked. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called for each damaged function that is left out. */
  readonly onDamaged?: ((fault: Fault) => void) | undefined;
}

export type Row = Readonly<Record<string, unknown>>;

/**
 * An answer in pieces, so that a long one can be streamed: what is known at once, rows as they are found, and, after the
 * last row, the cursor of the next page.
 */
export interface QueryAnswer {
  readonly head: Row & { readonly kind: string };
  readonly rows: AsyncIterable<Row>;
  /** Null on the last page, and for answers without pages. Call it after the rows. */
  readonly next: () => string | null;
}

/** An answer that also says which functions it could not read. */
export interface CheckedAnswer extends QueryAnswer {
  /** Ids of functions that were left out because they are damaged, sorted. Call it after the rows. */
  readonly damaged: () => readonly string[];
}

/** What an answer says after its rows: the next page, and what was left out, where anything was. */
export function endOf({ next, damaged }: CheckedAnswer): Row {
  const left = damaged();
  return { next: next(), ...(left.length > 0 ? { damaged: left } : {}) };
}

/** One JSON object: the head, `items`, `next` and `damaged`. */
export async function collectAnswer(answer: CheckedAnswer): Promise<Row> {
  const items: Row[] = [];
  for await (const row of answer.rows) items.push(row);
  return { ...answer.head, items, ...endOf(answer) };
}
