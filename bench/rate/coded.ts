/** Pictures that were coded: what they take, and that they decode. */
import { BugError } from '../../src/core/errors.ts';
import { mse } from '../../src/core/units.ts';
import type { Encoded, Session } from '../../src/pipeline/types.ts';
import type { Pictures } from './pictures.ts';

/** Decodes every file by itself; mean milliseconds. What is decoded has to be what the encoder measured. */
export async function decodeAll(
  session: Session,
  items: readonly Encoded[],
  { signals }: Pictures,
): Promise<number> {
  let sum = 0;
  for (const [i, item] of items.entries()) {
    const started = performance.now();
    const { values } = await session.decode(item.bytes);
    sum += performance.now() - started;
    if (mse(values, signals[i]!.values) !== item.mse) {
      throw new BugError(`${signals[i]!.id} decodes to other values than its encoder saw`);
    }
  }
  return sum / items.length;
}

/** Bits per pixel of every picture, by the bytes that `bytesOf` gives. */
export function perPixel(
  items: readonly Encoded[],
  { pictures }: Pictures,
  bytesOf: (item: Encoded) => number,
): number[] {
  return items.map((item, i) => (8 * bytesOf(item)) / (pictures[i]!.width * pictures[i]!.height));
}
