/** What bits and errors are worth against each other: one scale on which whatever a signal can be coded as is compared. */
import { octavesAt } from '../field/at-quality.ts';
import type { ModelCard } from '../field/card.ts';
import type { Output } from '../field/outputs.ts';

/** Bits a point that one unit of error (in 255ths of the peak, squared) is worth at quality 50, for models that do not tell. */
const usualLambda = 0.005;

/** What a coded signal is compared by. */
export interface Cost {
  /** Bytes of the whole file. */
  readonly bytes: number;
  /** Mean squared error, in units of peak squared. */
  readonly mse: number;
}

/**
 * The Lagrangian J = D + price R of a signal of so many points at a quality, with errors in
 * 255ths of the peak that training measured them against, in which lambda is given. The price falls with
 * quality as in training, for which J is the loss. Of one set of candidates the least J is at a higher quality never larger in error,
 * nor smaller in bytes: that is what orders qualities.
 */
export function tradeAt(
  card: Pick<ModelCard, 'training' | 'outputs'>,
  points: number,
  quality: number,
): (cost: Cost) => number {
  const { lambda } = card.training;
  const perUnit =
    (255 * Math.max(...card.outputs.map((output) => output.peak / trainedPeak(card, output)))) ** 2;
  const price = (8 * 4 ** -octavesAt(quality)) / ((lambda > 0 ? lambda : usualLambda) * points);
  return ({ bytes, mse }) => mse * perUnit + price * bytes;
}

/** What training measured the errors of an output against. */
export function trainedPeak({ training }: Pick<ModelCard, 'training'>, { peak }: Output): number {
  return typeof training.peak === 'number' && training.peak > 0 ? training.peak : peak;
}

/** Whether `a` is no worse in either, and better in one. */
export function dominates(a: Cost, b: Cost): boolean {
  return a.bytes <= b.bytes && a.mse <= b.mse && (a.bytes < b.bytes || a.mse < b.mse);
}

/** The least of J, the first of several. Throws TypeError without any. */
export function cheapest<T extends Cost>(candidates: readonly T[], trade: (cost: Cost) => number): T {
  const [first, ...others] = candidates;
  if (first === undefined) throw new TypeError('nothing to choose from');
  let best = first;
  let least = trade(first);
  for (const candidate of others) {
    const j = trade(candidate);
    if (j >= least) continue;
    least = j;
    best = candidate;
  }
  return best;
}
