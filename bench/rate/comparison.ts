/** Our curve against each of the others: Bjontegaard differences with their errors, and rates at equal PSNR. */
import { Rng } from '../../src/core/rng.ts';
import { type Range, rateAt, rateDifference } from './bd.ts';
import { type Curve, mean, type Point } from './curve.ts';

export interface Comparison {
  /** Name of the other curve. */
  readonly against: string;
  /** Per cent by which our rate differs, ln(rate) straight between points; below 0 we take fewer bits. */
  readonly linear: number;
  /** The same, monotone cubic between points. */
  readonly cubic: number;
  /** Standard error of `linear` in percentage points: pictures drawn anew, the same for both curves where they are the same. */
  readonly error: number | null;
  readonly fromDb: number;
  readonly toDb: number;
  /** PSNRs of the table at which we need more bits than the other, dB. */
  readonly lossesDb: readonly number[];
}

export interface ComparisonOptions {
  readonly range: Range;
  /** PSNRs at which rates are compared one by one. */
  readonly atDb: readonly number[];
  /** Times the pictures are drawn anew. */
  readonly resamples: number;
}

/** `null` stands for a curve that does not meet ours within the range. */
export function compare(ours: Curve, theirs: Curve, options: ComparisonOptions): Comparison | null {
  const { range, atDb } = options;
  const linear = rateDifference(ours.points, theirs.points, range, 'linear');
  const cubic = rateDifference(ours.points, theirs.points, range, 'cubic');
  if (linear === null || cubic === null) return null;
  return {
    against: theirs.name,
    linear: linear.percent,
    cubic: cubic.percent,
    error: errorOf(ours, theirs, options),
    fromDb: linear.fromDb,
    toDb: linear.toDb,
    lossesDb: atDb.filter((psnrDb) => {
      const [a, b] = [rateAt(ours.points, psnrDb), rateAt(theirs.points, psnrDb)];
      return a !== null && b !== null && a >= b;
    }),
  };
}

/** Whole decibels within a range, at most `most` of them. */
export function decibels({ fromDb, toDb }: Range, most = 6): number[] {
  const [first, last] = [Math.ceil(fromDb), Math.floor(toDb)];
  const step = Math.max(1, Math.ceil((last - first) / (most - 1)));
  const all: number[] = [];
  for (let psnrDb = first; psnrDb <= last; psnrDb += step) all.push(psnrDb);
  return all;
}

function errorOf(ours: Curve, theirs: Curve, { range, resamples }: ComparisonOptions): number | null {
  const n = itemCount(ours);
  if (n < 2) return null;
  const paired = itemCount(theirs) === n;
  const rng = new Rng(1);
  const percents: number[] = [];
  for (let turn = 0; turn < resamples; turn++) {
    const drawn = Int32Array.from({ length: n }, () => rng.below(n));
    const a = resampled(ours.points, drawn);
    const b = paired ? resampled(theirs.points, drawn) : theirs.points;
    const found = rateDifference(a, b, range, 'linear');
    if (found !== null) percents.push(found.percent);
  }
  if (percents.length < 2) return null;
  const centre = mean(percents);
  return Math.sqrt(percents.reduce((sum, p) => sum + (p - centre) ** 2, 0) / (percents.length - 1));
}

function itemCount({ points }: Curve): number {
  return points[0]?.items?.psnrDb.length ?? 0;
}

function resampled(points: readonly Point[], drawn: Int32Array): Pick<Point, 'bitsPerPixel' | 'psnrDb'>[] {
  return points.map(({ items }) => {
    let bits = 0;
    let psnrDb = 0;
    for (const i of drawn) {
      bits += items!.bitsPerPixel[i]!;
      psnrDb += items!.psnrDb[i]!;
    }
    return { bitsPerPixel: bits / drawn.length, psnrDb: psnrDb / drawn.length };
  });
}
