/** One signal in one file: a header of 6 to 10 bytes for an image, and the stream; see FORMAT.md. */
import type { PriorKind } from '../prior/kinds.ts';
import type { Symbols } from '../prior/prior.ts';
import { ByteReader } from '../src/core/bytes.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../src/core/limits.ts';
import type { Samples } from '../src/field/samples.ts';
import { type CodingModel, checkModel, choosePrior, resolveShape } from './coding-model.ts';
import { readFileHeader, readLead, writeFileHeader } from './header.ts';
import { headerOf } from './header-of.ts';
import { writeSamplesWithin } from './sample-stream.ts';
import {
  besideStream,
  codingOfSamples,
  isOfCoding,
  type SampleCoding,
  type Section,
  sectionsOfCoding,
} from './sections.ts';
import { readStream, type StreamContent, writeSymbolsWithin } from './stream.ts';

/** What a file holds: symbols of a modulation or the signal's samples, told apart by `prior`. */
export type DecodedFile = StreamContent & { readonly sections?: readonly Section[] | undefined };
export type DecodedSymbols = Extract<DecodedFile, { readonly symbols: Int32Array }>;

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
  symbols: Symbols,
  shape: readonly number[],
  quality: number,
  prior?: PriorKind,
): { readonly bytes: Uint8Array; readonly bits: number } {
  return codeSymbols(model, symbols, { shape, quality, prior, most: Number.POSITIVE_INFINITY })!;
}

/**
 * The same; undefined where the file would be longer than `most` bytes, for less than coding all symbols takes. Throws as `encodeFile`.
 */
export function codeSymbols(
  model: CodingModel,
  symbols: Symbols,
  {
    shape,
    quality,
    prior,
    most,
  }: {
    readonly shape: readonly number[];
    readonly quality: number;
    readonly prior?: PriorKind | undefined;
    readonly most: number;
  },
): { readonly bytes: Uint8Array; readonly bits: number } | undefined {
  const content = { prior: choosePrior(model, prior), quality, shape, symbols };
  const written = writeSymbolsWithin(model, content, most);
  if (written === undefined) return undefined;
  const { stream, bits } = written;
  const header = headerOf(model, content);
  if (header.length + stream.length > most) return undefined;
  const file = new Uint8Array(header.length + stream.length);
  file.set(header);
  file.set(stream, header.length);
  return { bytes: file, bits };
}

/**
 * The file of a signal's samples [points, channels], exact at quality 100 and to the nearest multiple of a step below (`sampleStep`):
 * never longer than the samples and 14 bytes, for signals below 2^21 points an axis. Throws BadInputError `shape`, `quality` or
 * `sample-count`.
 */
export function encodeSamples(
  model: CodingModel,
  samples: Samples,
  shape: readonly number[],
  quality: number,
): Uint8Array {
  return codeSamples(model, samples, shape, quality, Number.POSITIVE_INFINITY)!.bytes;
}

/**
 * The same file, and the samples that a decoder finds in it; undefined where it would be longer than `most` bytes, for less than coding
 * them all takes. Throws as `encodeSamples`.
 */
export function codeSamples(
  model: CodingModel,
  samples: Samples,
  shape: readonly number[],
  quality: number,
  most: number,
  coding: SampleCoding = 'guesses',
): { readonly bytes: Uint8Array; readonly samples: Samples } | undefined {
  const plain = headerOf(model, { prior: 'samples', quality, shape });
  const said = sectionsOfCoding(coding);
  const header = said.length === 0 ? plain : withSections(plain, said);
  const setting = { quality, shape, coding };
  const written = writeSamplesWithin(model, setting, samples, most - header.length);
  if (written === undefined) return undefined;
  const bytes = new Uint8Array(header.length + written.stream.length);
  bytes.set(header);
  bytes.set(written.stream, header.length);
  return { bytes, samples: written.samples };
}

/**
 * The symbols of a file that holds a modulation. Throws as `decodeFile`, and BadInputError `samples` for one that holds samples.
 */
export function decodeSymbols(
  model: CodingModel,
  bytes: Uint8Array,
  limits: Limits = defaultLimits,
): DecodedSymbols {
  const found = decodeFile(model, bytes, limits);
  if (found.prior !== 'samples') return found;
  throw new BadInputError('samples', 'this file holds samples and no modulation; fit a function to them');
}

/**
 * Any bytes give symbols or samples within the limits, or throw: LimitError, ConflictError `other-model`, NotFoundError `prior` (the model has
 * no prior of that kind), or BadStreamError `magic`, `version`, `container`, `quality`, `shape`, `truncated`, `varint`, `payload`,
 * `symbol-range`, `sample-range` or `checksum`.
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
      lead.container === 'archive'
        ? 'this is an archive of signals, not a single file; name one of its items'
        : 'this file is a network of its own and no function of a model; decode it alone',
    );
  }
  const { modelDigest, quality, prior, shape: written, sections } = readFileHeader(bytes, reader, lead);
  checkModel(model, modelDigest);
  const shape = resolveShape(model, written, reader.at);
  const setting = { prior, quality, shape, coding: codingOfSamples(sections, prior) };
  const content = readStream(model, setting, bytes.subarray(reader.at), reader.at, limits);
  const beside = besideStream(sections);
  return beside === undefined ? content : { ...content, sections: beside };
}

/** The file with these sections in place of those that it has, but for how its stream is coded; without any, a file of version 1. Throws as `decodeFile`, of the header. */
export function withSections(bytes: Uint8Array, sections: readonly Section[]): Uint8Array {
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  if (lead.container !== 'file') throw new BadStreamError('container', 1, 'single files alone have sections');
  const before = readFileHeader(bytes, reader, lead);
  const coding = (before.sections ?? []).filter(isOfCoding);
  const given = coding.length === 0 ? sections : (besideStream(sections) ?? []);
  const header = writeFileHeader({ ...before, sections: [...given, ...coding] });
  const file = new Uint8Array(header.length + reader.remaining);
  file.set(header);
  file.set(bytes.subarray(reader.at), header.length);
  return file;
}
