/** The symbols of one signal as a stream of bytes: the same in a single file and in an archive. */
import { maxSymbol, type PriorKind, symbolLayout } from '../prior/prior.ts';
import { checkQuality } from '../prior/quantiser.ts';
import { readPrior } from '../prior/registry.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import { checkOf } from './check.ts';
import { type CodingModel, checkWork, isDefaultShape, layoutFor } from './coding-model.ts';
import { writeFileHeader } from './header.ts';
import { RansDecoder, RansEncoder } from './rans.ts';

/** What a stream is read with; its single-file header is derived from this and enters its check. */
export interface StreamSetting {
  readonly prior: PriorKind;
  readonly quality: number;
  readonly shape: readonly number[];
}

/** The header that a single file with this stream has. */
export function headerOf(model: CodingModel, { prior, quality, shape }: StreamSetting): Uint8Array {
  const written = isDefaultShape(model, shape) ? undefined : shape;
  return writeFileHeader({ prior, modelDigest: model.id, quality, shape: written });
}

/** Bits of a single file beyond those of its symbols (prior/cost.ts): its header, and the check in its stream. */
export function overheadBits(model: CodingModel, shape: readonly number[]): number {
  return 8 * headerOf(model, { prior: 'histogram', quality: 50, shape }).length + 16;
}

export interface WrittenStream {
  readonly stream: Uint8Array;
  /** What the prior says the symbols cost. */
  readonly bits: number;
}

/** Throws BadInputError `shape`, `quality`, `symbol-count` or `symbol-range`, and NotFoundError `prior`. */
export function writeStream(model: CodingModel, setting: StreamSetting, symbols: Int32Array): WrittenStream {
  checkQuality(setting.quality);
  const layout = layoutFor(model, setting.shape);
  if (symbols.length !== layout.length) {
    throw new BadInputError(
      'symbol-count',
      `a signal of [${setting.shape}] has ${layout.length} symbols, not ${symbols.length}`,
    );
  }
  const outside = symbols.findIndex((symbol) => symbol < -maxSymbol || symbol > maxSymbol);
  if (outside >= 0)
    throw new BadInputError(
      'symbol-range',
      `symbol ${outside} is ${symbols[outside]}, beyond +-${maxSymbol}`,
    );
  const encoder = new RansEncoder();
  readPrior(model, setting.prior).walk(layout, setting.quality, symbols.slice(), encoder);
  return { stream: encoder.finish(checkOf(headerOf(model, setting), symbols)), bits: encoder.bitCount };
}

/**
 * `at`: offset of the stream in its file. Throws LimitError before it allocates, and BadStreamError `payload`,
 * `symbol-range` or `checksum`.
 */
export function readStream(
  model: CodingModel,
  setting: StreamSetting,
  stream: Uint8Array,
  at: number,
  limits: Limits,
): Int32Array {
  const prior = readPrior(model, setting.prior);
  checkWork(model, prior, setting.shape, limits);
  const layout = symbolLayout(model.network.spec, setting.shape);
  const decoder = new RansDecoder(stream, at);
  const symbols = new Int32Array(layout.length);
  prior.walk(layout, setting.quality, symbols, decoder);
  const stored = decoder.end();
  const computed = checkOf(headerOf(model, setting), symbols);
  if (stored !== computed) {
    const text = (check: number) => check.toString(16).padStart(4, '0');
    throw new BadStreamError(
      'checksum',
      at,
      `the file is damaged: check stored ${text(stored)}, computed ${text(computed)}`,
    );
  }
  return symbols;
}
