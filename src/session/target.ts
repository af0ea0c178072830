/** Coding to a target: the quality is looked for. */
import { maxQuality, minQuality } from '../../prior/quantiser.ts';
import { BadInputError } from '../core/errors.ts';
import type { Encoded, EncodeTarget } from './types.ts';

/**
 * Encodings at the effort asked for that a search takes at most, by effort: a bisection to the end at efforts 2 and 3, of which one costs a third of
 * one at effort 5 and less; beyond, the last that is needed may be found by effort 1.
 */
const mostEncodings = (effort: number) => (effort <= 3 ? 12 : 3);

/** The first of them go where the last ones let expect the target; halves from there on. */
const guesses = 3;

/** What is coded: with which effort, and whether its qualities are in order (`SignalEncoder.isOrdered`). */
export interface TargetOptions {
  readonly effort: number;
  readonly isOrdered: boolean;
}

/**
 * Codes at a few qualities, and gives a low one that has at least the PSNR asked for, or a high one that has at most so many bytes: up to
 * effort 3 the one beyond which the next misses it. That quality is looked for at effort 1, by halves where qualities are in order, and among all of them where they need not be and halves
 * find none. From there it is looked for at the effort itself, to the end or three times. Whatever is given meets the target. Throws BadInputError `target`
 * when it is not a positive number, and `target-out-of-reach` naming what the last quality gives.
 */
export async function encodeTo(
  target: EncodeTarget,
  { effort, isOrdered }: TargetOptions,
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
  const plain = (await bisect()) ?? (isOrdered ? await tryLast() : await scan());
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

  async function tryLast(): Promise<{ index: number; found: Encoded } | undefined> {
    const tried = await encodeIndex(last, 1);
    return meets(tried) ? { index: last, found: tried } : undefined;
  }

  /** One after another, at effort 1, from the most easily met. */
  async function scan(): Promise<{ index: number; found: Encoded } | undefined> {
    for (let index = last; index >= 0; index--) {
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
    for (let n = 0; n < mostEncodings(effort) && low <= high; n++) {
      const tried = await encodeIndex(index, effort);
      if (meets(tried)) {
        best = better(tried, best);
        high = index - 1;
        index = n < guesses ? Math.max(low, index - guess(tried)) : (low + high) >> 1;
      } else {
        low = index + 1;
        const half = (low + high) >> 1;
        // Far enough to meet it, where nothing that was tried does.
        const least = n === 0 || best !== undefined ? 0 : half;
        index = n < guesses ? Math.min(high, Math.max(index + guess(tried), least)) : half;
      }
    }
    return best;
  }

  /** Of two that meet the target, the one of fewer bytes for a PSNR, and of more PSNR for bytes: tries that go too far are not given. */
  function better(tried: Encoded, known: Encoded | undefined): Encoded {
    if (known === undefined) return tried;
    const isBetter = upwards ? tried.bytes.length <= known.bytes.length : tried.psnrDb >= known.psnrDb;
    return isBetter ? tried : known;
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
