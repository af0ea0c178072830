/** Sizes and regions of a regular grid of samples, as callers give them. */
import { BadInputError } from '../core/errors.ts';

/** The size of the decoded grid: the signal's own times a factor, or so many samples along each axis (array order). */
export type Size = { readonly factor: number } | { readonly shape: readonly number[] };

/**
 * A cut of the decoded grid, in samples of that grid (of the picture that `size` asks for), axes in array order. The
 * cut of a picture has exactly the values that the whole picture has there.
 */
export interface Region {
  readonly start: readonly number[];
  readonly count: readonly number[];
}

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
export function parseRegion(text: string): Region {
  const numbers = /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : [];
  const axes = numbers.length / 2;
  if (axes < 1 || !Number.isInteger(axes)) {
    throw new BadInputError('bad-region', `region '${text}' is not x,y,w,h in whole samples of the output`);
  }
  return { start: numbers.slice(0, axes).reverse(), count: numbers.slice(axes).reverse() };
}

/** Throws BadInputError `bad-region` unless it lies within `whole` samples, with one at least. `owner`: what these are of. */
export function checkRegion(region: Region, whole: readonly number[], owner = 'an output'): Region {
  const { start, count } = region;
  const inside =
    start.length === whole.length &&
    count.length === whole.length &&
    whole.every((n, axis) => {
      const [s, c] = [start[axis]!, count[axis]!];
      return Number.isSafeInteger(s) && Number.isSafeInteger(c) && s >= 0 && c >= 1 && s + c <= n;
    });
  if (!inside) {
    throw new BadInputError(
      'bad-region',
      `region start [${start}] count [${count}] (slowest axis first) does not lie in ${owner} of [${whole}]`,
    );
  }
  return region;
}
