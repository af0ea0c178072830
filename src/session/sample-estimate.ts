/** What samples take at the least, without coding them. */

import { look } from '../core/look.ts';
import type { Samples } from '../field/samples.ts';
import type { Signal } from '../signal/signal.ts';

/** Samples between two looks at whether to stop, as a mask: a millisecond. */
const lookMask = 0xffff;

/**
 * Bytes that samples of a step take at the least as far as a look at neighbours says: log2 of the least of a few differences each, in
 * steps. Flat areas are free. Seldom above what the coder reaches, and never less for a smaller step. Once they are more than `most` it
 * looks no further.
 */
export function leastSampleBytes(
  { shape, channels }: Signal,
  samples: Samples,
  {
    step,
    most,
    smooth = false,
  }: {
    readonly step: number;
    readonly most: number;
    /** Least squares follow slopes, too: differences of differences are looked at. */
    readonly smooth?: boolean;
  },
): number {
  const columns = shape.at(-1)!;
  const stride = columns * channels;
  const mostBits = 8 * most;
  let bits = 0;
  for (let i = channels; i < samples.length; i++) {
    if ((i & lookMask) === 0) look();
    const x = samples[i]!;
    const left = x - samples[i - channels]!;
    let least = Math.abs(left);
    if (i >= stride) least = Math.min(least, Math.abs(x - samples[i - stride]!));
    if (channels > 1 && i % channels > 0)
      least = Math.min(least, Math.abs(left - (samples[i - 1]! - samples[i - 1 - channels]!)));
    if (smooth && i >= 2 * channels) {
      const before = samples[i - channels]! - samples[i - 2 * channels]!;
      least = Math.min(least, Math.abs(left - before));
      if (i >= stride + channels)
        least = Math.min(least, Math.abs(left - (samples[i - stride]! - samples[i - stride - channels]!)));
    }
    bits += Math.max(0, 31 - Math.clz32(least / step));
    if (bits > mostBits) break;
  }
  return bits / 8;
}
