/** Paths between the functions of a functaset, their means and differences. */
import {
  codeTerms,
  decodeTerms,
  differenceOf,
  getFunctions,
  labelled,
  meanOf,
  notesOf,
  type PathSpaceName,
  pathBetween,
  pathSpaceOf,
  type Term,
} from '../../../src/combine/index.ts';
import { BadInputError } from '../../../src/core/errors.ts';
import type { Functaset, Label } from '../../../src/functaset/index.ts';
import type { FunctionSource } from '../../../src/session/functions.ts';
import { formatOfType, functaType } from '../../media.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, Shelf } from '../shelf.ts';
import { whole } from '../signals.ts';

export type Combination =
  | {
      readonly kind: 'path';
      readonly from: string;
      readonly to: string;
      readonly steps: number;
      readonly space: PathSpaceName;
    }
  | {
      readonly kind: 'mean';
      readonly ids?: readonly string[] | undefined;
      readonly label?: Label | undefined;
      readonly weights?: readonly number[] | undefined;
    }
  | { readonly kind: 'difference'; readonly id: string; readonly less: string };

export async function combine(
  shelf: Shelf,
  {
    model: ref,
    functaset,
    of,
    as,
    size,
    quality,
  }: {
    readonly model: ModelRef;
    readonly functaset: FunctasetRef;
    readonly of: Combination;
    readonly as: string;
    readonly size: string | undefined;
    readonly quality: number | undefined;
  },
  signal: AbortSignal,
): Promise<Made<{ readonly notes: readonly string[] }>> {
  const open = await shelf.model(ref);
  const { store } = await shelf.functaset(functaset, open);
  const notes: string[] = [];
  const terms = await termsOf(open.session, store, of, notes);
  const head = { notes };
  if (as === functaType)
    return { head, bytes: whole(await codeTerms(open.session, terms, { quality, signal })) };
  const { limits } = shelf;
  const format = formatOfType(as);
  const signals = await decodeTerms(open.session, terms, { size, limits, signal, raw: format.raw });
  return { head, bytes: format.writeAll(signals, open.model.card.outputs, { signal }) };
}

/** `notes` gets what is to be said of the functions. */
async function termsOf(
  source: FunctionSource,
  store: Functaset,
  asked: Combination,
  notes: string[],
): Promise<Term[]> {
  const named = async (ids: readonly string[]) => {
    const found = await getFunctions(source, store, ids);
    notes.push(...notesOf(found));
    return found;
  };
  switch (asked.kind) {
    case 'path': {
      const [from, to] = await named([asked.from, asked.to]);
      return pathBetween(from!, to!, asked.steps, await pathSpaceOf(source.model, asked.space));
    }
    case 'mean': {
      const { ids, label, weights } = asked;
      if ((ids === undefined) === (label === undefined)) {
        throw new BadInputError('which-functions', 'a mean is of ids or of a label; give one of them');
      }
      if (ids !== undefined) return [meanOf(await named(ids), weights)];
      const found = await labelled(source, store, label!);
      notes.push(...notesOf(found));
      return [meanOf(found, weights)];
    }
    case 'difference': {
      const [one, other] = await named([asked.id, asked.less]);
      return [differenceOf(one!, other!)];
    }
    default:
      return asked satisfies never;
  }
}
