/**
 * Bjontegaard's rate difference (VCEG-M33): by how many per cent the rate of one curve differs from another's at equal PSNR,
 * as the mean of the difference of ln(rate) over the PSNRs that both curves reach. ln(rate) between two points is
 *
 *   linear   a straight line: what the margins of the literature quoted in this project were computed with
 *   cubic    the monotone piecewise cubic of Fritsch and Carlson (SIAM J. Numer. Anal. 17, 1980), as in VCEG-AE07 and JCT-VC:
 *            no overshoot between points, which Bjontegaard's first proposal (one cubic through all points) has
 *
 * Both integrals are exact. Neither curve is continued beyond its ends; the range that was compared is part of the result.
 */
import { front, type Point } from './curve.ts';

export type Interpolation = 'linear' | 'cubic';

export interface RateDifference {
  /** Below 0: fewer bits than the other. */
  readonly percent: number;
  /** PSNR compared, dB. */
  readonly fromDb: number;
  readonly toDb: number;
}

export interface Range {
  readonly fromDb: number;
  readonly toDb: number;
}

type Knots = readonly Pick<Point, 'bitsPerPixel' | 'psnrDb'>[];

/** Least range of PSNR that says something. */
const leastDb = 0.1;

/** `null` where the curves do not meet within `range`, or one has fewer than two points. */
export function rateDifference(
  ours: Knots,
  theirs: Knots,
  range: Range,
  interpolation: Interpolation,
): RateDifference | null {
  const a = new LogRate(ours, interpolation);
  const b = new LogRate(theirs, interpolation);
  const fromDb = Math.max(a.fromDb, b.fromDb, range.fromDb);
  const toDb = Math.min(a.toDb, b.toDb, range.toDb);
  if (!(toDb - fromDb >= leastDb)) return null;
  const difference = (a.integral(fromDb, toDb) - b.integral(fromDb, toDb)) / (toDb - fromDb);
  return { percent: 100 * (Math.exp(difference) - 1), fromDb, toDb };
}

/** Bits per pixel at a PSNR, on the straight line of ln(rate); `null` beyond the curve's ends. */
export function rateAt(points: Knots, psnrDb: number): number | null {
  const curve = new LogRate(points, 'linear');
  return psnrDb < curve.fromDb || psnrDb > curve.toDb ? null : Math.exp(curve.at(psnrDb));
}

/** ln(rate) as a function of PSNR: a Hermite cubic between points, whose slopes make it straight or monotone. */
class LogRate {
  readonly fromDb: number;
  readonly toDb: number;
  readonly #x: number[];
  readonly #y: number[];
  /** Slope at both ends of every interval. */
  readonly #slopes: readonly (readonly [number, number])[];

  constructor(points: Knots, interpolation: Interpolation) {
    const knots = front(points);
    this.#x = knots.map(({ psnrDb }) => psnrDb);
    this.#y = knots.map(({ bitsPerPixel }) => Math.log(bitsPerPixel));
    this.fromDb = this.#x[0] ?? Number.POSITIVE_INFINITY;
    this.toDb = this.#x.at(-1) ?? Number.NEGATIVE_INFINITY;
    const secants = this.#x.slice(1).map((x, i) => (this.#y[i + 1]! - this.#y[i]!) / (x - this.#x[i]!));
    const tangents = interpolation === 'cubic' ? monotoneTangents(this.#x, secants) : [];
    this.#slopes = secants.map((secant, i) =>
      interpolation === 'linear' ? [secant, secant] : [tangents[i]!, tangents[i + 1]!],
    );
  }

  at(x: number): number {
    const i = Math.max(
      0,
      this.#x.findLastIndex((knot, k) => knot <= x && k < this.#slopes.length),
    );
    const h = this.#x[i + 1]! - this.#x[i]!;
    const t = (x - this.#x[i]!) / h;
    const [m0, m1] = this.#slopes[i]!;
    return (
      (1 + 2 * t) * (1 - t) ** 2 * this.#y[i]! +
      t ** 2 * (3 - 2 * t) * this.#y[i + 1]! +
      h * t * (1 - t) * ((1 - t) * m0 - t * m1)
    );
  }

  /** Simpson's rule is exact on the cubic between two knots. */
  integral(from: number, to: number): number {
    const ends = [from, ...this.#x.filter((x) => x > from && x < to), to];
    let sum = 0;
    for (let i = 1; i < ends.length; i++) {
      const [a, b] = [ends[i - 1]!, ends[i]!];
      sum += ((b - a) / 6) * (this.at(a) + 4 * this.at((a + b) / 2) + this.at(b));
    }
    return sum;
  }
}

/** Slopes at the knots: weighted harmonic means of the secants beside them, one-sided and limited at the ends. */
function monotoneTangents(x: readonly number[], secants: readonly number[]): number[] {
  const h = secants.map((_, i) => x[i + 1]! - x[i]!);
  if (secants.length === 1) return [secants[0]!, secants[0]!];
  const end = (h0: number, h1: number, d0: number, d1: number) => {
    const slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if (slope * d0 <= 0) return 0;
    return d0 * d1 <= 0 && Math.abs(slope) > 3 * Math.abs(d0) ? 3 * d0 : slope;
  };
  return x.map((_, i) => {
    if (i === 0) return end(h[0]!, h[1]!, secants[0]!, secants[1]!);
    if (i === secants.length) return end(h.at(-1)!, h.at(-2)!, secants.at(-1)!, secants.at(-2)!);
    const [d0, d1] = [secants[i - 1]!, secants[i]!];
    if (d0 * d1 <= 0) return 0;
    const w0 = 2 * h[i]! + h[i - 1]!;
    const w1 = h[i]! + 2 * h[i - 1]!;
    return (w0 + w1) / (w0 / d0 + w1 / d1);
  });
}
