/**
 * Signals as a stream of bytes; that of one signal is the same in a single file and in an archive, where small ones may also share a
 * stream.
 */

import { bitsOfChannels } from '../prior/cost.ts';
import type { PriorKind } from '../prior/kinds.ts';
import { maxSymbol, type Symbols, type WalkPart } from '../prior/prior.ts';
import { checkQuality } from '../prior/quantiser.ts';
import { readPrior } from '../prior/registry.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import { crc16 } from '../src/core/hash.ts';
import type { Limits } from '../src/core/limits.ts';
import { type ModulationLayout, modulationLayout } from '../src/field/layout.ts';
import type { Samples } from '../src/field/samples.ts';
import { pointCount } from '../src/field/spec.ts';
import { checkOf } from './check.ts';
import { type CodingModel, checkWork, layoutFor } from './coding-model.ts';
import { headerOf, type StreamSetting } from './header-of.ts';
import { byteFrequency, checkPaid, checkStreamPaid } from './paid.ts';
import { RansDecoder, RansEncoder, RansEnd } from './rans.ts';
import { readSamples, writeSamples } from './sample-stream.ts';

/** A signal as what is coded of it: symbols of its modulation, or its samples. */
export type StreamContent = SymbolContent | SampleContent;

/** The same to be written, from symbols that may be narrow. */
export type WrittenContent = SymbolContent<Symbols> | SampleContent;

export interface SymbolContent<S extends Symbols = Int32Array> {
  readonly prior: PriorKind;
  readonly quality: number;
  readonly shape: readonly number[];
  readonly symbols: S;
}

export interface SampleContent {
  readonly prior: 'samples';
  readonly quality: number;
  readonly shape: readonly number[];
  readonly samples: Samples;
  /** Of samples that are coded already, in whichever way: they are written as they are. */
  readonly stream?: Uint8Array | undefined;
}

/** Bits of a single file beyond those of its symbols (prior/cost.ts): its header, and the check in its stream. */
export function overheadBits(model: CodingModel, shape: readonly number[]): number {
  return 8 * headerOf(model, { prior: 'samples', quality: 50, shape }).length + 16;
}

export interface WrittenStream {
  readonly stream: Uint8Array;
  /** What priors say the symbols cost, and the bits of samples. */
  readonly bits: number;
}

/**
 * One signal alone. Throws BadInputError `shape`, `quality`, `symbol-count`, `symbol-range` or `sample-count`, and NotFoundError
 * `prior`.
 */
export function writeStream(model: CodingModel, content: WrittenContent): WrittenStream {
  if (content.prior !== 'samples') return writeSymbolsWithin(model, content, Number.POSITIVE_INFINITY)!;
  const stream = streamOfSamples(model, content);
  return { stream, bits: 8 * stream.length };
}

function streamOfSamples(model: CodingModel, content: SampleContent): Uint8Array {
  return content.stream ?? writeSamples(model, content, content.samples).stream;
}

/** The same bytes, of symbols that are few enough to be held at once; readers have this one, and no other coder. Throws as `writeStream`. */
export function writeAlone(model: CodingModel, content: SymbolContent): Uint8Array {
  const { shape, symbols, quality, prior } = content;
  encoder.restart();
  readPrior(model, prior).walk(checkedLayout(model, shape, symbols), quality, symbols, encoder);
  return encoder.finish(checkOf(headerOf(model, content), symbols));
}

/**
 * The symbols of one signal; undefined where they take more than `most` bytes, which few of them may show. Throws as `writeStream`.
 */
export function writeSymbolsWithin(
  model: CodingModel,
  content: SymbolContent<Symbols>,
  most: number,
): WrittenStream | undefined {
  const isLong = content.symbols.length > longest;
  const written = isLong
    ? writeInParts(model, content, longest)
    : writeTogether(model, [content], 8 * most + spareBits);
  return written !== undefined && written.stream.length <= most ? written : undefined;
}

/** No stream is so many bits shorter than what its symbols cost: its state, which starts from the check, holds fewer. */
const spareBits = 64;

/** Symbols whose intervals are held at once; of about so many are the parts of longer streams. */
const longest = 1 << 20;

/**
 * The stream of `writeTogether` for many symbols: from the last part to the first, so that the intervals of about `most` symbols are
 * held. Throws as `writeStream`.
 */
export function writeInParts(
  model: CodingModel,
  content: SymbolContent<Symbols>,
  most: number,
): WrittenStream {
  const { shape, symbols, quality } = content;
  checkQuality(quality);
  const prior = readPrior(model, content.prior);
  const layout = checkedLayout(model, shape, symbols);
  const end = new RansEnd(checkOf(headerOf(model, content), symbols), symbols.length >> 4);
  encoder.restart();
  let bits = 0;
  for (const part of partsOf(layout, most).reverse()) {
    prior.walk(layout, quality, symbols, encoder, part);
    bits += encoder.bitCount;
    encoder.flush(end);
  }
  return { stream: end.stream(), bits };
}

/** All cells of all levels, in order. */
function partsOf({ levels }: ModulationLayout, most: number): WalkPart[] {
  return levels.flatMap(({ cells, channels }, level) => {
    const count = pointCount(cells);
    const size = Math.max(1, Math.floor(most / channels));
    return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
      ...{ level, from: i * size, to: Math.min(count, (i + 1) * size) },
    }));
  });
}

/** One for all: the room for the intervals of a small signal takes longer to make than to fill. */
const encoder = new RansEncoder();

