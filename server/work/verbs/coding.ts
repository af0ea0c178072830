/** Encoding, decoding and sampling by a model. */
import type { DistilledSteps } from '../../../prior/kinds.ts';
import { AbortedError } from '../../../src/core/errors.ts';
import type { Attributes } from '../../../src/field/about.ts';
import type { Parts } from '../../../src/formats/formats.ts';
import {
  type DecodeOptions,
  type Encoded,
  type EncodeOneOptions,
  inspect as inspectFile,
  type SampleOptions,
  spentOn,
} from '../../../src/session/index.ts';
import type { Signal } from '../../../src/signal/signal.ts';
import { formatOfType, functaType } from '../../media.ts';
import { flatten, type PlainError } from '../../wire-error.ts';
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

export type EncodeInput = Omit<EncodeOneOptions, 'signal'> & {
  readonly model: ModelRef;
  readonly bytes: Uint8Array;
  /** As it was declared. */
  readonly type?: string | undefined;
  readonly parts?: Parts | undefined;
};

/** A signal in a body to a `.functa` file. */
export async function encode(
  shelf: Shelf,
  { model: ref, bytes, type, parts, ...options }: EncodeInput,
  signal: AbortSignal,
): Promise<Made<EncodedHead>> {
  const { model, session } = await shelf.model(ref);
  const { limits } = shelf;
  const onShape = encodable(model, limits, options.effort ?? 1);
  const read = await readSignal(bytes, model, limits, { type, onShape, ...parts });
  if (signal.aborted) throw new AbortedError();
  const encoded = await session.encode(read, { ...options, signal });
  return { head: headOf(encoded, read), bytes: whole(encoded.bytes) };
}

/** What one of several came to: so many of the bytes that follow, or a fault of its own. */
export type MadeTogether<H> = { readonly head: H; readonly length: number } | { readonly error: PlainError };

/** Several signals, one behind the other in `bytes`, to files of these lengths in the same way; what is wrong with one is said of it. */
export async function encodeTogether(
  shelf: Shelf,
  {
    model: ref,
    items,
    bytes,
    parts,
    ...options
  }: Omit<EncodeInput, 'type' | 'target' | 'maxError' | 'keepSigns'> & {
    readonly items: readonly { readonly length: number; readonly type: string | undefined }[];
  },
  signal: AbortSignal,
): Promise<Made<readonly MadeTogether<EncodedHead>[]>> {
  const { model, session } = await shelf.model(ref);
  const { limits } = shelf;
  const onShape = encodable(model, limits, options.effort ?? 1);
  let at = 0;
  const bodies = items.map(({ length, type }) => {
    at += length;
    return { own: bytes.subarray(at - length, at), type };
  });
  const read = await Promise.all(
    bodies.map(({ own, type }) => settled(() => readSignal(own, model, limits, { type, onShape, ...parts }))),
  );
  if (signal.aborted) throw new AbortedError();
  const signals = read.flatMap((one) => ('value' in one ? [one.value] : []));
  const together = { ...options, archive: false, batch: signals.length, signal };
  const encoded = await settled(() => session.encodeMany(signals, together));
  let next = 0;
  const found: { readonly made: MadeTogether<EncodedHead>; readonly file?: Uint8Array }[] = [];
  for (const one of read) {
    if ('error' in one) {
      found.push({ made: one });
      continue;
    }
    // What is wrong with one of them is known when each is asked for alone.
    const own =
      'value' in encoded
        ? { value: encoded.value.items[next]! }
        : await settled(() => session.encode(one.value, { ...options, signal }));
    next++;
    if ('error' in own) found.push({ made: own });
    else
      found.push({
        made: { head: headOf(own.value, one.value), length: own.value.bytes.length },
        file: own.value.bytes,
      });
    if (signal.aborted) throw new AbortedError();
  }
  return { head: found.map(({ made }) => made), bytes: each(found.flatMap(({ file }) => file ?? [])) };
}

async function settled<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly error: PlainError }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: flatten(error) };
  }
}

async function* each(files: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* files;
}

