/** Boxes of samples, and cutting them out of arrays. */
import { BadInputError } from '../core/errors.ts';
import { pointCount } from '../field/spec.ts';

/**
 * A box of samples of a regular grid: of a signal, of a data set's item, of a decoded output. Axes are in array order, the slowest
 * first, as in every shape: [y, x] for a picture.
 */
export interface Box {
  /** First sample along each axis. */
  readonly start: readonly number[];
  /** Samples along each axis, one at least. */
  readonly count: readonly number[];
}

/** The box of all samples of a shape. */
export function wholeOf(shape: readonly number[]): Box {
  return { start: shape.map(() => 0), count: shape };
}

/**
 * Throws BadInputError `bad-region` unless it lies within `whole` samples, with one at least. `owner`: what these are of; `said`: how the
 * caller put it; `names`: of the axes.
 */
export function checkBox(
  box: Box,
  whole: readonly number[],
  owner = 'an output',
  said?: string,
  names?: readonly string[],
): Box {
  const { start, count } = box;
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
      `region ${said ?? `start [${start}] count [${count}]`} does not lie in ${owner} of [${whole}] samples (slowest axis first); give one within it${exampleOf(whole, names)}`,
    );
  }
  return box;
}

/** The whole as a region in words. */
function exampleOf(whole: readonly number[], names: readonly string[] | undefined): string {
  if (names?.length !== whole.length) return '';
  return `, by the names of its axes: ${whole.map((n, axis) => `${names[axis]}=0:${n}`).join(',')}`;
}

/** The box of an array [...shape, channels]; a fresh array. Throws BadInputError `bad-region`. */
export function cutBox<T extends Uint8Array | Int16Array | Float32Array>(
  values: T,
  shape: readonly number[],
  channels: number,
  box: Box,
): T {
  checkBox(box, shape, 'an array');
  const out = new (values.constructor as new (length: number) => T)(pointCount(box.count) * channels);
  copyBox(values, shape, channels, box, out);
  return out;
}

/** Copies a box out of an array [...shape, channels] into `target` [...box.count, channels]. The box lies within. */
export function copyBox<T extends Uint8Array | Int16Array | Float32Array>(
  values: T,
  shape: readonly number[],
  channels: number,
  box: Box,
  target: T,
): void {
  forEachRow(shape, box, (from, to, samples) => {
    const start = from * channels;
    target.set(values.subarray(start, start + samples * channels), to * channels);
  });
}

/** Calls `visit(index in the whole, index in the box, samples)` for every run along the last axis of a box of `shape`. */
export function forEachRow(
  shape: readonly number[],
  box: Box,
  visit: (whole: number, part: number, samples: number) => void,
): void {
  const last = shape.length - 1;
  const samples = box.count[last]!;
  const rows = pointCount(box.count) / samples;
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let whole = box.start[last]!;
    let stride = shape[last]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      const n = box.count[axis]!;
      whole += (box.start[axis]! + (rest % n)) * stride;
      rest = Math.floor(rest / n);
      stride *= shape[axis]!;
    }
    visit(whole, row * samples, samples);
  }
}
