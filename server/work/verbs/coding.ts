/** Encoding, decoding and sampling by a model. */
import { AbortedError } from '../../../src/core/errors.ts';
import type { Parts } from '../../../src/formats/formats.ts';
import type { DecodeOptions, EncodeOneOptions, SampleOptions } from '../../../src/session/index.ts';
import { formatOfType, functaType } from '../../media.ts';
import type { Made } from '../messages.ts';
import type { ModelRef, Shelf } from '../shelf.ts';
import { encodable, readSignal, whole } from '../signals.ts';

export interface EncodedHead {
  readonly quality: number;
  readonly psnrDb: number;
  /** [outputs], in their units. */
  readonly rmse: readonly number[];
  readonly maxError: readonly number[];
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
    type,
    parts,
    ...options
  }: Omit<EncodeOneOptions, 'signal'> & {
    readonly model: ModelRef;
    readonly bytes: Uint8Array;
    /** As it was declared. */
    readonly type?: string | undefined;
    readonly parts?: Parts | undefined;
  },
  signal: AbortSignal,
): Promise<Made<EncodedHead>> {
  const { model, session } = await shelf.model(ref);
  const { limits } = shelf;
  const onShape = encodable(model, limits, options.effort ?? 1);
  const read = await readSignal(bytes, model, limits, { type, onShape, ...parts });
  if (signal.aborted) throw new AbortedError();
  const {
    quality,
    psnrDb,
    rmse,
    maxError,
    bitsPerPoint,
    seconds,
    bytes: file,
  } = await session.encode(read, { ...options, signal });
  return {
    head: { quality, psnrDb, rmse, maxError, bitsPerPoint, seconds, notes: read.notes },
    bytes: whole(file),
  };
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
  const { model, session } = ref === undefined ? shelf.own(bytes) : await shelf.model(ref);
  const format = formatOfType(as);
  const rows = await session.decodeRows(bytes, { ...grid, raw: format.raw, signal });
  return { head: null, bytes: format.write(rows, model.card.outputs) };
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
  const { model, session } = await shelf.model(ref);
  const format = as === functaType ? undefined : formatOfType(as);
  const drawn = await session.sample({
    ...options,
    raw: format?.raw,
    decode: format !== undefined,
    ids: true,
    signal,
  });
  if (format === undefined) return { head: null, bytes: whole(drawn.archive) };
  return { head: null, bytes: format.writeAll(drawn.signals, model.card.outputs, { signal }) };
}