function headOf(encoded: Encoded, { notes }: Signal): EncodedHead {
  const { quality, psnrDb, rmse, maxError, bitsPerPoint, seconds } = encoded;
  return { quality, psnrDb, rmse, maxError, bitsPerPoint, seconds, notes };
}

export type DecodeWanted = Pick<DecodeOptions, 'size' | 'region' | 'item' | 'id'> & {
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
  }: DecodeWanted & { readonly model: ModelRef | undefined; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<Made<null>> {
  const { model, session } = ref === undefined ? shelf.own(bytes) : await shelf.model(ref);
  const format = formatOfType(as);
  const rows = await session.decodeRows(bytes, { ...grid, raw: format.raw, signal });
  return { head: null, bytes: format.write(rows, rows.outputs ?? model.card.outputs) };
}

/** What a file says of itself; of one function, where its bits went. */
export async function inspect(
  shelf: Shelf,
  { model: ref, bytes }: { readonly model: ModelRef | undefined; readonly bytes: Uint8Array },
) {
  const model = ref && (await shelf.model(ref)).model;
  const { limits } = shelf;
  const { kind, fileBytes, headerBytes, count, ...found } = inspectFile(bytes, model, limits);
  const { prior = null, quality = null, shape, bitsPerPoint = null, outputs, axes, about } = found;
  const spent = model !== undefined && kind === 'file' ? spentOn(bytes, model, { limits }) : null;
  const said = { kind, fileBytes, headerBytes, count, prior, quality, bitsPerPoint };
  const values =
    outputs?.map(({ name, unit, low, peak }) => ({ name, unit, from: low, to: low + peak })) ?? null;
  const along = axes?.map(({ at, ...axis }) => ({ ...axis, ...(at === undefined ? {} : { at: [...at] }) }));
  return {
    head: {
      ...said,
      shape: shape === undefined ? null : [...shape],
      values,
      axes: along ?? null,
      attributes: about?.attributes?.map(plainAttributes) ?? null,
      fileAttributes: about?.file === undefined ? null : plainAttributes(about.file),
      spent,
    },
  };
}

function plainAttributes(own: Attributes): Record<string, string | number[]> {
  const plain = ([name, value]: [string, Attributes[string]]) => [
    name,
    typeof value === 'string' ? value : [...value],
  ];
  return Object.fromEntries(Object.entries(own).map(plain));
}

/** Several files, one behind the other in `bytes`, to signals in the same way; what is wrong with one is said of it. */
export async function decodeTogether(
  shelf: Shelf,
  {
    items,
    bytes,
    ...wanted
  }: DecodeWanted & {
    readonly model: ModelRef;
    readonly items: readonly { readonly length: number }[];
    readonly bytes: Uint8Array;
  },
  signal: AbortSignal,
): Promise<Made<readonly MadeTogether<null>[]>> {
  const head: MadeTogether<null>[] = [];
  const files: Uint8Array[] = [];
  let at = 0;
  for (const { length } of items) {
    at += length;
    const own = bytes.subarray(at - length, at);
    const made = await settled(async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of (await decode(shelf, { ...wanted, bytes: own }, signal)).bytes ?? [])
        pieces.push(piece);
      return pieces;
    });
    if (signal.aborted) throw new AbortedError();
    if ('error' in made) head.push(made);
    else {
      head.push({ head: null, length: made.value.reduce((sum, piece) => sum + piece.length, 0) });
      files.push(...made.value);
    }
  }
  return { head, bytes: each(files) };
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
): Promise<Made<{ readonly distilled: DistilledSteps | undefined }>> {
  const { model, session } = await shelf.model(ref);
  const format = as === functaType ? undefined : formatOfType(as);
  const drawn = await session.sample({
    ...options,
    raw: format?.raw,
    decode: format !== undefined,
    ids: true,
    signal,
  });
  const head = { distilled: drawn.distilled };
  if (format === undefined) return { head, bytes: whole(drawn.archive) };
  return { head, bytes: format.writeAll(drawn.signals, model.card.outputs, { signal }) };
}
