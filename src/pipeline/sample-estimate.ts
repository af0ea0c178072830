/** What samples take at the least, without coding them. */
import type { Signal } from '../../datasets/signal.ts';
import type { Samples } from '../field/samples.ts';

/**
 * Bytes that samples, exact, take at the least as far as a look at neighbours says: log2 of one more than the least of a few differences
 * each. Flat areas are free. Seldom above what the coder reaches.
 */
export function leastSampleBytes({ shape, channels }: Signal, samples: Samples): number {
  const columns = shape.at(-1)!;
  const stride = columns * channels;
  let bits = 0;
  for (let i = channels; i < samples.length; i++) {
    const x = samples[i]!;
    const left = x - samples[i - channels]!;
    let least = Math.abs(left);
    if (i >= stride) least = Math.min(least, Math.abs(x - samples[i - stride]!));
    const c = i % channels;
    if (c > 0) least = Math.min(least, Math.abs(left - (samples[i - 1]! - samples[i - 1 - channels]!)));
    bits += 32 - Math.clz32(least) - (least > 0 ? 1 : 0);
  }
  return bits / 8;
}
