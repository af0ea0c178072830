/**
 * Sizes that web pages ask for, as sizes and regions of a function. The tile (x, y) of level z is the samples 256 x to 256 (x + 1) and
 * 256 y to 256 (y + 1) of the function drawn at 2^z times its own size, rounded up; level 0 is its own size, levels below it are
 * smaller. Tiles at the right and the lower edge are cut to what is there.
 */
import { BadInputError, NotFoundError } from '../src/core/errors.ts';

export const tileSamples = 256;
export const tileLevels = { least: -16, most: 16 } as const;

/** Widths that `width` may say: a page asks for few, and each is drawn and kept by caches once. */
export const widths = [
  16, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 480, 512, 640, 768, 960, 1024, 1280, 1536, 1920, 2048,
  2560, 3840, 4096,
] as const;

export interface Grid {
  readonly size: string;
  readonly region?: string | undefined;
}

/** Of a signal [rows, columns] at this width, in its own proportions. Throws BadInputError `bad-width`. */
export function gridOfWidth(shape: readonly number[], width: number): Grid {
  const [rows, columns] = planeOf(shape, 'bad-width');
  if (!(widths as readonly number[]).includes(width))
    throw new BadInputError('bad-width', `width is one of ${widths.join(', ')}; size takes any`);
  return { size: `${width}x${Math.max(1, Math.round((width * rows) / columns))}` };
}

/** Throws BadInputError `bad-tile`, NotFoundError `bad-tile` beyond the edges. */
export function gridOfTile(shape: readonly number[], z: number, x: number, y: number): Grid {
  const [rows, columns] = planeOf(shape, 'bad-tile');
  const [height, width] = [rows, columns].map((samples) => Math.ceil(samples * 2 ** z)) as [number, number];
  const [left, top] = [x * tileSamples, y * tileSamples];
  if (left >= width || top >= height) {
    const [across, down] = [width, height].map((samples) => Math.ceil(samples / tileSamples));
    throw new NotFoundError('bad-tile', `level ${z} has ${across} x ${down} tiles, from 0,0 on`);
  }
  const count = [width - left, height - top].map((left) => Math.min(tileSamples, left));
  return { size: `${width}x${height}`, region: [left, top, ...count].join() };
}

function planeOf(shape: readonly number[], code: 'bad-width' | 'bad-tile'): [number, number] {
  if (shape.length === 2) return shape as [number, number];
  throw new BadInputError(
    code,
    `a signal of ${shape.length} axes has no width and height; ask by size and region`,
  );
}
