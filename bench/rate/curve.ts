/** What the benchmark draws and compares: curves of rate against distortion, and figures over pictures. */

/** What one setting gives over all pictures. */
export interface Point {
  /** Of the codec: quality, variant. */
  readonly setting: string;
  /** Bits of the form that the curve is of, over pixels. */
  readonly bitsPerPixel: number;
  /** Mean of the PSNR of every picture, 8 bits, peak 255. */
  readonly psnrDb: number;
  /** PSNR of the mean squared error over all pictures. */
  readonly psnrDbOfMeanMse?: number;
  /** Mean of whole files over pixels, whatever the form. */
  readonly fileBitsPerPixel?: number;
  readonly archiveBitsPerPixel?: number;
  /** Without what every file of the container repeats. */
  readonly payloadBitsPerPixel?: number;
  /** Standard errors of the means over pictures. */
  readonly bitsPerPixelError?: number;
  readonly psnrDbError?: number;
  /** Mean per picture. */
  readonly encodeMs?: number;
  readonly decodeMs?: number;
  readonly n?: number;
  /** Figures of every picture, for resampling; left out of what is written. */
  readonly items?: Items;
}

/** [pictures] each. */
export interface Items {
  readonly bitsPerPixel: ArrayLike<number>;
  readonly psnrDb: ArrayLike<number>;
}

/** What is counted: an archive of all pictures, single files, files without the container's fixed part, weights, or an estimate. */
export type Form = 'archive' | 'file' | 'payload' | 'weights' | 'published';

export interface Curve {
  readonly name: string;
  readonly kind: 'ours' | 'same program' | 'peer' | 'published';
  readonly form: Form;
  /** Version of the program, or where the figures were published. */
  readonly source: string;
  /** Pictures, where they are not all that were asked for. */
  readonly n?: number;
  readonly points: readonly Point[];
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Standard error of the mean; NaN for a single value. */
export function standardError(values: ArrayLike<number>): number {
  const n = values.length;
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - centre) ** 2;
  return Math.sqrt(squares / (n - 1) / n);
}

/** A point from the figures of every picture. */
export function pointOf(
  setting: string,
  items: Items,
  more: Omit<Point, 'setting' | 'bitsPerPixel' | 'psnrDb' | 'items' | 'n'> = {},
): Point {
  return {
    setting,
    bitsPerPixel: mean(items.bitsPerPixel),
    psnrDb: mean(items.psnrDb),
    bitsPerPixelError: standardError(items.bitsPerPixel),
    psnrDbError: standardError(items.psnrDb),
    n: items.psnrDb.length,
    ...more,
    items,
  };
}

/**
 * The points that no other beats, by rising rate and PSNR: of a format with several variants (chroma subsampled or not,
 * one quantisation table or another) the best one counts at every rate.
 */
export function front<P extends Pick<Point, 'bitsPerPixel' | 'psnrDb'>>(points: readonly P[]): P[] {
  const sorted = [...points].sort((a, b) => a.bitsPerPixel - b.bitsPerPixel || b.psnrDb - a.psnrDb);
  const kept: P[] = [];
  for (const point of sorted) {
    if (!Number.isFinite(point.psnrDb) || !(point.bitsPerPixel > 0)) continue;
    if (kept.length === 0 || point.psnrDb > kept.at(-1)!.psnrDb) kept.push(point);
  }
  return kept;
}
