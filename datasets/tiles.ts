import { BugError } from '../src/core/errors.ts';
import type { Box } from '../src/signal/box.ts';
import { type Signal, signalFromBytes } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard } from './dataset.ts';
import { noItem } from './flat.ts';

/**
 * The whole squares of `size` x `size` of pictures of different sizes, from their upper left corner, row by row, as items of one shape;
 * those of picture i start every `apart[i]` samples. What is left at the right and lower edge falls away. Closes the pictures with
 * itself.
 */
export async function openTiles(
  whole: Dataset,
  card: DatasetCard,
  size: number,
  apart: readonly number[],
): Promise<Dataset> {
  const { cropAt, shapeAt, split, channels } = whole;
  if (cropAt === undefined || shapeAt === undefined) throw new BugError(`${whole.name} does not cut boxes`);
  const { name } = card;
  const shape = [size, size];
  const tiles: { readonly item: number; readonly box: Box }[] = [];
  for (let item = 0; item < whole.length; item++) {
    const [height = 0, width = 0] = await shapeAt.call(whole, item);
    const step = apart[item]!;
    for (let y = 0; y + size <= height; y += step) {
      for (let x = 0; x + size <= width; x += step)
        tiles.push({ item, box: { start: [y, x], count: shape } });
    }
  }
  const length = tiles.length;
  const get = async (i: number): Promise<Signal> => {
    const tile = tiles[i];
    if (tile === undefined) throw noItem({ name, split, length }, i);
    const bytes = await cropAt.call(whole, tile.item, tile.box);
    return signalFromBytes(bytes, { id: `${name}/${i}`, shape, channels });
  };
  return { name, split, length, shape, channels, card, get, close: () => whole.close() };
}
