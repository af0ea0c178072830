/** Sizes and regions of a regular grid of samples, as callers give them. */
import { BadInputError } from '../core/errors.ts';
import type { Box } from './box.ts';

/** The size of the decoded grid: the signal's own times a factor, or so many samples along each axis (array order). */
export type Size = { readonly factor: number } | { readonly shape: readonly number[] };

/** `4x`, `0.5x`; `640x480` is width x height, `8x8x8` lists the axes from the fastest to the slowest; `16000`. */
export function parseSize(text: string): Size {
  const factor = /^(\d+(?:\.\d+)?|\.\d+)x$/.exec(text);
  if (factor !== null) return { factor: Number(factor[1]) };
  if (/^\d+(x\d+)*$/.test(text)) return { shape: text.split('x').map(Number).reverse() };
  throw new BadInputError(
    'bad-size',
    `size '${text}' is neither a factor such as 4x nor a size such as 640x480`,
  );
}

/** `x,y,w,h`: starts from the fastest axis to the slowest, then counts in the same order; `start,count` for one axis. */
export function parseRegion(text: string): Box {
  const numbers = /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : [];
  const axes = numbers.length / 2;
  if (axes < 1 || !Number.isInteger(axes)) {
    throw new BadInputError('bad-region', `region '${text}' is not x,y,w,h in whole samples of the output`);
  }
  return { start: numbers.slice(0, axes).reverse(), count: numbers.slice(axes).reverse() };
}
