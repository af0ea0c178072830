/** Evaluating a field over a large grid, a block of rows at a time: memory is that of one block. */
import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { AbortedError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { Evaluator, Points } from '../engine/engine.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { type Axis, sampleTypeOf } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { axesOf } from '../signal/axes.ts';
import type { BoxOptions } from '../signal/region.ts';
import type { RowStream, Rows } from '../signal/rows.ts';
import { toSignalValues } from '../signal/values.ts';
import { BandInterpolator, bandWork, isBanded } from './band.ts';
import { type GridPoints, Interpolator, isAtSamples, isBetween, samplesBehind } from './between.ts';
import { axesOfOutput, type OutputGrid, outputGrid } from './grid.ts';
import type { DecodeOptions } from './types.ts';

/** Enough points to keep every thread at work, few enough that a block is a megabyte or two. */
const blockPoints = 2 ** 17;

export interface RowsOptions extends DecodeOptions, Pick<BoxOptions, 'told'> {
  readonly limits: Limits;
  /** Where the samples of the signal stand; default: as the card says. */
  readonly axes?: readonly Axis[] | undefined;
}

/**
 * The signal of `modulation` [m], rows at a time; `quality` is the one that it was found at, 50 by default. A picture of another size is
 * drawn from its samples (between.ts) unless it is `raw`, a sound always (band.ts). Throws before the first row: BadInputError `bad-size`, `bad-region`; LimitError `limit-samples`, `limit-axis`, `limit-multiply-adds`.
 */
export function fieldRows(
  context: { readonly model: Model; readonly engine: Evaluator },
  shape: readonly number[],
  modulation: Float32Array,
  options: RowsOptions & { readonly quality?: number | undefined },
): RowStream {
  const { card } = context.model;
  const { axes = axesOf(card, shape), limits } = options;
  const grid = outputGrid(shape, { ...options, axes }, limits);
  const height = grid.shape[0]!;
  const all = grid.points(0, height) as GridPoints;
  const drawn = isDrawn(card, grid, options);
  const band = isBanded(card) && !isAtSamples(all) ? bandWork(shape[0]!, all) : undefined;
  const behind = drawn ? samplesBehind(shape, all) * blocksPerRow(grid) : pointCount(grid.shape);
  const points = band?.samples ?? behind;
  const filter = (band?.filter ?? pointCount(grid.shape)) * card.spec.outputs;
  const work = points * multiplyAddsPerPoint(card.spec) + filter;
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'ask for a smaller size or a region of it');
  async function* rows(): AsyncIterable<Rows> {
    const { engine, model } = context;
    const { network } = atQuality(model, options.quality ?? defaultQuality);
    const { signal } = options;
    const evaluate = (points: Points) => engine.evaluate(network, shape, modulation, points, { signal });
    const field = (): Draw => {
      if (band !== undefined) {
        const between = new BandInterpolator(shape[0]!, card.spec.outputs, (from, count) =>
          evaluate({ kind: 'grid', start: [from + 0.5], step: [1], count: [count] }),
        );
        return (points) => between.block(points);
      }
      if (!drawn) return (points) => evaluate({ kind: 'grid', ...points });
      const between = new Interpolator(shape, card.spec.outputs, (from, count) =>
        evaluate({ kind: 'grid', start: from.map((at) => at + 0.5), step: [1, 1], count }),
      );
      return (points) => between.block(points);
    };
    for await (const { values, ...where } of blocksOf(grid, card.spec.outputs, field, signal)) {
      yield { ...where, values: toSignalValues(card, values, options.raw ?? false), fresh: true };
    }
  }
  return {
    ...{ shape: grid.shape, channels: card.spec.outputs, rows: rows() },
    axes: axesOfOutput(axes, shape, grid),
  };
}

/** Whether a grid is drawn from the samples of a signal: those of 8 bits have nothing between that was learnt. */
export function isDrawn(card: ModelCard, grid: OutputGrid, { raw = false }: DecodeOptions): boolean {
  return sampleTypeOf(card.outputs) === 'uint8' && !raw && isBetween(grid.points(0, 1) as GridPoints);
}

/** Values [points, channels] of a block of a grid. */
export type Draw = (points: GridPoints) => Promise<Float32Array>;

/**
 * A grid in blocks of whole rows. `begin` makes what draws successive blocks of the same columns; rows that are too wide for a
 * block are drawn in pieces, each begun anew, and joined: what drawing holds is that of a block, however wide a row is.
 */
export async function* blocksOf(
  grid: OutputGrid,
  channels: number,
  begin: () => Draw,
  signal: AbortSignal | undefined,
): AsyncGenerator<Rows> {
  const height = grid.shape[0]!;
  const inRow = pointCount(grid.shape.slice(1));
  if (inRow > blockPoints) {
    for (let start = 0; start < height; start++) {
      yield { start, rows: 1, values: await wideRow(grid, channels, start, begin, signal) };
    }
    return;
  }
  const draw = begin();
  const rowsPerBlock = Math.floor(blockPoints / inRow);
  for (let start = 0; start < height; start += rowsPerBlock) {
    if (signal?.aborted) throw new AbortedError();
    const rows = Math.min(rowsPerBlock, height - start);
    yield { start, rows, values: await draw(grid.points(start, rows) as GridPoints) };
  }
}

async function wideRow(
  grid: OutputGrid,
  channels: number,
  row: number,
  begin: () => Draw,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const [, along = 1, ...inner] = grid.shape;
  const most = Math.max(1, Math.floor(blockPoints / pointCount(inner)));
  const values = new Float32Array(along * pointCount(inner) * channels);
  let at = 0;
  for (let first = 0; first < along; first += most) {
    if (signal?.aborted) throw new AbortedError();
    const part = { first, count: Math.min(most, along - first) };
    const found = await begin()(grid.points(row, 1, part) as GridPoints);
    values.set(found, at);
    at += found.length;
  }
  return values;
}

/** How often the samples behind a row are computed: wide rows are drawn one by one, and neighbours share samples. */
function blocksPerRow({ shape }: OutputGrid): number {
  return pointCount(shape.slice(1)) > blockPoints ? rowsBehind : 1;
}

/** Rows of samples that a row between them is drawn from. */
const rowsBehind = 4;
