/** How results read on a terminal. */

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

/** Seconds or milliseconds with three digits. */
export function secondsText(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}

/** `32 x 32`: width first, as pictures are spoken of, for two axes; array order otherwise. */
export function sizeText(shape: readonly number[]): string {
  return (shape.length === 2 ? [...shape].reverse() : shape).join(' x ');
}
