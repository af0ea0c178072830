/** Maps of any variable, as they are learnt from: pieces of one size, from 0 to 1. */
import { copyBox } from '../../src/signal/box.ts';
import type { Signal } from '../../src/signal/signal.ts';

/** The whole squares of a map that is too large to be learnt from at once; the map itself where no size is told. */
export function tilesOf(map: Signal, tile: number | undefined): Signal[] {
  if (tile === undefined) return [map];
  const [rows, columns] = map.shape as [number, number];
  const found: Signal[] = [];
  for (let y = 0; y + tile <= rows; y += tile)
    for (let x = 0; x + tile <= columns; x += tile) {
      const values = new Float32Array(tile * tile);
      copyBox(map.values, map.shape, 1, { start: [y, x], count: [tile, tile] }, values);
      found.push({ id: `${map.id}/${y}-${x}`, shape: [tile, tile], channels: 1, values });
    }
  return found;
}

/** Fresh, from 0 to 1; undefined where all values are one, or missing in more than nine of ten points. */
export function overItsRange(values: Float32Array): Float32Array | undefined {
  let [low, high, known] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const v of values) {
    if (Number.isNaN(v)) continue;
    known++;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (!(high > low) || known < values.length / 10) return undefined;
  return values.map((v) => (v - low) / (high - low));
}
