/**
 * Ranking: which of the steps (the quality that a file says) serve the quality that is asked for. In a file of few bytes the errors of a few
 * symbols do not average out: at some steps they all round badly, and such a file is worse in both bytes and error than one of
 * larger or of smaller steps, at any effort. Small files, and those of signals that the network does not say, are therefore coded at the steps of a grid that all qualities share,
 * and of these candidates the least Lagrangian J is taken: then qualities are in order, and efforts too (ADR 30). Larger files take the
 * steps of their quality.
 *
 * Why that is an order. Let C(q) be the candidates of quality q. Of a candidate y of C(q + 1) that is better in bytes and error than the x
 * chosen at q, J at q would be less than that of x. So y is not in C(q), and there is none such if C(q + 1) is within C(q) but for
 * candidates whose bytes alone cost more than J of x. Coarser steps leave C(q) where their error alone is more than the least J, which falls
 * with quality; finer ones enter where their bytes no longer cost more than that.
 */

import type { Model } from '../field/model.ts';
import type { Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import { lastDescent } from './effort.ts';
import { type Cost, cheapest } from './trade.ts';

/** Beyond this, steps are finer than what a network is good for: samples say the rest. */
const finest = 85;
/** Qualities beyond those that a network was taught at which it still gains, and that priors extrapolate to. */
const beyondTaught = 15;
const belowTaught = 12;
/** Distance of the grid's qualities: 1.8 dB, and a third of the bytes. */
const stride = 6;
/** Neighbours that are equal to 1/255 of the peak make a signal flat from this share on. */
const flatShare = 0.12;
const flatDifference = 1.5 / 255;
/** So few points leave nothing to average. */
const fewPoints = 256;
/**
 * Bytes below which files are ranked. Of neighbouring qualities, each at its own steps, a tenth is out of order at 32 to 63 bytes, and none
 * at effort 1 from 64 on, or from 256 where signals are flat, and none above effort 1 from 512 on, or from 1,520 where signals are flat (ADR 30).
 */
const small = { flat: 512, textured: 128, searched: 512, searchedFlat: 2048 };
/**
 * Mean squared error, peak 1, beyond which, at the finest steps, a network is taken not to say a signal (28 dB): more bytes gain nothing there, so that
 * files are out of order however large they are.
 */
export const poorFit = 0.0016;
/** Signals of more points take the steps of their quality whatever their files: each coding takes long, and few such files are small. */
export const mostRankedPoints = 2 ** 18;
/** Efforts above 1 take at least this share of the bytes and errors of effort 1 at the same steps; what takes less is no candidate. */
const leastOfPlain: Cost = { bytes: 0.6, mse: 0.05 };
/** Efforts above that of the descent: of its bytes and errors. */
const leastOfDescent: Cost = { bytes: 0.94, mse: 0.8 };
/** Finer steps than those of a candidate take at least so much of its bytes (ADR 46). */
const dips = [
  { below: 128, share: 0.5 },
  { below: 256, share: 0.75 },
  { below: Number.POSITIVE_INFINITY, share: 1 },
] as const;

/** Symbols that may become a file: coded and measured when it is asked for, and no further than that takes. */
export interface Trial<T extends Cost> {
  /** Bytes of the file; undefined where they are more than `most`, which is known before all of it is coded. */
  within(most: number): Promise<number | undefined>;
  /** Mean squared error, in units of peak squared, without the file. */
  mse(): Promise<number>;
  measure(): Promise<T>;
}

/** Bytes of the whole file. */
export async function bytesOf(trial: Trial<Cost>): Promise<number> {
  return (await trial.within(Number.POSITIVE_INFINITY))!;
}

/** One signal, coded at the steps of a quality. */
export interface RankedSource<T extends Cost> {
  /** With the nearest symbols of what effort 1 finds. */
  plain(steps: number): Promise<Trial<T>>;
  /** By efforts 2, 3, ... up to `effort`, each found when it is asked for. */
  rising(steps: number, effort: number): AsyncIterable<Trial<T>>;
}

/** Least and greatest quality whose steps are used. */
export function usefulQualities({ slopes }: Model): readonly [least: number, greatest: number] {
  if (slopes === undefined) return [1, finest];
  const [lowest, highest] = slopes.qualities;
  return [Math.max(1, Math.ceil(lowest) - belowTaught), Math.min(finest, Math.floor(highest) + beyondTaught)];
}

/** The qualities whose steps small files are of, rising, from `least` to `greatest`. */
export function rankedQualities([least, greatest]: readonly [number, number]): number[] {
  const count = Math.floor((greatest - least) / stride) + 1;
  return Array.from({ length: count }, (_, i) => greatest - stride * (count - 1 - i));
}

/** Files of fewer bytes at the steps of their quality are ranked. */
export function rankedBelow(isFlat: boolean, effort: number): number {
  if (effort > 1) return isFlat ? small.searchedFlat : small.searched;
  return isFlat ? small.flat : small.textured;
}

/** Whether a signal has flat areas, or is small: its neighbours along the last axis are alike. */
export function isFlat({ values, channels, shape }: Signal, outputs: readonly Output[]): boolean {
  const points = pointCount(shape);
  if (points <= fewPoints) return true;
  const differences = outputs.map(({ peak }) => flatDifference * peak);
  let alike = 0;
  for (let p = 1; p < points; p++) {
    let same = 1;
    for (let c = 0, i = p * channels; c < channels; c++, i++)
      if (Math.abs(values[i]! - values[i - channels]!) > differences[c]!) same = 0;
    alike += same;
  }
  return alike > flatShare * points;
}

/**
 * The candidate of the least J: of effort 1 at all steps of `grid`, and of each effort up to `effort` at those from the best of them on that
 * some quality would choose. `steps` is where the search begins, at most the last of `grid`.
 */
export async function leastRanked<T extends Cost>(
  source: RankedSource<T>,
  {
    grid,
    steps,
    effort,
    trade,
  }: {
    readonly grid: readonly number[];
    readonly steps: number;
    readonly effort: number;
    readonly trade: (cost: Cost) => number;
  },
): Promise<T> {
  const bytesAlone = (bytes: number) => trade({ bytes, mse: 0 });
  /** What bytes have to be within for candidates of an error to cost no more than `least`, a little more for what rounding takes. */
  const bytesFor = (least: number, mse = 0) =>
    (1 + 1e-9) * Math.max(0, (least - trade({ bytes: 0, mse })) / bytesAlone(1));
  const plain = await plainAround(steps);
  let best = cheapest([...plain.keys()], trade);
  if (effort === 1) return best;
  let least = trade(best);
  for (const vertex of verticesFrom(best, [...plain.keys()])) {
    let floor = leastRefined(vertex);
    if (trade(floor) >= least) continue;
    let own = 2;
    for await (const refined of source.rising(plain.get(vertex)!, effort)) {
      const found = await refined.measure();
      if (found.bytes >= floor.bytes && found.mse >= floor.mse && trade(found) < least)
        [best, least] = [found, trade(found)];
      if (own++ !== lastDescent) continue;
      floor = highest(floor, shareOf(found, leastOfDescent));
      if (trade(floor) >= least) break;
    }
  }
  return best;

  /**
   * Of effort 1, with their steps: upwards until bytes alone cost too much, then downwards until error alone does. Files are coded no further
   * than it takes to know that they cost too much.
   */
  async function plainAround(from: number): Promise<Map<T, number>> {
    const found = new Map<T, number>();
    let least = Number.POSITIVE_INFINITY;
    const add = async (quality: number, trial: Trial<T>) => {
      const cost = await trial.measure();
      found.set(cost, quality);
      least = Math.min(least, trade(cost));
    };
    const first = grid.findIndex((quality) => quality >= from);
    const kept = effort === 1 ? 1 : leastOfPlain.bytes;
    for (const quality of grid.slice(first)) {
      const trial = await source.plain(quality);
      const bytes = await trial.within(mostBeforeLast(bytesFor(least), kept));
      if (bytes === undefined) break;
      if (bytesAlone(kept * bytes) < least) await add(quality, trial);
    }
    for (const quality of grid.slice(0, first).reverse()) {
      const trial = await source.plain(quality);
      const mse = await trial.mse();
      if (trade({ bytes: 0, mse }) >= least) break;
      const bytes = await trial.within(bytesFor(least, effort === 1 ? mse : 0));
      if (bytes !== undefined && bytesAlone(bytes) < least) await add(quality, trial);
    }
    return found;
  }
}

/** Bytes of a file beyond which no finer steps are candidates, as each takes more than `most` of which a share `kept` counts. */
function mostBeforeLast(most: number, kept: number): number {
  let reach = 0;
  for (const { below, share } of dips)
    reach = Math.max(reach, Math.min(below - 1, most / Math.min(kept, share)));
  return reach;
}

/** The least of both that efforts above 1 make of what effort 1 finds, as far as they are candidates. */
export function leastRefined(plain: Cost): Cost {
  return shareOf(plain, leastOfPlain);
}

function shareOf({ bytes, mse }: Cost, share: Cost): Cost {
  return { bytes: share.bytes * bytes, mse: share.mse * mse };
}

function highest(a: Cost, b: Cost): Cost {
  return { bytes: Math.max(a.bytes, b.bytes), mse: Math.max(a.mse, b.mse) };
}

/** From the least J of a price on: the least of all lower prices, one after another (the lower convex hull). */
function verticesFrom<T extends Cost>(first: T, candidates: readonly T[]): T[] {
  const vertices = [first];
  for (let at: T | undefined = first; at !== undefined; ) {
    const { bytes, mse } = at;
    let next: T | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      if (candidate.mse >= mse) continue;
      const slope = (candidate.bytes - bytes) / (mse - candidate.mse);
      if (slope >= least) continue;
      least = slope;
      next = candidate;
    }
    if (next !== undefined) vertices.push(next);
    at = next;
  }
  return vertices;
}
