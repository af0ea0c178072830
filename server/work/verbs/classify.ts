/** The likeliest labels of signals and functions. */
import { setImmediate } from 'node:timers/promises';
import { magic } from '../../../codec/header.ts';
import { asAdapted, type Guess, openClassifierOf, type Readable } from '../../../src/classify/index.ts';
import { BadInputError } from '../../../src/core/errors.ts';
import { checkLimit } from '../../../src/core/limits.ts';
import type { Parts } from '../../../src/formats/formats.ts';
import { type Functaset, type Label, unknownFunction } from '../../../src/functaset/index.ts';
import { functionsOf } from '../../../src/session/coding.ts';
import { openFunctions } from '../../../src/session/functions.ts';
import { namesOf } from '../../../src/session/items.ts';
import { modulationOf, plainFit } from '../../../src/session/modulation.ts';
import { maxClassified } from '../../counts.ts';
import { functaType } from '../../media.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, OpenModel, Shelf } from '../shelf.ts';
import { encodable, readSignal } from '../signals.ts';
import { page } from './page.ts';

type Asked = Readable & {
  readonly id: string;
  readonly label?: Label | undefined;
};

export interface Classified {
  readonly id: string;
  /** What the functaset says. */
  readonly label: Label | null;
  readonly guesses: Guess[];
}

/** Those of a signal, or of the functions of a `.functa` file or archive. */
export async function classify(
  shelf: Shelf,
  {
    model: ref,
    bytes,
    declared,
    top,
    parts,
  }: {
    readonly model: ModelRef;
    readonly bytes: Uint8Array;
    readonly declared: string;
    readonly top: number | undefined;
    readonly parts?: Parts | undefined;
  },
  signal: AbortSignal,
): Promise<Made<{ readonly items: Classified[]; readonly notes: readonly string[] | undefined }>> {
  const open = await shelf.model(ref);
  // Before a signal is encoded for nothing.
  await openClassifierOf(open.model);
  const { functions, notes } = await functionsIn(shelf, open, { declared, bytes, parts }, signal);
  return { head: { items: await guessed(open, functions, top, signal), notes } };
}

/** Which functions of a functaset: those of these ids, or a page of all or of a label. */
export interface Which {
  readonly ids?: readonly string[] | undefined;
  readonly label?: Label | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export async function classifyFunctions(
  shelf: Shelf,
  {
    model: ref,
    functaset,
    which,
    top,
  }: {
    readonly model: ModelRef;
    readonly functaset: FunctasetRef;
    readonly which: Which;
    readonly top: number | undefined;
  },
  signal: AbortSignal,
): Promise<Made<{ readonly items: Classified[]; readonly next: string | null }>> {
  const open = await shelf.model(ref);
  const { store } = await shelf.functaset(functaset, open);
  const { ids, next } = chosen(store, which);
  const stored = store.getMany(ids).map((fn, i) => {
    if (fn === undefined) throw unknownFunction(`functaset ${functaset.name}`, ids[i]!);
    return fn;
  });
  const functions = await openFunctions(open.session, stored, { limits: shelf.limits, signal });
  return { head: { items: await guessed(open, functions, top, signal), next } };
}

async function guessed(
  { model, session }: OpenModel,
  functions: readonly Asked[],
  top: number | undefined,
  signal: AbortSignal,
): Promise<Classified[]> {
  const asked = await openClassifierOf(model);
  const { engine } = session;
  const found = await asked.predict(await asAdapted(functions, { model, engine, signal }), { top, signal });
  return functions.map(({ id, label }, i) => ({ id, label: label ?? null, guesses: [...found[i]!] }));
}

async function functionsIn(
  { limits }: Shelf,
  { model, session }: OpenModel,
  { declared, bytes, parts }: { declared: string; bytes: Uint8Array; parts?: Parts | undefined },
  abort: AbortSignal,
): Promise<{ readonly functions: Asked[]; readonly notes?: readonly string[] | undefined }> {
  if (declared === functaType || bytes[0] === magic) {
    const functions: Asked[] = [];
    const names = namesOf(bytes, limits);
    for (const found of functionsOf(model, bytes, { limits, signal: abort })) {
      checkLimit('functions', functions.length + 1, maxClassified, 'send an archive of fewer functions');
      const id = names[functions.length]!;
      functions.push({ ...('samples' in found ? found : await modulationOf(session, found)), id });
      await setImmediate(undefined, { signal: abort });
    }
    return { functions };
  }
  const signal = await readSignal(bytes, model, limits, { onShape: encodable(model, limits, 1), ...parts });
  const fitted = await plainFit(session, signal, { signal: abort });
  return { functions: [{ ...fitted, id: signal.id }], notes: signal.notes };
}

function chosen(
  store: Functaset,
  { ids, label, cursor, limit }: Which,
): { readonly ids: readonly string[]; readonly next: string | null } {
  if (ids === undefined) {
    const { items, next } = page(store, { label, cursor, limit });
    return { ids: items.map(({ id }) => id), next };
  }
  if (label !== undefined || cursor !== undefined) {
    throw new BadInputError('which-functions', 'functions are named by ids, or walked by label and cursor');
  }
  return { ids, next: null };
}
