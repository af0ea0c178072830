/**
 * COIN++'s quantiser and rate exactly as published (arXiv 2201.12904; quantization.py and entropy_coding.py of its
 * repository, described): one mean and one standard deviation of all training modulations in all dimensions, a clip at 3
 * standard deviations, 2^b levels, and as rate the cross-entropy of the test symbols under one pooled histogram of
 * the training symbols. Statistics come from the training set alone. It is an estimate: there is no bitstream, and mean,
 * deviation and histogram are not counted. For the record of the baseline; floats may differ in their last bits.
 */
import { log2 } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';

export interface CoinppCoder {
  readonly bits: number;
  readonly mean: number;
  /** Standard deviation, unbiased (n - 1). */
  readonly deviation: number;
  /** [2^bits]: how often each level occurred in training. */
  readonly counts: Float64Array;
}

/** Statistics of the training modulations, at `bits` (1 to 16) a symbol. Throws BadInputError `coinpp`. */
export function fitCoinpp(training: readonly Float32Array[], bits: number): CoinppCoder {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16)
    throw new BadInputError('coinpp', `1 to 16 bits, not ${bits}`);
  const n = training.reduce((sum, modulation) => sum + modulation.length, 0);
  let mean = 0;
  for (const modulation of training) for (const value of modulation) mean += value / n;
  let squares = 0;
  for (const modulation of training)
    for (const value of modulation) squares += (value - mean) * (value - mean);
  const deviation = Math.sqrt(squares / (n - 1));
  if (!(deviation > 0))
    throw new BadInputError('coinpp', 'training modulations need two values or more that differ');
  const coder = { bits, mean, deviation, counts: new Float64Array(1 << bits) };
  for (const modulation of training)
    for (const symbol of quantiseCoinpp(coder, modulation)) coder.counts[symbol]! += 1;
  return coder;
}

/** Levels 0 .. 2^bits - 1 of a modulation; halves go to the even level, as in the original's arithmetic. */
export function quantiseCoinpp(
  { bits, mean, deviation }: CoinppCoder,
  modulation: Float32Array,
): Uint16Array {
  return Uint16Array.from(modulation, (value) => {
    const clipped = Math.min(3, Math.max(-3, (value - mean) / deviation));
    return roundHalfToEven((clipped / 6 + 0.5) * ((1 << bits) - 1));
  });
}

export function dequantiseCoinpp({ bits, mean, deviation }: CoinppCoder, symbols: Uint16Array): Float32Array {
  return Float32Array.from(symbols, (symbol) => mean + deviation * 6 * (symbol / ((1 << bits) - 1) - 0.5));
}

/**
 * Cross-entropy in bits of these symbols, all together, under the training histogram. A level that training never
 * reached counts as reached once: the published rate is infinite there.
 */
export function coinppBits({ counts }: CoinppCoder, symbols: Uint16Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let bits = 0;
  for (const symbol of symbols) bits += log2(total) - log2(Math.max(1, counts[symbol]!));
  return bits;
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
