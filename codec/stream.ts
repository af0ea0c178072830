/** The symbols of signals as a stream of bytes; that of one signal is the same in a single file and in an archive. */
import { maxSymbol, type PriorKind, type SymbolLayout, symbolLayout } from '../prior/prior.ts';
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
export function writeStream(
  model: CodingModel,
  { shape, ...setting }: StreamSetting,
  symbols: Int32Array,
): WrittenStream {
  return writeTogether(model, setting, [{ shape, symbols }]);
}

/** One signal after the other, with one check at the end. Throws as `writeStream`. */
export function writeTogether(
  model: CodingModel,
  setting: Omit<StreamSetting, 'shape'>,
  signals: readonly { readonly shape: readonly number[]; readonly symbols: Int32Array }[],
): WrittenStream {
  checkQuality(setting.quality);
  const prior = readPrior(model, setting.prior);
  const encoder = new RansEncoder();
  let check: number | undefined;
  for (const { shape, symbols } of signals) {
    prior.walk(checkedLayout(model, shape, symbols), setting.quality, symbols.slice(), encoder);
    check = checkOf(headerOf(model, { ...setting, shape }), symbols, check);
  }
  return { stream: encoder.finish(check ?? 0), bits: encoder.bitCount };
}

function checkedLayout(model: CodingModel, shape: readonly number[], symbols: Int32Array): SymbolLayout {
  const layout = layoutFor(model, shape);
  if (symbols.length !== layout.length) {
    throw new BadInputError(
      'symbol-count',
      `a signal of [${shape}] has ${layout.length} symbols, not ${symbols.length}`,
    );
  }
  const outside = symbols.findIndex((symbol) => symbol < -maxSymbol || symbol > maxSymbol);
  if (outside >= 0)
    throw new BadInputError(
      'symbol-range',
      `symbol ${outside} is ${symbols[outside]}, beyond +-${maxSymbol}`,
    );
  return layout;
}

/**
 * `at`: offset of the stream in its file. Throws LimitError before it allocates, and BadStreamError `payload`,
 * `symbol-range` or `checksum`.
 */
export function readStream(
  model: CodingModel,
  { shape, ...setting }: StreamSetting,
  stream: Uint8Array,
  at: number,
  limits: Limits,
): Int32Array {
  return readTogether(model, setting, [shape], stream, at, limits)[0]!;
}

/** The symbols of signals of these shapes, one or more. Limits hold for all of them together. Throws as `readStream`. */
export function readTogether(
  model: CodingModel,
  setting: Omit<StreamSetting, 'shape'>,
  shapes: readonly (readonly number[])[],
  stream: Uint8Array,
  at: number,
  limits: Limits,
): Int32Array[] {
  const prior = readPrior(model, setting.prior);
  checkWork(model, prior, shapes, limits);
  const decoder = new RansDecoder(stream, at);
  let check: number | undefined;
  const found = shapes.map((shape) => {
    const layout = symbolLayout(model.network.spec, shape);
    const symbols = new Int32Array(layout.length);
    prior.walk(layout, setting.quality, symbols, decoder);
    check = checkOf(headerOf(model, { ...setting, shape }), symbols, check);
    return symbols;
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
