/** Pictures that were coded: what they take, and that they decode. */
import { BugError } from '../../src/core/errors.ts';
import { mse } from '../../src/core/units.ts';
import type { Encoded, EncodeOptions, Session } from '../../src/session/types.ts';
import type { Pictures } from './pictures.ts';

/** Every picture as a file, `together` at the same time: the seconds of each include waiting for the others. */
export async function encodeAll(
  session: Session,
  { signals }: Pictures,
  together: number,
  optionsOf: (i: number) => EncodeOptions,
): Promise<Encoded[]> {
  const items = new Array<Encoded>(signals.length);
  let next = 0;
  const encodeNext = async (): Promise<void> => {
    if (next === signals.length) return;
    const i = next++;
    items[i] = await session.encode(signals[i]!, optionsOf(i));
    return encodeNext();
  };
  await Promise.all(Array.from({ length: together }, encodeNext));
  return items;
}

/** Sums of as many squares in another order differ by less. */
const sumsDiffer = 1e-9;

/**
 * Decodes every file by itself; mean milliseconds. What is decoded has to be what the encoder measured, which sums the squares of
 * each output by themselves.
 */
export async function decodeAll(
  session: Pick<Session, 'decode'>,
  items: readonly Pick<Encoded, 'bytes' | 'mse'>[],
  { signals }: Pick<Pictures, 'signals'>,
): Promise<number> {
  let sum = 0;
  for (const [i, item] of items.entries()) {
    const started = performance.now();
    const { values } = await session.decode(item.bytes);
    sum += performance.now() - started;
    const decoded = mse(values, signals[i]!.values);
    if (!(Math.abs(decoded - item.mse) <= sumsDiffer * item.mse)) {
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
