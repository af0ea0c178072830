/**
 * What a dot costs the eye. A symbol of the finest cells with nothing but zeros around it draws a spot of 2 x 2 samples on what is
 * smooth there. It was bought because it takes a little more off the squared error than its bits are worth, where a texture is too fine
 * to code and one of its grains stands out; the eye sees no texture, but the spot. Such a symbol has to be worth more than its bits.
 *
 * Indices of hot loops are below the numbers of cells and channels.
 */
import { channelLayout } from '../field/channels.ts';
import { type FieldSpec, gridCells } from '../field/spec.ts';
import type { Price } from './pricing.ts';

/**
 * What a symbol alone among zeros has to be worth beyond its bits. The eye sees the dot and not the texture it is a grain of; and a context
 * prior charges those coded after it more than the price of a move says. At 5 nats files of the middle 128 x 128 of the 24 Kodak pictures take
 * 0.8 % less at equal PSNR, with half of the dots (docs/results/visual.md).
 */
export const loneNats = 5;

/** Cells of more samples along an axis draw no dots. */
const largestDot = 2;

/** `price` with `nats` more for every symbol of the finest cells that has no other in its cell or the eight around it. */
export function priceLone(price: Price, spec: FieldSpec, shape: readonly number[], nats: number): Price {
  const finest = finestLevel(spec);
  if (finest === undefined || nats === 0) return price;
  const { at, channels } = channelLayout(spec, shape).levels[finest]!;
  const [rows, columns] = gridCells(spec.levels[finest]!, shape) as [number, number];
  const end = at + rows * columns * channels;
  return (symbols) => {
    const priced = price(symbols);
    const around = countsAround(symbols.subarray(at, end), rows, columns, channels);
    let lone = 0;
    for (let i = at; i < end; i++)
      if (symbols[i] !== 0 && around[Math.floor((i - at) / channels)] === 1) lone++;
    return {
      nats: priced.nats + nats * lone,
      change: (i, from, to) => {
        const bits = priced.change(i, from, to);
        if (i < at || i >= end || (from === 0) === (to === 0)) return bits;
        const others = around[Math.floor((i - at) / channels)]! - (symbols[i] === 0 ? 0 : 1);
        if (others > 0) return bits;
        return bits + (to === 0 ? -nats : nats);
      },
    };
  };
}

/** The level of the smallest cells of a picture, if they are small enough to draw dots. */
function finestLevel({ axes, levels }: FieldSpec): number | undefined {
  const sizes = levels.map(({ cell }) => (cell === null ? Number.POSITIVE_INFINITY : Math.max(...cell)));
  const smallest = Math.min(...sizes);
  return axes === 2 && smallest <= largestDot ? sizes.indexOf(smallest) : undefined;
}

/** [rows, columns]: symbols other than 0 in a cell and its eight neighbours. */
function countsAround(symbols: Int32Array, rows: number, columns: number, channels: number): Uint32Array {
  const own = new Uint32Array(rows * columns);
  for (let i = 0; i < symbols.length; i++) if (symbols[i] !== 0) own[Math.floor(i / channels)]!++;
  const across = own.slice();
  for (let i = 0; i < own.length; i++) {
    const x = i % columns;
    if (x > 0) across[i]! += own[i - 1]!;
    if (x + 1 < columns) across[i]! += own[i + 1]!;
  }
  const all = across.slice();
  for (let i = 0; i < across.length; i++) {
    if (i >= columns) all[i]! += across[i - columns]!;
    if (i + columns < across.length) all[i]! += across[i + columns]!;
  }
  return all;
}
