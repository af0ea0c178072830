/** How results read on a terminal. */
import type { Output } from '../field/outputs.ts';

/** Rows as left-aligned columns two spaces apart. The last cell of a row may run on. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const most = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: most }, (_, i) =>
    Math.max(0, ...rows.map((row) => (i < row.length - 1 ? row[i]!.length : 0))),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** `640 B`, `12.3 kB`, `169 MB`: powers of 1000. */
export function bytesText(bytes: number): string {
  for (const [size, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (bytes >= size) {
      const n = bytes / size;
      return `${n >= 100 ? n.toFixed(0) : n.toPrecision(3)} ${unit}`;
    }
  }
  return `${Math.round(bytes)} B`;
}

/** Decibels with two digits; equal signals have no finite PSNR. */
export function psnrText(psnrDb: number): string {
  return Number.isFinite(psnrDb) ? `${psnrDb.toFixed(2)} dB` : 'exact';
}

/** Errors of outputs that have a unit, in it: `rmse 0.531 K, at most 2.14 K`; empty where none has. */
export function errorsText(
  outputs: readonly Output[],
  { rmse, maxError }: { readonly rmse: readonly number[]; readonly maxError: readonly number[] },
): string {
  return outputs
    .flatMap(({ name, unit }, o) => {
      if (unit === undefined) return [];
      const of = outputs.length === 1 ? '' : ` of ${name}`;
      return [`rmse${of} ${rmse[o]!.toPrecision(3)} ${unit}, at most ${maxError[o]!.toPrecision(3)} ${unit}`];
    })
    .join(', ');
}

/** `temperature in K` and the like, with how they are sampled. */
export function outputsText(outputs: readonly Output[]): string {
  return outputs
    .map(({ name, unit, low, peak, sample }) => {
      const [least, most] = [low, low + peak].map((v) => Number(v.toPrecision(6)));
      const from = `from ${least} to ${most}${unit === undefined ? '' : ` ${unit}`}`;
      return `${name} ${from}${sample === 'float32' ? '' : ` as ${sample}`}`;
    })
    .join(', ');
}

/** Seconds or milliseconds with three digits. */
export function secondsText(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}

/** `32 x 32`: width first, as pictures are spoken of, for two axes; array order otherwise. */
export function sizeText(shape: readonly number[]): string {
  return (shape.length === 2 ? [...shape].reverse() : shape).join(' x ');
}
