/** Coding to a target: the quality is looked for. */
import { maxQuality, minQuality } from '../../prior/quantiser.ts';
import { BadInputError } from '../core/errors.ts';
import type { Encoded, EncodeTarget } from './types.ts';

/** Encodings at the effort asked for that a search may take: the last that is needed may be found by effort 1. */
const mostEncodings = 3;
/** When bisection finds nothing, effort 1 tries all qualities of signals of up to so many points, and every ninth of larger ones. */
const fewPoints = 2 ** 14;
const stride = 9;

/** What is coded: with which effort, and how many points it has. */
export interface TargetOptions {
  readonly effort: number;
  readonly points: number;
}

/**
 * Codes at a few qualities, and gives a low one that has at least the PSNR asked for, or a high one that has at most so many bytes: at
 * effort 1 the lowest or highest, as qualities are in order (ranking.ts) up to small dips. Above effort 1 that quality is looked for at
 * effort 1, and three more are tried at the effort itself; where effort 1 never meets the target, the quality that is nearest to it is
 * tried at the effort itself. Whatever is given meets the target. Throws BadInputError `target` when it is not a positive number, and
 * `target-out-of-reach` naming what the last quality gives.
 */
export async function encodeTo(
  target: EncodeTarget,
  { effort, points }: TargetOptions,
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
  let atLast: Encoded | undefined;
  const plain = (await bisect()) ?? (await scan());
  const found = effort === 1 ? plain?.found : await refine(plain?.index ?? last, plain?.found);
  return found ?? refuse();

  async function encodeIndex(index: number, own: number): Promise<Encoded> {
    const encoded = await encodeAt(qualityOf(index), own);
    if (index === last) atLast = encoded;
    return encoded;
  }

  /** By halves, at effort 1. */
  async function bisect(): Promise<{ index: number; found: Encoded } | undefined> {
    let best: { index: number; found: Encoded } | undefined;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      const tried = await encodeIndex(middle, 1);
      if (meets(tried)) {
        best = { index: middle, found: tried };
        high = middle;
      } else low = middle + 1;
    }
    return best;
  }

  /** One after another, at effort 1, from the most easily met. */
  async function scan(): Promise<{ index: number; found: Encoded } | undefined> {
    for (let index = last; index >= 0; index -= points <= fewPoints ? 1 : stride) {
      const tried = await encodeIndex(index, 1);
      if (meets(tried)) return { index, found: tried };
    }
    return undefined;
  }

  /** At the effort asked for, from where effort 1 met the target: towards harder qualities while they meet it, else back. */
  async function refine(from: number, plainly: Encoded | undefined): Promise<Encoded | undefined> {
    let best = plainly;
    let low = 0;
    let high = last;
    let index = from;
    for (let n = 0; n < mostEncodings && low <= high; n++) {
      const tried = await encodeIndex(index, effort);
      if (meets(tried)) {
        best = tried;
        high = index - 1;
        index = Math.max(low, index - guess(tried));
      } else {
        low = index + 1;
        index = Math.min(high, index + Math.max(guess(tried), n === 0 ? 0 : (high - index) >> 1));
      }
    }
    return best;
  }

  /** Qualities to the target from what one gives: PSNR rises by about 0.3 dB with each, bytes by about 5 %. */
  function guess({ psnrDb, bytes }: Encoded): number {
    const off = upwards
      ? (psnrDb - target.psnrDb) / 0.3
      : Math.log(target.fileBytes / bytes.length) / Math.log(1.05);
    return Math.max(1, Math.min(40, Math.floor(Math.abs(off))));
  }

  async function refuse(): Promise<never> {
    const end = atLast ?? (await encodeIndex(last, effort));
    throw new BadInputError(
      'target-out-of-reach',
      upwards
        ? `${wanted} dB is out of reach: quality ${maxQuality} gives ${end.psnrDb.toFixed(2)} dB; ask for less, or raise the effort`
        : `${wanted} bytes are too few: quality ${minQuality} takes ${end.bytes.length}; allow more`,
    );
  }
}
