/** Encoding, decoding and sampling by a model. */
import { AbortedError } from '../../../src/core/errors.ts';
import { stoppable } from '../../../src/core/look.ts';
import { contactSheet } from '../../../src/formats/contact-sheet.ts';
import type { DecodeOptions, EncodeOneOptions, SampleOptions } from '../../../src/session/index.ts';
import { stackedRows } from '../../../src/signal/index.ts';
import { functaType, npyType } from '../../media.ts';
import type { Made } from '../messages.ts';
import type { ModelRef, Shelf } from '../shelf.ts';
import { encodable, readSignal, whole, written, writtenSignal } from '../signals.ts';

export interface EncodedHead {
  readonly quality: number;
  readonly psnrDb: number;
  readonly bitsPerPoint: number;
  readonly seconds: number;
  /** What reading the signal left out. */
  readonly notes: readonly string[] | undefined;
}

/** A signal in a body to a `.functa` file. */
export async function encode(
  shelf: Shelf,
  {
    model: ref,
    bytes,
    ...options
  }: Omit<EncodeOneOptions, 'signal'> & {
    readonly model: ModelRef;
    readonly bytes: Uint8Array;
  },
  signal: AbortSignal,
): Promise<Made<EncodedHead>> {
  const { model, session } = await shelf.model(ref);
  const { limits } = shelf;
  const onShape = encodable(model, limits, options.effort ?? 1);
  const read = await readSignal(bytes, model, limits, { onShape });
  if (signal.aborted) throw new AbortedError();
  const {
    quality,
    psnrDb,
    bitsPerPoint,
    seconds,
    bytes: file,
  } = await session.encode(read, { ...options, signal });
  return { head: { quality, psnrDb, bitsPerPoint, seconds, notes: read.notes }, bytes: whole(file) };
}

export type Wanted = Pick<DecodeOptions, 'size' | 'region' | 'item' | 'id'> & {
  /** A media type of `signalReplies`. */
  readonly as: string;
};

/** A `.functa` file to a signal in a media type; without a model, one that brings a network of its own. */
export async function decode(
  shelf: Shelf,
  {
    model: ref,
    bytes,
    as,
    ...grid
  }: Wanted & { readonly model: ModelRef | undefined; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<Made<null>> {
  const { session } = ref === undefined ? shelf.own(bytes) : await shelf.model(ref);
  const rows = await session.decodeRows(bytes, { ...grid, raw: as === npyType, signal });
  return { head: null, bytes: written(rows, as) };
}

export async function sample(
  shelf: Shelf,
  {
    model: ref,
    as,
    ...options
  }: Omit<SampleOptions, 'signal' | 'raw' | 'decode'> & {
    readonly model: ModelRef;
    /** One of `signalReplies`, or `functaType`. */
    readonly as: string;
  },
  signal: AbortSignal,
): Promise<Made<null>> {
  const { session } = await shelf.model(ref);
  const drawn = await session.sample({
    ...options,
    raw: as === npyType,
    decode: as !== functaType,
    ids: true,
    signal,
  });
  if (as === functaType) return { head: null, bytes: whole(drawn.archive) };
  if (as === npyType) return { head: null, bytes: written(stackedRows(drawn.signals), as) };
  return {
    head: null,
    bytes: writtenSignal(
      stoppable(signal, () => contactSheet(drawn.signals)),
      as,
    ),
  };
}
