/** One signal in one file: a header of 6 to 10 bytes for an image, and the stream; see FORMAT.md. */
import type { PriorKind } from '../prior/prior.ts';
import { ByteReader } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../src/core/limits.ts';
import { type CodingModel, checkModel, choosePrior, resolveShape } from './coding-model.ts';
import { readFileHeader, readLead } from './header.ts';
import { headerOf, readStream, writeStream } from './stream.ts';

export interface DecodedFile {
  readonly symbols: Int32Array;
  readonly shape: readonly number[];
  readonly quality: number;
  readonly prior: PriorKind;
}

/**
 * The file of a signal's symbols (in the order of its modulation; see prior/quantiser.ts), coded with the model's best
 * prior or the one named. Throws BadInputError `shape`, `quality`, `symbol-count` or `symbol-range`; NotFoundError `prior`.
 */
export function encodeFile(
  model: CodingModel,
  symbols: Int32Array,
  shape: readonly number[],
  quality: number,
  prior?: PriorKind,
): Uint8Array {
  return encodePriced(model, symbols, shape, quality, prior).bytes;
}

/** The same file, and the bits that the prior says its symbols cost, in one walk. Throws as `encodeFile`. */
export function encodePriced(
  model: CodingModel,
  symbols: Int32Array,
  shape: readonly number[],
  quality: number,
  prior?: PriorKind,
): { readonly bytes: Uint8Array; readonly bits: number } {
  const setting = { prior: choosePrior(model, prior), quality, shape };
  const { stream, bits } = writeStream(model, setting, symbols);
  const header = headerOf(model, setting);
  const file = new Uint8Array(header.length + stream.length);
  file.set(header);
  file.set(stream, header.length);
  return { bytes: file, bits };
}

/**
 * Any bytes give symbols within the limits, or throw: LimitError, ConflictError `other-model`, NotFoundError `prior` (the model has
 * no prior of that kind), or BadStreamError `magic`, `version`, `prior`, `container`, `quality`, `shape`, `truncated`, `varint`,
 * `payload`, `symbol-range` or `checksum`.
 */
export function decodeFile(
  model: CodingModel,
  bytes: Uint8Array,
  limits: Limits = defaultLimits,
): DecodedFile {
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'allow more, or give a smaller file');
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  if (lead.container !== 'file') {
    throw new BadStreamError(
      'container',
      1,
      'this is an archive of signals, not a single file; name one of its items',
    );
  }
  const { modelDigest, quality, prior, shape: written } = readFileHeader(reader, lead);
  checkModel(model, modelDigest);
  const shape = resolveShape(model, written, reader.at);
  const symbols = readStream(model, { prior, quality, shape }, bytes.subarray(reader.at), reader.at, limits);
  return { symbols, shape, quality, prior };
}
