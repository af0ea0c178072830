/**
 * Which values of a signal are missing, as adaptive bits under what is missing around; FORMAT.md, "Mask". Runs cost next to nothing, as a
 * bit of which its contexts are sure is a thousandth of one.
 */
import { type BitCoder, BitDecoder, BitEncoder } from '../prior/bits.ts';
import { Around } from './grid-around.ts';
import { checkSamplesPaid } from './paid.ts';

/** The four around; and with the channel before, the two in whose line it is. */
const wide = 16;
const contexts = wide + 8;

export interface ValueGrid {
  /** Samples along the last axis. */
  readonly columns: number;
  readonly channels: number;
}

/** `missing` [points, channels]: 1 where a value is missing. */
export function encodeMask(missing: Uint8Array, grid: ValueGrid): Uint8Array {
  const encoder = new BitEncoder(contexts);
  walk(encoder, missing, grid);
  return encoder.finish();
}

/** [count] of `encodeMask`. Throws BadStreamError `payload`; `at`: offset for messages. */
export function decodeMask(bytes: Uint8Array, count: number, grid: ValueGrid, at = 0): Uint8Array {
  checkSamplesPaid(count, bytes.length, at);
  const missing = new Uint8Array(count);
  const decoder = new BitDecoder(contexts, bytes, at);
  walk(decoder, missing, grid);
  decoder.end();
  return missing;
}

function walk(coder: BitCoder, missing: Uint8Array, { columns, channels }: ValueGrid): void {
  const around = new Around(missing, columns, channels);
  for (let i = 0; i < missing.length; i++) {
    around.at(i);
    const { left, above, leftAbove, rightAbove } = around;
    const before = i % channels > 0 ? missing[i - 1]! : 0;
    const four = left + 2 * above + 4 * leftAbove + 8 * rightAbove;
    missing[i] = coder.bit(four, wide + left + 2 * above + 4 * before, missing[i]!);
  }
}
