/** From what a caller asks for (`4x`, a size, a cut) to the points where a field is evaluated. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { Points } from '../engine/engine.ts';
import { pointCount } from '../field/spec.ts';
import type { Region, Size } from './types.ts';

/** A regular grid of output samples over a signal; sample j of an axis stands at (j + 0.5) * samples / size. */
export interface OutputGrid {
  /** Samples of the output along each axis. */
  readonly shape: readonly number[];
  /**
   * The points of rows `first` .. `first + rows` (slices of the first axis); of each all, or a `part` of its second axis alone. A point
   * has the same coordinates in all of them.
   */
  points(first: number, rows: number, part?: { readonly first: number; readonly count: number }): Points;
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

/** Resolves size and region against a signal's shape. Throws BadInputError `bad-size`, `bad-region`; LimitError. */
export function outputGrid(
  shape: readonly number[],
  request: { readonly size?: Size | string | undefined; readonly region?: Region | string | undefined },
  limits: Limits,
): OutputGrid {
  const size = typeof request.size === 'string' ? parseSize(request.size) : request.size;
  const region = typeof request.region === 'string' ? parseRegion(request.region) : request.region;
  const whole = wholeShape(shape, size);
  for (const n of whole) checkLimit('axis', n, limits.maxAxis, 'ask for a smaller size');
  const cut = region === undefined ? { start: whole.map(() => 0), count: whole } : checkRegion(region, whole);
  checkLimit('samples', pointCount(cut.count), limits.maxSamples, 'ask for a smaller size or a region of it');
  const step = whole.map((n, axis) => shape[axis]! / n);
  return {
    shape: cut.count,
    points: (first, rows, part) => ({
      kind: 'grid',
      start: cut.start.map((at, axis) => (at + ([first, part?.first ?? 0][axis] ?? 0) + 0.5) * step[axis]!),
      step,
      count: cut.count.map((n, axis) => [rows, part?.count ?? n][axis] ?? n),
    }),
  };
}

function wholeShape(shape: readonly number[], size: Size | undefined): readonly number[] {
  if (size === undefined) return shape;
  if ('factor' in size) {
    if (!(size.factor > 0 && Number.isFinite(size.factor))) {
      throw new BadInputError('bad-size', `a size factor is above 0, not ${size.factor}`);
    }
    return shape.map((n) => Math.max(1, Math.round(n * size.factor)));
  }
  if (size.shape.length !== shape.length || size.shape.some((n) => !Number.isSafeInteger(n) || n < 1)) {
    throw new BadInputError(
      'bad-size',
      `size [${size.shape}] does not give each of ${shape.length} axes a sample`,
    );
  }
  return size.shape;
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
