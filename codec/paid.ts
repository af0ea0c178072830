/**
 * How much bytes can hold: what a header asks for is compared with the length of its stream before any of it is decoded.
 *
 * rANS, with k = 2^16 less the largest frequency F of the tables. While bytes are left, or the state x is at least 2^16, a symbol takes
 * x to at most x - k floor(x / 2^16), and so to at most x (1 - k / 2^17); a byte takes it to less than 256 (x + 1), where x >= 128. The
 * state ends above 0, so n bytes pay for fewer than 2^17 ln 2 / k * 8.0113 n symbols, and one more.
 * Below 2^16 with no byte left, the first symbol of a table leaves x as it is, and others lessen it: such symbols are free, and there can
 * be any number of them in a whole file (all the same, say, with a check below F). So they have a limit, and are not an error.
 *
 * Adaptive bits: a split leaves at most 1 - 2^-17 of the interval's numbers, of which there are 2^32 at first, 256 times as many after
 * each byte, and never none. So n bytes hold at most 2^17 ln 2 (8 n + 32) of them; none are free.
 */
import { tableBits } from '../prior/prior.ts';
import { readPrior } from '../prior/registry.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { checkLimit, type Limits } from '../src/core/limits.ts';
import { modulationLength } from '../src/field/spec.ts';
import type { CodingModel } from './coding-model.ts';
import type { StreamSetting } from './header-of.ts';

/** 2^17 ln 2 * 8.0113, rounded up. */
const symbolsPerByte = 728_000;
/** 2^17 ln 2 * 8, rounded up. */
const splitsPerByte = 726_818;
/** Frequency of each value of a byte. */
export const byteFrequency = 1 << 8;

/** Symbols that so many bytes of a stream pay for, at most, where no table has a larger frequency. */
export function mostPaid(streamBytes: number, largestFrequency: number): number {
  return Math.floor((symbolsPerByte * streamBytes) / ((1 << tableBits) - largestFrequency)) + 1;
}

/** Throws LimitError `limit-free-symbols` when more symbols than are allowed would be free. */
export function checkPaid(
  symbols: number,
  streamBytes: number,
  largestFrequency: number,
  { maxFreeSymbols }: Limits,
): void {
  const free = symbols - mostPaid(streamBytes, largestFrequency);
  const hint = `${streamBytes} bytes cannot hold the ${symbols} symbols asked for, unless nearly all of them are free; allow more if the file is known to be whole`;
  checkLimit('free-symbols', free, maxFreeSymbols, hint);
}

/** Signals of one stream together. Throws LimitError `limit-free-symbols`, and what `readPrior` throws. */
export function checkStreamPaid(
  model: CodingModel,
  settings: readonly StreamSetting[],
  streamBytes: number,
  limits: Limits,
): void {
  const coded = settings.flatMap(({ prior, quality, shape }) =>
    prior === 'samples' ? [] : { prior, quality, symbols: modulationLength(model.network.spec, shape) },
  );
  const symbols = coded.reduce((sum, signal) => sum + signal.symbols, 0);
  if (symbols <= limits.maxFreeSymbols) return;
  const largest = coded.reduce(
    (most, { prior, quality }) => Math.max(most, readPrior(model, prior).largestFrequency(quality)),
    1,
  );
  checkPaid(symbols, streamBytes, largest, limits);
}

/** Adaptive bits that so many bytes hold, at most; a sample takes one or more. */
export function mostSplits(bytes: number): number {
  return splitsPerByte * (bytes + 4);
}

/** `at`: offset of the bytes. Throws BadStreamError `payload` when so many samples cannot be in so many bytes. */
export function checkSamplesPaid(samples: number, bytes: number, at: number): void {
  const most = mostSplits(bytes);
  if (samples > most)
    throw new BadStreamError(
      'payload',
      at,
      `${samples} samples in ${bytes} bytes, which hold ${most} at most`,
    );
}
