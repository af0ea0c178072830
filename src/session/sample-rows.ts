/** The rows of a signal that a file holds sample by sample: the function of `sample-field.ts` on a grid, whatever the size. */
import type { ModelCard } from '../field/card.ts';
import { fromSamples, type Samples } from '../field/samples.ts';
import { pointCount } from '../field/spec.ts';
import { axesOf } from '../signal/axes.ts';
import type { RowStream, Rows } from '../signal/rows.ts';
import { toSampleValues } from '../signal/values.ts';
import { BandInterpolator, isBanded } from './band.ts';
import { type GridPoints, Interpolator, isAtSamples, isBetween } from './between.ts';
import { axesOfOutput, outputGrid } from './grid.ts';
import { blocksOf, type Draw, type RowsOptions } from './rows.ts';
import { betweenTwo, isSmooth, SampleField } from './sample-field.ts';

export interface SampledFunction {
  readonly samples: Samples;
  readonly shape: readonly number[];
}

/** Throws before the first row: BadInputError `bad-size`, `bad-region`; LimitError `limit-samples`, `limit-axis`. */
export function sampleRows(
  card: ModelCard,
  { samples, shape }: SampledFunction,
  options: RowsOptions,
): RowStream {
  const { axes = axesOf(card, shape), limits } = options;
  const grid = outputGrid(shape, { ...options, axes }, limits);
  const channels = card.spec.outputs;
  async function* rows(): AsyncIterable<Rows> {
    const onLines: Draw = async ({ start, step, count }) => {
      const places = count.map((n, axis) => placesOf(start[axis]!, step[axis]!, n, shape[axis]!));
      return interpolate(card, samples, shape, places, channels);
    };
    const cubic = (): Draw => {
      const between = new Interpolator(shape, channels, async (from, count) =>
        cut(card, samples, shape[1]! * channels, from, count),
      );
      return (points) => between.block(points);
    };
    const band = (): Draw => {
      const between = new BandInterpolator(shape[0]!, channels, async (from, count) =>
        fromSamples(card, samples, from * channels, (from + count) * channels),
      );
      return (points) => between.block(points);
    };
    const field = new SampleField(card, { shape, samples });
    const byPoint: Draw = async (points) => field.values({ kind: 'grid', ...points });
    const points = grid.points(0, 1) as GridPoints;
    const curve = () => (isBetween(points) ? cubic : () => byPoint);
    // At the samples themselves, all of them are the samples.
    const isLine = isAtSamples(points) || !(isSmooth(card) || isBanded(card));
    const begin = isLine ? () => onLines : isBanded(card) ? band : curve();
    for await (const { values, ...where } of blocksOf(grid, channels, begin, options.signal)) {
      yield { ...where, values: toSampleValues(card, values, options.raw ?? false) };
    }
  }
  return { shape: grid.shape, channels, axes: axesOfOutput(axes, shape, grid), rows: rows() };
}

/** Signal values [rows, columns, channels] of a part of a picture; `length`: numbers of a row. */
function cut(
  card: ModelCard,
  samples: Samples,
  length: number,
  [row, column]: readonly [number, number],
  [rows, columns]: readonly [number, number],
): Float32Array {
  const channels = card.spec.outputs;
  const values = new Float32Array(rows * columns * channels);
  for (let y = 0; y < rows; y++) {
    const from = (row + y) * length + column * channels;
    values.set(fromSamples(card, samples, from, from + columns * channels), y * columns * channels);
  }
  return values;
}

/** Along one axis, for each point the sample before it, and the share of the one after. */
interface Places {
  readonly before: Int32Array;
  readonly share: Float64Array;
}

/** Sample i stands at i + 1/2. */
function placesOf(start: number, step: number, count: number, samples: number): Places {
  const before = new Int32Array(count);
  const share = new Float64Array(count);
  for (let j = 0; j < count; j++) {
    const at = betweenTwo(start + j * step, samples);
    before[j] = at.before;
    share[j] = at.share;
  }
  return { before, share };
}

/** Signal values [points, channels]; axes one after the other, the first first: each leaves fewer samples to the next. */
function interpolate(
  card: ModelCard,
  samples: Samples,
  shape: readonly number[],
  places: readonly Places[],
  channels: number,
): Float32Array {
  // Of the first axis only the slices between which the points lie.
  const first = places[0]!.before[0]!;
  const last = Math.min(shape[0]! - 1, places[0]!.before.at(-1)! + 1);
  const slice = (pointCount(shape) / shape[0]!) * channels;
  let values = fromSamples(card, samples, first * slice, (last + 1) * slice);
  let outer = 1;
  let size = last + 1 - first;
  let inner = slice;
  for (const [axis, { before, share }] of places.entries()) {
    const origin = axis === 0 ? first : 0;
    if (axis > 0) {
      size = shape[axis]!;
      inner /= size;
    }
    if (!isIdentity(before, share, origin, size))
      values = along(values, { outer, size, inner, origin }, before, share);
    outer *= before.length;
  }
  return values;
}

function isIdentity(before: Int32Array, share: Float64Array, origin: number, size: number): boolean {
  return before.length === size && before.every((at, j) => at + share[j]! === origin + j);
}

/** [outer, size, inner] to [outer, places, inner]. */
function along(
  values: Float32Array,
  { outer, size, inner, origin }: { outer: number; size: number; inner: number; origin: number },
  before: Int32Array,
  share: Float64Array,
): Float32Array {
  const count = before.length;
  const found = new Float32Array(outer * count * inner);
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      const from = (o * size + before[j]! - origin) * inner;
      const to = (o * count + j) * inner;
      const w = share[j]!;
      const next = w === 0 ? 0 : inner;
      for (let k = 0; k < inner; k++) {
        const a = values[from + k]!;
        found[to + k] = a + w * (values[from + next + k]! - a);
      }
    }
  }
  return found;
}
