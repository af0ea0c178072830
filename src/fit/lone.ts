/**
 * What a dot costs the eye. A symbol of the finest cells with nothing but zeros around it draws a spot of 2 x 2 samples on what is
 * smooth there. It was bought because it takes a little more off the squared error than its bits are worth, where a texture is too fine
 * to code and one of its grains stands out; the eye sees no texture, but the spot. Such a symbol has to be worth more than its bits.
 *
 * Indices of hot loops are below the numbers of cells and channels.
 */
import { quantise } from '../../prior/quantiser.ts';
import type { ModelCard } from '../field/card.ts';
import { modulationLayout } from '../field/layout.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { type FieldSpec, gridCells } from '../field/spec.ts';
import type { Price } from './pricing.ts';

/**
 * What a symbol alone among zeros has to be worth beyond its bits. The eye sees the dot and not the texture it is a grain of; and a context
 * prior charges those coded after it more than the price of a move says. At 5 nats files of the middle 128 x 128 of the 24 Kodak pictures take
 * 0.8 % less at equal PSNR, with half of the dots (docs/results/visual.md).
 */
export const loneNats = 5;

/**
 * Steps that a modulation's number has to reach for a symbol alone among zeros, where symbols are not chosen by bits; elsewhere half a step
 * does. With 0.75 the middle 128 x 128 of eight Kodak pictures take 4 % less at equal PSNR at quality 40, with a twentieth of the dots
 * (docs/results/visual.md).
 */
const loneZone = 0.75;

/** Cells of more samples along an axis draw no dots. */
const largestDot = 2;

/** `price` with `nats` more for every symbol of the finest cells that has no other in its cell or the eight around it. */
export function priceLone(price: Price, spec: FieldSpec, shape: readonly number[], nats: number): Price {
  const finest = finestLevel(spec);
  if (finest === undefined || nats === 0) return price;
  const { at, channels } = modulationLayout(spec, shape).levels[finest]!;
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

/** Whether signals are for the eye: those of 8 bits and two axes are. */
export function isSeen({ outputs, spec }: Pick<ModelCard, 'outputs' | 'spec'>): boolean {
  return spec.axes === 2 && sampleTypeOf(outputs) === 'uint8';
}

/**
 * The nearest symbols [m] of a modulation [m] of a shape, but for dots of pictures: a symbol of the finest cells that has no other in its cell or the
 * eight around it is 0 below `loneZone`. `steps` [channels]. Throws as `quantise`.
 */
export function nearestSymbols(
  card: Pick<ModelCard, 'outputs' | 'spec'>,
  shape: readonly number[],
  modulation: Float32Array,
  steps: ArrayLike<number>,
): Int32Array {
  const { spec } = card;
  const layout = modulationLayout(spec, shape);
  const symbols = quantise(layout, modulation, steps);
  const finest = isSeen(card) ? finestLevel(spec) : undefined;
  if (finest === undefined) return symbols;
  const { at, channels, first, cells: grid } = layout.levels[finest]!;
  const [rows, columns] = grid as [number, number];
  const cells = symbols.subarray(at, at + rows * columns * channels);
  // A symbol alone is no neighbour of another: what is made 0 changes nothing for those that follow.
  for (let i = 0; i < cells.length; i++) {
    if (cells[i] === 0 || Math.abs(modulation[at + i]!) >= loneZone * steps[first + (i % channels)]!)
      continue;
    if (standsAlone(cells, Math.floor(i / channels), { rows, columns, channels })) cells[i] = 0;
  }
  return symbols;
}

/** Whether a cell and its eight neighbours have one symbol other than 0. */
function standsAlone(
  symbols: Int32Array,
  cell: number,
  { rows, columns, channels }: { readonly rows: number; readonly columns: number; readonly channels: number },
): boolean {
  const [y, x] = [Math.floor(cell / columns), cell % columns];
  const [left, right] = [Math.max(0, x - 1), Math.min(columns - 1, x + 1)];
  let found = 0;
  for (let row = Math.max(0, y - 1); row <= Math.min(rows - 1, y + 1); row++) {
    const end = (row * columns + right + 1) * channels;
    for (let i = (row * columns + left) * channels; i < end; i++)
      if (symbols[i] !== 0 && ++found > 1) return false;
  }
  return true;
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
