/** Completing a signal from a part of it. */
import type { KindThat } from '../../../prior/kinds.ts';
import { checkOnePrior } from '../../../src/complete/complete.ts';
import {
  complete as completeSignal,
  maskOf,
  type Observation,
  observeCoarse,
  observeMasked,
  observePoints,
  shownSignals,
  signalsOf,
} from '../../../src/complete/index.ts';
import { completeByFunctaset } from '../../../src/complete/nearest.ts';
import { BadInputError } from '../../../src/core/errors.ts';
import type { Model } from '../../../src/field/model.ts';
import type { Parts } from '../../../src/formats/formats.ts';
import { regionMask } from '../../../src/signal/mask.ts';
import { namesOfSignal } from '../../../src/signal/region.ts';
import { formatOfType } from '../../media.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, Shelf } from '../shelf.ts';
import { notLarger, readSignal } from '../signals.ts';

/** What is known, as a request says it. */
export interface Known extends Parts {
  /** A picture or an array in base64; so is the mask. */
  readonly signal?: string | undefined;
  readonly mask?: string | undefined;
  readonly region?: string | undefined;
  readonly hide?: string | undefined;
  readonly coarse: boolean;
  readonly points?: readonly (readonly number[])[] | undefined;
}

export interface CompletedHead {
  readonly prior: string;
  readonly observedPsnrDb: number;
  /** Absent where a diffusion completed. */
  readonly surprise: number | undefined;
  readonly seconds: number;
  /** What reading the signal left out. */
  readonly notes: readonly string[];
}

export async function complete(
  shelf: Shelf,
  {
    model: ref,
    as,
    known,
    functaset,
    nearest,
    prior,
    ...options
  }: {
    readonly model: ModelRef;
    readonly as: string;
    readonly known: Known;
    /** By its own prior, or that of its nearest functions. */
    readonly functaset?: FunctasetRef | undefined;
    readonly nearest?: number | undefined;
    readonly prior?: KindThat<'complete'> | undefined;
    readonly draws: number;
    readonly seed: number;
    readonly noise?: number | undefined;
    readonly size?: string | undefined;
  },
  signal: AbortSignal,
): Promise<Made<CompletedHead>> {
  const open = await shelf.model(ref);
  const { model, session } = open;
  const { limits } = shelf;
  const notes: string[] = [];
  const format = formatOfType(as);
  const observation = await observe(shelf, model, known, notes);
  checkOnePrior(functaset, prior);
  const asked = { ...options, raw: format.raw, limits, signal };
  const found =
    functaset === undefined
      ? await completeSignal(session, observation, { ...asked, prior })
      : await completeByFunctaset(
          { ...(await shelf.functaset(functaset, open)), model, engine: shelf.engine, limits },
          observation,
          { ...asked, nearest },
        );
  const { outputs, observedPsnrDb, surprise, seconds } = found;
  const told = format.raw ? signalsOf(found) : shownSignals(observation, found, outputs);
  const bytes = format.writeAll(told, outputs, { inRow: true, signal });
  return { head: { prior: found.prior, observedPsnrDb, surprise, seconds, notes }, bytes };
}

async function observe(
  { limits }: Shelf,
  model: Model,
  { signal, mask, region, hide, coarse, points, variable, grid }: Known,
  notes: string[],
): Promise<Observation> {
  const { shape, spec } = model.card;
  if (points !== undefined) {
    if (variable !== undefined || grid !== undefined)
      throw new BadInputError('bad-option', 'points have no variable and no grid; leave them out');
    const columns = spec.axes + spec.outputs;
    const odd = points.findIndex((row) => row.length !== columns);
    if (odd >= 0) {
      throw new BadInputError(
        'points-shape',
        `point ${odd} has ${points[odd]!.length} numbers, not ${spec.axes} coordinates and ${spec.outputs} values`,
      );
    }
    return observePoints(shape, spec.outputs, { shape: [points.length, columns], data: points.flat() });
  }
  const read = (text: string, as: 'signal' | 'mask') =>
    readSignal(new Uint8Array(Buffer.from(text, 'base64')), model, limits, {
      ...{ as, onShape: notLarger(model, limits) },
      ...(as === 'signal' ? { variable, grid } : {}),
    });
  const known = await read(signal!, 'signal');
  notes.push(...(known.notes ?? []));
  if (coarse) return observeCoarse(shape, known);
  if (mask !== undefined) return observeMasked(known, maskOf(await read(mask, 'mask')));
  const part = region ?? hide;
  if (part === undefined) return observeMasked(known);
  return observeMasked(
    known,
    regionMask(known.shape, part, region === undefined, namesOfSignal(model.card, known)),
  );
}
