/** Evaluating a field over a large grid, a block of rows at a time: memory is that of one block. */
import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { AbortedError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { Engine, Points } from '../engine/engine.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { type GridPoints, Interpolator, isBetween, samplesBehind } from './between.ts';
import { outputGrid } from './grid.ts';
import type { DecodeOptions, RowStream, Rows } from './types.ts';
import { isPicture, toSignalValues } from './values.ts';

/** Enough points to keep every thread at work, few enough that a block is a megabyte or two. */
const blockPoints = 2 ** 17;

/**
 * The signal of `modulation` [m], rows at a time; `quality` is the one that it was found at, 50 by default. A picture of another size is
 * drawn from its samples (between.ts) unless it is `raw`. Throws before the first row: BadInputError `bad-size`, `bad-region`; LimitError `limit-samples`, `limit-axis`, `limit-multiply-adds`.
 */
export function fieldRows(
  context: { readonly model: Model; readonly engine: Engine },
  shape: readonly number[],
  modulation: Float32Array,
  options: DecodeOptions & { readonly limits: Limits; readonly quality?: number | undefined },
): RowStream {
  const { card } = context.model;
  const grid = outputGrid(shape, options, options.limits);
  const height = grid.shape[0]!;
  const all = grid.points(0, height) as GridPoints;
  const drawn = isPicture(card) && options.raw !== true && isBetween(all);
  const points = drawn ? samplesBehind(shape, all) : pointCount(grid.shape);
  const work = points * multiplyAddsPerPoint(card.spec) + pointCount(grid.shape) * card.spec.outputs;
  checkLimit(
    'multiply-adds',
    work,
    options.limits.maxMultiplyAdds,
    'ask for a smaller size or a region of it',
  );
  const rowsPerBlock = blockRows(grid.shape);
  async function* rows(): AsyncIterable<Rows> {
    const { engine, model } = context;
    const { network } = atQuality(model, options.quality ?? defaultQuality);
    const evaluate = (points: Points) =>
      engine.evaluate(network, shape, modulation, points, { signal: options.signal });
    const between = new Interpolator(shape, card.spec.outputs, (from, count) =>
      evaluate({ kind: 'grid', start: from.map((at) => at + 0.5), step: [1, 1], count }),
    );
    for (let start = 0; start < height; start += rowsPerBlock) {
      if (options.signal?.aborted) throw new AbortedError();
      const n = Math.min(rowsPerBlock, height - start);
      const points = grid.points(start, n) as GridPoints;
      const values = drawn ? await between.block(points) : await evaluate({ kind: 'grid', ...points });
      yield { start, rows: n, values: toSignalValues(card, values, options.raw ?? false) };
    }
  }
  return { shape: grid.shape, channels: card.spec.outputs, rows: rows() };
}

/** Rows of a block of an output of this shape. */
export function blockRows(shape: readonly number[]): number {
  return Math.max(1, Math.floor((blockPoints * shape[0]!) / pointCount(shape)));
}

/** All rows of a stream in one array, [points, channels]. */
export async function collectRows(stream: RowStream): Promise<Float32Array> {
  const points = pointCount(stream.shape);
  const rowValues = (points / stream.shape[0]!) * stream.channels;
  const all = new Float32Array(points * stream.channels);
  for await (const { start, values } of stream.rows) all.set(values, start * rowValues);
  return all;
}

/** The rows of a signal in memory, for writers that take streams. */
export function signalRows(signal: {
  readonly shape: readonly number[];
  readonly channels: number;
  readonly values: Float32Array;
}): RowStream {
  const { shape, channels, values } = signal;
  async function* rows(): AsyncIterable<Rows> {
    const height = shape[0]!;
    const rowValues = values.length / height;
    const block = Math.max(1, Math.floor((blockPoints * channels) / rowValues));
    for (let start = 0; start < height; start += block) {
      const n = Math.min(block, height - start);
      yield { start, rows: n, values: values.subarray(start * rowValues, (start + n) * rowValues) };
    }
  }
  return { shape, channels, rows: rows() };
}
