/** What the curves should reach, and whether they do; nothing is rounded in our favour. */
import { rateAt } from './bd.ts';
import type { Curve } from './curve.ts';
import type { RateResult } from './result.ts';

export interface Target {
  readonly what: string;
  readonly must: string;
  readonly aim: string;
  readonly got: string;
  /** `null`: not measured in this run. */
  readonly met: boolean | null;
  readonly aimMet: boolean | null;
}

type Measured = Pick<RateResult, 'dataset' | 'effort' | 'curves' | 'comparisons' | 'range'>;

/** The targets of a data set; those that ask for another effort are left out. */
export function targetsOf(result: Measured): Target[] {
  const name = result.dataset.replace(/:.*/, '');
  const ours = result.curves[0]!;
  const slowest = (of: 'encodeMs' | 'decodeMs') => Math.max(...ours.points.map((point) => point[of] ?? 0));
  switch (name) {
    case 'cifar10':
      return [
        difference(result, 'functa, histogram', 'the same symbols through one histogram', -40, -50),
        ...(result.effort === 1
          ? [everywhere(result, 'COIN++, published'), fast('encoding a picture', 5, slowest('encodeMs'))]
          : []),
        ...(result.effort === 5
          ? [
              difference(result, 'COIN++, published', 'BD-rate against COIN++', -38, -50),
              fast('encoding a picture', 1000, slowest('encodeMs')),
            ]
          : []),
        ...['JPEG', 'WebP', 'AVIF'].map((format) => everywhere(result, format)),
        difference(result, 'AVIF', 'BD-rate against AVIF files', 0, -50),
      ];
    case 'kodak':
      return [
        difference(result, 'COIN++, published', 'BD-rate against COIN++', -60, -79),
        belowRates(result, 'JPEG', 0.1, 1),
        difference(result, 'WebP', 'BD-rate against WebP files', null, 0),
        fast('decoding a picture', 1000, slowest('decodeMs')),
      ];
    case 'emoji':
    case 'emoji-64':
      return ['WebP', 'AVIF'].map((format) =>
        difference(result, format, `BD-rate against ${format} files`, -50, -100 * (2 / 3)),
      );
    default:
      return [];
  }
}

/** At most this difference in per cent; `null`: nothing is asked. */
function difference(
  result: Measured,
  against: string,
  what: string,
  must: number | null,
  aim: number,
): Target {
  const found = result.comparisons.find((comparison) => comparison.against === against);
  const within = (limit: number | null) =>
    found === undefined || limit === null ? null : found.linear <= limit;
  return {
    what,
    must: must === null ? '-' : `${must} %`,
    aim: `${aim.toFixed(0)} %`,
    got:
      found === undefined
        ? 'not measured'
        : `${found.linear.toFixed(1)} %, ${found.fromDb.toFixed(1)} to ${found.toDb.toFixed(1)} dB`,
    met: within(must),
    aimMet: within(aim),
  };
}

/** Fewer bits at every PSNR of the range; where one of the curves does not reach, nothing is shown and the target is not met. */
function everywhere({ curves, range }: Measured, against: string): Target {
  const [ours, theirs] = [curves[0]!, curves.find(({ name }) => name === against)];
  const what = `fewer bits than ${against} everywhere`;
  const common = { what, must: `${range.fromDb} to ${range.toDb} dB`, aim: '-', aimMet: null };
  if (theirs === undefined) return { ...common, got: 'not measured', met: null };
  const lost = steps(range.fromDb, range.toDb).filter((psnrDb) => {
    const own = rateAt(ours.points, psnrDb);
    const other = rateAt(theirs.points, psnrDb);
    // A format that cannot do with so few decibels takes at least the bits of its lowest setting.
    return own === null || own >= (other ?? leastBits(theirs, psnrDb));
  });
  return {
    ...common,
    got: lost.length === 0 ? 'everywhere' : `not at ${spans(lost)} dB`,
    met: lost.length === 0,
  };
}

function leastBits({ points }: Curve, psnrDb: number): number {
  const lowest = points.reduce((a, b) => (b.psnrDb < a.psnrDb ? b : a));
  return psnrDb < lowest.psnrDb ? lowest.bitsPerPixel : 0;
}

/** Fewer bits than a format at every PSNR where that takes between `from` and `to` bits per pixel. */
function belowRates({ curves, range }: Measured, against: string, from: number, to: number): Target {
  const [ours, theirs] = [curves[0]!, curves.find(({ name }) => name === against)];
  const what = `fewer bits than ${against} where that takes ${from} to ${to} bits per pixel`;
  const common = { what, must: 'everywhere', aim: '-', aimMet: null };
  if (theirs === undefined) return { ...common, got: 'not measured', met: null };
  const asked = steps(range.fromDb - 10, range.toDb + 10).flatMap((psnrDb) => {
    const other = rateAt(theirs.points, psnrDb);
    return other === null || other < from || other > to ? [] : [{ psnrDb, other }];
  });
  const lost = asked.filter(({ psnrDb, other }) => {
    const own = rateAt(ours.points, psnrDb);
    return own === null || own >= other;
  });
  const got = lost.length === 0 ? 'everywhere' : `not at ${spans(lost.map(({ psnrDb }) => psnrDb))} dB`;
  return { ...common, got, met: asked.length === 0 ? null : lost.length === 0 };
}

function fast(what: string, mostMs: number, ms: number): Target {
  const got = `${ms.toFixed(1)} ms at the slowest quality`;
  return { what, must: `${mostMs} ms`, aim: '-', got, met: ms < mostMs, aimMet: null };
}

const stepDb = 0.5;

export function steps(fromDb: number, toDb: number): number[] {
  return Array.from({ length: Math.floor((toDb - fromDb) / stepDb) + 1 }, (_, i) => fromDb + i * stepDb);
}

/** `24 to 25.5, 30`: runs of PSNRs that are `stepDb` apart. */
export function spans(psnrs: readonly number[]): string {
  const runs: number[][] = [];
  for (const psnrDb of psnrs) {
    const run = runs.at(-1);
    if (run !== undefined && psnrDb - run.at(-1)! <= stepDb + 1e-9) run.push(psnrDb);
    else runs.push([psnrDb]);
  }
  return runs.map((run) => (run.length === 1 ? `${run[0]}` : `${run[0]} to ${run.at(-1)}`)).join(', ');
}
