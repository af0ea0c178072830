/** What one run of the benchmark found, as it is written. */
import type { Range } from './bd.ts';
import type { Comparison } from './comparison.ts';
import type { Curve, Point } from './curve.ts';
import type { Setting } from './setting.ts';
import type { Target } from './targets.ts';

export interface RateResult extends Setting {
  readonly dataset: string;
  readonly split: string;
  /** Pictures. */
  readonly n: number;
  readonly effort: number;
  readonly model: string;
  /** First digits of the SHA-256 of the model's file. */
  readonly modelDigest: string;
  readonly engine: string;
  readonly threads: number;
  readonly seconds: number;
  /** PSNR compared, dB. */
  readonly range: Range;
  /** Ours first. */
  readonly curves: readonly Curve[];
  /** Per cent by which our rate differs from each curve's, mean of ln(rate) straight between points; below 0: fewer bits. */
  readonly bdRate: Readonly<Record<string, number>>;
  readonly comparisons: readonly Comparison[];
  /** The same for our other form. */
  readonly comparisonsOfOtherForm: readonly Comparison[];
  /** Of our curve of equal bytes against those that were published; empty where it was not asked for. */
  readonly comparisonsOfEqualBytes: readonly Comparison[];
  readonly targets: readonly Target[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** Without the figures of single pictures, and numbers to the digits that mean something. */
export function toJson(result: RateResult): string {
  const curves = result.curves.map((curve) => ({ ...curve, points: curve.points.map(written) }));
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(7)) : value;
  return `${JSON.stringify({ ...result, curves }, rounded, 1)}\n`;
}

export function written({ items: _items, ...point }: Point): Omit<Point, 'items'> {
  return point;
}