/** One signal after the other, with one check at the end. Throws as `writeStream`. */
export function writeTogether(model: CodingModel, contents: readonly WrittenContent[]): WrittenStream;
/** The same; undefined where symbols cost more than `mostBits`. */
export function writeTogether(
  model: CodingModel,
  contents: readonly WrittenContent[],
  mostBits: number,
): WrittenStream | undefined;
export function writeTogether(
  model: CodingModel,
  contents: readonly WrittenContent[],
  mostBits = Number.POSITIVE_INFINITY,
): WrittenStream | undefined {
  encoder.restart(mostBits === Number.POSITIVE_INFINITY ? undefined : mostBits);
  let check: number | undefined;
  for (const content of contents) {
    if (content.prior === 'samples') {
      const stream = streamOfSamples(model, content);
      for (const byte of lengthBytes(stream.length)) encoder.bits(8, byte);
      for (const byte of stream) encoder.bits(8, byte);
      check = crc16(stream, crc16(headerOf(model, content), check));
      continue;
    }
    const { shape, symbols, quality } = content;
    checkQuality(quality);
    const prior = readPrior(model, content.prior);
    const layout = checkedLayout(model, shape, symbols);
    const tables = mostBits < Number.POSITIVE_INFINITY ? prior.tablesOf?.(layout, quality) : undefined;
    if (tables !== undefined && bitsOfChannels(layout, tables, symbols) > mostBits + 1) return undefined;
    // What an encoder returns is what it was given: the symbols stay as they are.
    prior.walk(layout, quality, symbols, encoder);
    if (encoder.isOver) return undefined;
    check = checkOf(headerOf(model, content), symbols, check);
  }
  return { stream: encoder.finish(check ?? 0), bits: encoder.bitCount };
}

function checkedLayout(model: CodingModel, shape: readonly number[], symbols: Symbols): ModulationLayout {
  const layout = layoutFor(model, shape);
  if (symbols.length !== layout.length) {
    throw new BadInputError(
      'symbol-count',
      `a signal of [${shape}] has ${layout.length} symbols, not ${symbols.length}`,
    );
  }
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    if (symbol >= -maxSymbol && symbol <= maxSymbol) continue;
    throw new BadInputError('symbol-range', `symbol ${i} is ${symbol}, beyond +-${maxSymbol}`);
  }
  return layout;
}

/**
 * `at`: offset of the stream in its file. Throws LimitError before it allocates (`limit-free-symbols` where the bytes are too few), and BadStreamError `payload`, `symbol-range`,
 * `sample-range`, `truncated` or `checksum`.
 */
export function readStream(
  model: CodingModel,
  setting: StreamSetting,
  stream: Uint8Array,
  at: number,
  limits: Limits,
): StreamContent {
  const { prior, quality, shape } = setting;
  if (prior !== 'samples') return readTogether(model, [setting], stream, at, limits)[0]!.content;
  return { prior, quality, shape, samples: readSamples(model, setting, stream, at, limits) };
}

/** A signal of a shared stream. */
export interface ReadContent {
  readonly content: StreamContent;
  /** Of samples: the stream that they have in a file of their own. */
  readonly stream?: Uint8Array;
}

/** Signals with these settings, one or more. Limits hold for all of them together. Throws as `readStream`. */
export function readTogether(
  model: CodingModel,
  settings: readonly StreamSetting[],
  stream: Uint8Array,
  at: number,
  limits: Limits,
): ReadContent[] {
  checkWork(model, settings, limits);
  checkStreamPaid(model, settings, stream.length, limits);
  const decoder = new RansDecoder(stream, at);
  let check: number | undefined;
  const found = settings.map((setting): ReadContent => {
    const { prior: kind, quality, shape } = setting;
    const header = headerOf(model, setting);
    if (kind === 'samples') {
      const most = 2 * pointCount(shape) * model.network.spec.outputs + 2;
      const own = readBytes(decoder, { at, most, held: stream.length, limits });
      check = crc16(own, crc16(header, check));
      const samples = readSamples(model, setting, own, at, limits);
      return { content: { prior: kind, quality, shape, samples }, stream: own };
    }
    const layout = modulationLayout(model.network.spec, shape);
    const symbols = new Int32Array(layout.length);
    readPrior(model, kind).walk(layout, quality, symbols, decoder);
    check = checkOf(header, symbols, check);
    return { content: { prior: kind, quality, shape, symbols } };
  });
  const stored = decoder.end();
  const computed = check ?? 0;
  if (stored !== computed) {
    const text = (check: number) => check.toString(16).padStart(4, '0');
    throw new BadStreamError(
      'checksum',
      at,
      `the file is damaged: check stored ${text(stored)}, computed ${text(computed)}`,
    );
  }
  return found;
}

/** A length below 2^32, low byte first. */
function lengthBytes(length: number): number[] {
  return [length & 255, (length >>> 8) & 255, (length >>> 16) & 255, length >>> 24];
}

/** Bytes that an encoder wrote after their length. */
function readBytes(
  decoder: RansDecoder,
  {
    at,
    most,
    held,
    limits,
  }: {
    readonly at: number;
    readonly most: number;
    /** Bytes of the stream that they are in. */
    readonly held: number;
    readonly limits: Limits;
  },
): Uint8Array {
  const length = [1, 0x100, 0x10000, 0x1000000].reduce((sum, unit) => sum + unit * decoder.bits(8, 0), 0);
  if (length > most)
    throw new BadStreamError('payload', at, `samples in ${length} bytes, where ${most} hold them all`);
  checkPaid(length, held, byteFrequency, limits);
  return Uint8Array.from({ length }, () => decoder.bits(8, 0));
}
