/** Coding to a target: the quality is looked for. */
import { maxQuality, minQuality } from '../../prior/quantiser.ts';
import { BadInputError } from '../core/errors.ts';
import type { Encoded, EncodeTarget } from './types.ts';

/** Encodings at the effort asked for that a search may take: the last that is needed may be found by effort 1. */
const mostEncodings = 3;
/** Qualities between those that effort 1 tries when bisection finds nothing. */
const stride = 9;

/**
 * Codes at a few qualities, and gives a low one that has at least the PSNR asked for, or a high one that has at most so many bytes: at
 * effort 1 the lowest or highest, as qualities are in order (ranking.ts) up to small dips. Above effort 1 that quality is looked for at
 * effort 1, and three more are tried at the effort itself. Whatever is given meets the target. Throws BadInputError `target` when it is
 * not a positive number, and `target-out-of-reach` naming what the last quality gives.
 */
export async function encodeTo(
  target: EncodeTarget,
  effort: number,
  encodeAt: (quality: number, effort: number) => Promise<Encoded>,
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
  const plain = await bisect();
  if (plain === undefined) return refuse();
  if (effort === 1) return plain.found;
  return refine(plain.index, plain.found);

  async function bisect(): Promise<{ index: number; found: Encoded } | undefined> {
    let found: { index: number; found: Encoded } | undefined;
    let low = 0;
    let high = last;
    const tryAt = async (index: number) => {
      const tried = await encodeAt(qualityOf(index), 1);
      if (!meets(tried)) return false;
      found = { index, found: tried };
      return true;
    };
    while (low < high) {
      const middle = (low + high) >> 1;
      if (await tryAt(middle)) high = middle;
      else low = middle + 1;
    }
    if (found !== undefined || (await tryAt(last))) return found;
    for (let index = last - stride; index >= 0; index -= stride) if (await tryAt(index)) return found;
    return undefined;
  }

  /** At the effort asked for, from where effort 1 met the target: towards harder qualities while they meet it, else back. */
  async function refine(from: number, plainly: Encoded): Promise<Encoded> {
    let found = plainly;
    let low = 0;
    let high = last;
    let index = from;
    for (let n = 0; n < mostEncodings && low <= high; n++) {
      const tried = await encodeAt(qualityOf(index), effort);
      if (meets(tried)) {
        found = tried;
        high = index - 1;
        index = Math.max(low, index - guess(tried));
      } else {
        low = index + 1;
        index = Math.min(high, index + Math.max(guess(tried), n === 0 ? 0 : (high - index) >> 1));
      }
    }
    return found;
  }

  /** Qualities to the target from what one gives: PSNR rises by about 0.3 dB with each, bytes by about 5 %. */
  function guess({ psnrDb, bytes }: Encoded): number {
    const off = upwards
      ? (psnrDb - target.psnrDb) / 0.3
      : Math.log(target.fileBytes / bytes.length) / Math.log(1.05);
    return Math.max(1, Math.min(40, Math.floor(Math.abs(off))));
  }

  async function refuse(): Promise<never> {
    const end = await encodeAt(qualityOf(last), 1);
    throw new BadInputError(
      'target-out-of-reach',
      upwards
        ? `${wanted} dB is out of reach: quality ${maxQuality} gives ${end.psnrDb.toFixed(2)} dB; ask for less, or raise the effort`
        : `${wanted} bytes are too few: quality ${minQuality} takes ${end.bytes.length}; allow more`,
    );
  }
}
