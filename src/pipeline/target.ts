/** Coding to a target: the quality is looked for by bisection. */
import { maxQuality, minQuality } from '../../prior/quantiser.ts';
import { BadInputError } from '../core/errors.ts';
import type { Encoded, EncodeTarget } from './types.ts';

/**
 * Codes at up to eight qualities, and gives the lowest that has at least the PSNR asked for, or the highest that has at
 * most so many bytes; the next quality on the other side was tried and misses the target. PSNR and bytes grow with quality but
 * for small dips, so a quality beyond a dip can go unseen; the target is met all the same. Throws BadInputError
 * `target` when it is not a positive number, and `target-out-of-reach` naming what the last quality gives.
 */
export async function encodeTo(
  target: EncodeTarget,
  encodeAt: (quality: number) => Promise<Encoded>,
): Promise<Encoded> {
  const [wanted] = Object.values(target);
  if (!(wanted !== undefined && wanted > 0 && Number.isFinite(wanted)))
    throw new BadInputError('target', `a target is a positive number, not ${wanted}`);
  const upwards = 'psnrDb' in target;
  const meets = ({ psnrDb, bytes }: Encoded) =>
    upwards ? psnrDb >= target.psnrDb : bytes.length <= target.fileBytes;
  // Qualities by how easily they meet the target: that of index 0 hardly, the last most easily.
  const last = maxQuality - minQuality;
  const qualityOf = (index: number) => (upwards ? minQuality + index : maxQuality - index);
  let found: Encoded | undefined;
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    const tried = await encodeAt(qualityOf(middle));
    if (meets(tried)) {
      found = tried;
      high = middle;
    } else low = middle + 1;
  }
  if (found !== undefined) return found;
  const end = await encodeAt(qualityOf(last));
  if (meets(end)) return end;
  throw new BadInputError(
    'target-out-of-reach',
    upwards
      ? `${wanted} dB is out of reach: quality ${maxQuality} gives ${end.psnrDb.toFixed(2)} dB; ask for less, or raise the effort`
      : `${wanted} bytes are too few: quality ${minQuality} takes ${end.bytes.length}; allow more`,
  );
}
